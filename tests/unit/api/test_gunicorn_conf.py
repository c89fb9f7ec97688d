"""The gunicorn configuration, read as gunicorn reads it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config

from bridge.api.intake import INBOX_SECONDS, QUEUE_SECONDS
from bridge.api.lingering import LINGER_SECONDS, LingeringWorker
from bridge.errors import SettingsError

CONF = Path(__file__).parents[3] / "gunicorn.conf.py"


def read() -> dict[str, Any]:
    values = runpy.run_path(str(CONF))
    return {name: value for name, value in values.items() if name in Config().settings}


def test_it_listens_on_the_port_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "k")
    monkeypatch.setenv("PORT", "8123")
    values = read()
    config = Config()
    for name, value in values.items():
        config.set(name, value)
    assert config.address == [("0.0.0.0", 8123)]  # noqa: S104  (a container's port)
    assert config.worker_class is LingeringWorker
    assert config.graceful_timeout > QUEUE_SECONDS + INBOX_SECONDS + LINGER_SECONDS
    assert (config.forwarded_allow_ips, config.control_socket_disable) == (["*"], True)


def test_a_wrong_setting_stops_it_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_KEY", raising=False)
    with pytest.raises(SettingsError, match="API_KEY"):
        read()
