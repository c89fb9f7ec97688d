"""What the API on this machine says."""

from __future__ import annotations

from typing import Any

import requests

from bridge.doctor.check import Finding
from bridge.settings import Settings

_WELL = {"ok", "not configured"}


def api(settings: Settings) -> str:
    """It is alive, ready, and reaches every part itself.

    Ready alone is not enough: it also is while only the inbox takes webhooks. Raises Finding
    (`api_unreachable`, `api_not_ready`, `api_only_inbox`, `api_part_away`,
    `api_key_refused`).
    """
    url = f"http://127.0.0.1:{settings.port}"
    try:
        alive = requests.get(f"{url}/health", timeout=3).status_code
        ready = requests.get(f"{url}/ready", timeout=5).status_code
        if (alive, ready) != (200, 200):
            raise Finding("api_not_ready", f"{url}, health {alive}, ready {ready}")
        parts = _parts(url, settings.api_keys[0])
    except requests.RequestException as error:
        raise Finding("api_unreachable", f"{url}, {type(error).__name__}") from None
    away = {name: part for name, part in parts.items() if part.get("status") not in _WELL}
    if "queue" in away:
        raise Finding("api_only_inbox", f"{url}: {away['queue'].get('code') or 'queue away'}")
    if away:
        told = ", ".join(f"{name} {part.get('code') or part['status']}"
                         for name, part in away.items())  # fmt: skip
        raise Finding("api_part_away", f"{url}: {told}")
    return f"{url} is alive and ready, and its queue takes events"


def _parts(url: str, key: str) -> dict[str, dict[str, Any]]:
    answer = requests.get(f"{url}/api/v1/reports/health", headers={"X-API-KEY": key}, timeout=15)
    if answer.status_code in {401, 403}:
        raise Finding("api_key_refused", f"{url}, report {answer.status_code}")
    try:
        parts = answer.json()["parts"]
    except (ValueError, KeyError, TypeError):
        raise Finding("api_not_ready", f"{url}, report {answer.status_code}") from None
    return dict(parts)
