"""Who gets into `/ops`, with what, for how long; and what every answer says to the browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bridge.api.ops.actions import router
from bridge.api.ops.session import IDLE_SECONDS, LONGEST_SECONDS, begun, find
from tests.unit.api.conftest import ADMIN, ADMIN_NEXT, FLOW
from tests.unit.api.ops_calls import Visitor

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
OPEN = {"/ops/login", "/ops/ops.css"}
SAMPLES = {"{hop}": "crm", "{id:int}": "1"}


def _paths(method: str) -> list[str]:
    """Every route of the page that asks for a session, filled in."""
    found = []
    for route in router.routes:
        if method in route.methods and route.path not in OPEN:
            path = route.path.removeprefix("/ops")
            for sample, value in SAMPLES.items():
                path = path.replace(sample, value)
            found.append(path)
    return found


@pytest.fixture
def visitor(api: Any) -> Visitor:
    return Visitor(api)


def test_there_are_pages_and_actions_to_be_guarded() -> None:
    assert set(_paths("GET")) == {"", "/dead-letters", "/dead-letters/1", "/parked", "/trace"}
    assert len(_paths("POST")) == 7


@pytest.mark.parametrize("path", _paths("GET"))
async def test_without_a_session_a_page_leads_to_the_login(visitor: Visitor, path: str) -> None:
    for headers in (
        {},
        {"x-api-key": ADMIN},
        {"x-api-key": FLOW},
        {"cookie": "ops_session=1.2.3.4"},
    ):
        answer = await visitor.get(path, **headers)
        assert (answer.status, answer.headers["location"]) == (303, "/ops/login")
        assert answer.content == b""


@pytest.mark.parametrize("path", _paths("POST"))
async def test_without_a_session_a_button_does_nothing(visitor: Visitor, path: str) -> None:
    answer = await visitor.post(path, {"token": "x"}, **{"x-api-key": ADMIN})
    assert answer.status == 401
    assert b"Nothing was done" in answer.content


@pytest.mark.parametrize("path", _paths("POST"))
@pytest.mark.parametrize("token", [None, "", "0" * 64, "ñ"])
async def test_a_forged_form_does_nothing(visitor: Visitor, path: str, token: str | None) -> None:
    await visitor.log_in()
    answer = await visitor.post(path, {} if token is None else {"token": token})
    assert answer.status == 403
    assert b"not from your session" in answer.content
    assert visitor.api.sender.kept == []


async def test_the_token_of_another_session_is_forged_too(visitor: Visitor, api: Any) -> None:
    other = Visitor(api)
    await visitor.log_in()
    await other.log_in()
    answer = await visitor.post("/hops/crm/pause", {"token": await other.token()})
    assert answer.status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_does_nothing_even_with_the_token(
    visitor: Visitor, site: str
) -> None:
    await visitor.log_in()
    fields = {"token": await visitor.token()}
    assert (await visitor.post("/logout", fields, **{"sec-fetch-site": site})).status == 403
    assert (await visitor.post("/login", {"key": ADMIN}, **{"sec-fetch-site": site})).status == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"token=" + b"x" * 40_000, "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 50), "application/x-www-form-urlencoded"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b'{"token": "x"}', "application/json"),
        (b"token=x", "text/plain"),
    ],
)
async def test_what_is_no_form_is_refused(visitor: Visitor, body: bytes, kind: str) -> None:
    await visitor.log_in()
    headers = {"cookie": visitor.cookie, "content-type": kind}
    answer = await visitor.api.call("POST", "/ops/logout", body, **headers)
    assert answer.status == 403
    answer = await visitor.api.call("POST", "/ops/login", body, **{"content-type": kind})
    assert answer.status == 401


@pytest.mark.parametrize("key", ["", "wrong", FLOW, f"{ADMIN}, {ADMIN_NEXT}"])
async def test_only_a_key_that_opens_everything_logs_in(visitor: Visitor, key: str) -> None:
    answer = await visitor.log_in(key)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert b"does not open" in answer.content
    assert not key or key.encode() not in answer.content


@pytest.mark.parametrize("key", [ADMIN, ADMIN_NEXT, f" {ADMIN} "])
async def test_each_key_in_rotation_logs_in(visitor: Visitor, key: str) -> None:
    answer = await visitor.log_in(key)
    assert (answer.status, answer.headers["location"]) == (303, "/ops")
    assert (await visitor.get("/trace")).status == 200


async def test_the_cookie_is_out_of_reach_and_never_holds_the_key(visitor: Visitor) -> None:
    plain = (await visitor.log_in()).headers["set-cookie"]
    words = {word.strip().lower() for word in plain.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/ops"} <= words
    assert f"max-age={IDLE_SECONDS}" in words
    assert "secure" not in words
    assert ADMIN not in plain
    behind = await visitor.post("/login", {"key": ADMIN}, **{"x-forwarded-proto": "https"})
    assert "secure" in behind.headers["set-cookie"].lower()
    assert "strict-transport-security" in behind.headers


async def test_a_session_ends_without_work_and_after_its_longest_time(visitor: Visitor) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        await visitor.log_in()
        clock.shift(timedelta(seconds=IDLE_SECONDS - 1))
        assert (await visitor.get("/trace")).status == 200
        clock.shift(timedelta(seconds=IDLE_SECONDS - 1))
        assert (await visitor.get("/trace")).status == 200
        clock.shift(timedelta(seconds=IDLE_SECONDS))
        assert (await visitor.get("/trace")).status == 303
        await visitor.log_in()
        for _ in range(LONGEST_SECONDS // 1000):
            clock.shift(timedelta(seconds=1000))
            assert (await visitor.get("/trace")).status == 200
        clock.shift(timedelta(seconds=1000))
        assert (await visitor.get("/trace")).status == 303


async def test_a_page_that_refreshes_itself_keeps_no_session_alive(visitor: Visitor) -> None:
    await visitor.log_in()
    assert "set-cookie" not in (await visitor.get("?auto=1")).headers
    assert "set-cookie" in (await visitor.get()).headers


async def test_logging_out_takes_the_cookie_away(visitor: Visitor) -> None:
    await visitor.log_in()
    answer = await visitor.press("/logout")
    assert (answer.status, answer.headers["location"]) == (303, "/ops/login")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert (await visitor.get()).status == 303


def test_a_session_dies_with_its_key() -> None:
    made = begun("one", 1000)
    assert find(made.cookie, ["other", "one"], 1001) == made
    assert find(made.cookie, ["other"], 1001) is None


@pytest.mark.parametrize("place", range(4))
def test_no_part_of_the_cookie_can_be_changed(place: int) -> None:
    made = begun("one", 1000)
    parts = made.cookie.split(".")
    last = parts[place][-1]
    parts[place] = parts[place][:-1] + ("1" if last != "1" else "2")
    assert find(".".join(parts), ["one"], 1001) is None


@pytest.mark.parametrize(
    "cookie", [None, "", "a.b.c.d", "1.2.3", "1" * 5000 + ".1.a.b", "١.٢.a.b", "1.2.a.b.c"]
)
def test_a_cookie_of_no_form_is_no_session(cookie: str | None) -> None:
    assert find(cookie, ["one"], 1001) is None


def test_a_session_from_the_future_is_none() -> None:
    assert find(begun("one", 1000).cookie, ["one"], 999) is None


@pytest.mark.parametrize("path", [*_paths("GET"), "/login", "/ops.css", "/dead-letters/7/none"])
@pytest.mark.parametrize("known", [True, False])
async def test_no_page_can_be_framed_scripted_or_kept(
    visitor: Visitor, path: str, known: bool
) -> None:
    if known:
        await visitor.log_in()
    answer = await visitor.get(path)
    if answer.status == 404:
        assert answer.headers["content-type"] == "application/problem+json"
        return
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_no_page_has_anything_inline_or_from_elsewhere(visitor: Visitor) -> None:
    await visitor.log_in()
    for path in ("", "/trace", "/login", "/parked"):
        text = (await visitor.get(path)).content.decode()
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", text), path


async def test_under_the_prefix_it_is_the_same_page_with_its_own_cookie(api: Any) -> None:
    visitor = Visitor(api, "/api/v1/ops")
    answer = await visitor.log_in()
    assert answer.headers["location"] == "/api/v1/ops"
    assert "path=/api/v1/ops" in answer.headers["set-cookie"].lower()
    assert b'href="/api/v1/ops/ops.css"' in (await visitor.get("/trace")).content


async def test_with_everything_away_the_first_page_still_says_so(visitor: Visitor) -> None:
    visitor.api.sender.away()
    await visitor.log_in()
    answer = await visitor.get()
    text = answer.content.decode()
    assert answer.status == 200
    assert "queue is away" in text
    assert "mirror is away (no_mirror)" in text
    assert "The mirror does not answer" in text
    assert "breaker is open" not in text  # not known either
    for path in ("/dead-letters", "/dead-letters/1", "/parked", "/trace?manychat_id=1"):
        answer = await visitor.get(path)
        assert (answer.status, b"mirror does not answer" in answer.content) == (503, True)
