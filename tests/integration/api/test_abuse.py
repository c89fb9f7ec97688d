"""Bad requests of every kind, many at once: each gets its refusal, and the API goes on."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests

from devstack.bridge_processes import Bridge

KINDS = ("contact", "campaign-assignment", "stage-change", "address")
COUNT = int(os.environ.get("ABUSE_COUNT", "200"))
"""2,000 take a minute or two."""


def bodies(rng: random.Random) -> list[tuple[bytes, str]]:
    """One of each kind of bad body, with its content type."""
    deep = rng.randint(33, 20_000)
    text = json.dumps({"manychat_id": "MC1", "summary": "ñ" * rng.randint(1, 99)})
    return [
        (b"x" * rng.randint(32_769, 400_000), "application/json"),
        (b"[" * deep + b"]" * deep, "application/json"),
        (b'{"a":' * deep, "application/json"),
        (text.encode("utf-16")[: rng.randint(3, 40)], "application/json"),
        (text.encode("utf-32")[:-1], "application/json; charset=utf-8"),
        (gzip.compress(text.encode()), "application/json"),
        (rng.randbytes(rng.randint(1, 5_000)), "application/octet-stream"),
        (b'{"manychat_id": NaN}', "application/json"),
        (b'{"manychat_id": 1e999}', "text/plain"),
        (b'{"manychat_id": ' + b"9" * 5_000 + b"}", "application/json"),
        (b'{"manychat_id": 1.5}', "application/json; charset=no-such"),
        (b'{"manychat_id": "{{user_id}}"}', "multipart/form-data"),
        (b'{"manychat_id": "MC1", }', "application/json"),
        (b"\x00" * rng.randint(1, 999), ""),
        (b"null", "application/json"),
        (b"", "application/json"),
    ]


def test_thousands_of_bad_requests_leave_the_api_answering(bridge: Bridge) -> None:
    rng = random.Random(20251020)  # noqa: S311  (repeatable, not secret)
    bad = [body for _ in range(COUNT // 16 + 1) for body in bodies(rng)][:COUNT]
    headers = {"X-API-KEY": bridge.webhook_api_key}

    def post(number: int) -> int:
        data, content_type = bad[number]
        url = f"{bridge.api_url}/api/v1/manychat/webhook/{KINDS[number % len(KINDS)]}"
        sent = headers | {"Content-Type": content_type}
        return requests.post(url, data=data, headers=sent, timeout=60).status_code

    with ThreadPoolExecutor(16) as threads:
        told = Counter(threads.map(post, range(len(bad))))
    assert told.keys() == {413, 422}, told
    assert told.total() == COUNT
    good = {"manychat_id": "MC-AFTER"}
    url = f"{bridge.api_url}/api/v1/manychat/webhook/contact"
    answer = requests.post(url, json=good, headers=headers, timeout=60)
    assert answer.status_code == 202
    bridge.check()
