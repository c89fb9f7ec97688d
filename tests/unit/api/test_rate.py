"""The rate limit: off by default, a key at a time, counted, and told how long to wait."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

CONTACT = "/api/v1/manychat/webhook/contact"
BODY = {"manychat_id": "MC1"}


def refused(scope: str) -> float:
    return REGISTRY.get_sample_value("bridge_rate_limited_total", {"scope": scope}) or 0.0


async def test_without_the_setting_nobody_is_limited(api: Any) -> None:
    answers = [await api.post(CONTACT, BODY) for _ in range(50)]
    assert {answer.status for answer in answers} == {202}


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(make_api: Any) -> None:
    api = make_api(rate_limit="2/minute")
    before = refused("webhook")
    statuses = [(await api.post(CONTACT, BODY)).status for _ in range(3)]
    assert statuses == [202, 202, 429]
    answer = await api.post(CONTACT, BODY)
    assert (answer.status, answer.json["type"]) == (429, "too-often")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert refused("webhook") == before + 2
    assert len(api.sender.kept) == 2


async def test_nothing_is_read_of_a_request_too_many(make_api: Any) -> None:
    api = make_api(rate_limit="1/minute")
    await api.post(CONTACT, BODY)
    read = api.read
    await api.post(CONTACT, BODY)
    assert api.read == read


async def test_each_key_has_a_count_of_its_own_for_all_routes(make_api: Any) -> None:
    api = make_api(rate_limit="1/hour")
    assert (await api.get("/metrics", key="admin-key")).status == 200
    assert (await api.get("/metrics", key="admin-key-next")).status == 200
    assert (await api.post(CONTACT, BODY, key="admin-key")).status == 429
    assert (await api.post(CONTACT, BODY, key="flow-key")).status == 202


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/v1/health"])
async def test_what_takes_no_key_is_never_limited(make_api: Any, path: str) -> None:
    api = make_api(rate_limit="1/hour")
    assert {(await api.get(path)).status for _ in range(5)} == {200}


async def test_a_wrong_key_is_refused_as_ever(make_api: Any) -> None:
    api = make_api(rate_limit="1/hour")
    assert {(await api.post(CONTACT, BODY, key="wrong")).status for _ in range(5)} == {401}
