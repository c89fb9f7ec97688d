"""Bodies that no reader could make an event of."""

from __future__ import annotations

import json
from random import Random


def poison(random: Random, person: str, mark: str) -> bytes:
    """One of them; `mark` is found in what is kept of it."""
    good = {"nombre_lead": mark, "manychat_id": person}
    return random.choice(
        (
            json.dumps(good).encode()[:-3],
            json.dumps({"nombre_lead": mark}).encode(),
            json.dumps(good | {"manychat_id": 1.5e15}).encode(),
            json.dumps(good | {"manychat_id": "{{user_id}}"}).encode(),
            json.dumps(good | {"manychat_id": True}).encode(),
            json.dumps([good]).encode(),
            json.dumps(mark).encode(),
            f'{{"nombre_lead": "{mark}", "manychat_id": "{person}", "x": NaN}}'.encode(),
            f'{{"nombre_lead": "{mark}", "manychat_id": "{person}", "x": '.encode() + b"[" * 99,
            json.dumps(good | {"summary": "x" * 40_000}).encode(),
            f"nombre_lead={mark}".encode(),
        )
    )
