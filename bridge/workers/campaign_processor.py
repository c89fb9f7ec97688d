"""`python -m bridge.workers.campaign_processor`: the campaign worker as a process of its own."""

from __future__ import annotations

import sys

from bridge.workers.process import run_process


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    sys.exit(run_process("campaign"))


if __name__ == "__main__":
    main()
