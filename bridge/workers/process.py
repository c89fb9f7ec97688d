"""A worker as a process: settings, logs, exit code."""

from __future__ import annotations

import sys

from bridge import tracing
from bridge.errors import BridgeError
from bridge.log import configure
from bridge.settings import load_settings
from bridge.workers.parts import run_workers


def run_process(name: str, concurrency: int = 1) -> int:
    """Run the named worker with the environment's settings; 1 when they are wrong."""
    try:
        settings = load_settings()
        configure(settings.log_level, settings.log_format)
        tracing.configure(settings, "miasalud-workers")
        try:
            return run_workers(settings, name, concurrency)
        finally:
            tracing.close()
    except BridgeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
