"""Keys: two scopes, rotation, and nothing read or kept before they are checked."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.api import security

ROOT = "/api/v1"
WEBHOOKS = [
    f"{ROOT}/manychat/webhook/contact",
    f"{ROOT}/manychat/webhook/campaign-assignment",
    f"{ROOT}/manychat/webhook/campaign-contact-assign",
    f"{ROOT}/manychat/webhook/stage-change",
    f"{ROOT}/crm/webhook/stage-change",
    f"{ROOT}/manychat/webhook/address",
    f"{ROOT}/crm/webhook/lead",
]


@pytest.mark.parametrize("path", WEBHOOKS)
@pytest.mark.parametrize("key", [None, "", "wrong", "flow-key ", "admin-key, admin-key-next", "ñ"])
async def test_without_a_right_key_nothing_is_read_or_kept(
    api: Any, path: str, key: str | None
) -> None:
    answer = await api.post(path, b"not json", key=key)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["type"] == ("wrong-key" if key else "missing-key")
    assert "www-authenticate" in answer.headers
    assert (api.read, api.sender.kept, api.inbox.kept) == (0, [], [])


@pytest.mark.parametrize("key", ["flow-key", "admin-key", "admin-key-next"])
async def test_each_key_in_rotation_opens_the_webhooks(api: Any, key: str) -> None:
    assert (await api.post(WEBHOOKS[0], {"manychat_id": "1"}, key=key)).status == 202
    assert (await api.get(f"{ROOT}/manychat/webhook/verify", key=key)).status == 200


async def test_verify_needs_a_key(api: Any) -> None:
    assert (await api.get(f"{ROOT}/manychat/webhook/verify")).status == 401


async def test_a_key_outside_ascii_works(make_api: Any) -> None:
    api = make_api(api_key="contraseña")
    assert (await api.get("/metrics", key="contraseña")).status == 200
    assert (await api.get("/metrics", key="contrasena")).status == 401


async def test_without_a_webhook_key_only_the_full_one_opens(make_api: Any) -> None:
    api = make_api(webhook_api_key=None)
    assert (await api.post(WEBHOOKS[0], {"manychat_id": "1"}, key="flow-key")).status == 401
    assert (await api.post(WEBHOOKS[0], {"manychat_id": "1"}, key="")).status == 401
    assert (await api.post(WEBHOOKS[0], {"manychat_id": "1"}, key="admin-key")).status == 202


@pytest.mark.parametrize("path", ["/metrics", f"{ROOT}/metrics"])
async def test_the_webhook_key_does_not_open_the_metrics(api: Any, path: str) -> None:
    statuses = [(await api.get(path, key=key)).status for key in (None, "flow-key", "admin-key")]
    assert statuses == [401, 403, 200]


async def test_every_key_is_compared_in_constant_time(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []

    def watched(a: bytes, b: bytes) -> bool:
        lengths.append((len(a), len(b)))
        return hmac.compare_digest(a, b)

    monkeypatch.setattr(security, "compare_digest", watched)
    await api.get("/metrics", key="admin-key")
    assert lengths == [(32, 32)] * 3  # two full keys and a webhook key: no early exit


async def test_a_refusal_is_counted_by_the_routes_template(
    api: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    from bridge import log  # noqa: PLC0415

    log.configure("DEBUG", "json")
    for path, key, code, template in (
        (f"{ROOT}/manychat/contacts/MC-SECRET", "guessed", "wrong-key", "contacts/{manychat_id}"),
        (f"{ROOT}/manychat/contacts/MC-SECRET", None, "missing-key", "contacts/{manychat_id}"),
        (f"{ROOT}/reports/statistics", "flow-key", "key-too-narrow", "reports/statistics"),
    ):
        await api.get(path, key=key)
        line = capfd.readouterr().err
        assert f'"code": "{code}"' in line
        assert f'{template}"' in line
        assert "MC-SECRET" not in line
        page = (await api.get("/metrics", key="admin-key")).content.decode()
        assert re.search(rf'keys_refused_total{{code="{code}",path="[^"]*{template}"}} \d', page)


async def test_a_refused_key_is_not_logged(api: Any, capfd: pytest.CaptureFixture[str]) -> None:
    from bridge import log  # noqa: PLC0415

    log.configure("DEBUG", "json")
    await api.post(WEBHOOKS[0], {"manychat_id": "1"}, key="guessed-key")
    err = capfd.readouterr().err
    assert "key_refused" in err
    assert "guessed-key" not in err


async def test_an_unauthenticated_stream_is_left_unread(api: Any) -> None:
    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b"x", "more_body": True}

    assert (await api.call("POST", WEBHOOKS[0], stream(), key="wrong")).status == 401
    assert api.read == 0
