"""How every child is started: in a session of its own, never outliving the process that made it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """Whom a child runs as: `user` (None: ourselves) and a command that changes what it may do."""

    user: str | None = None
    prefix: tuple[str, ...] = ()


def spawn(
    command: Sequence[str],
    *,
    output: IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    identity: Identity | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command`; it gets `death_signal` when the *thread* that called this ends."""
    who = identity or Identity()
    return subprocess.Popen(
        [*who.prefix, *command],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
        user=who.user,
        group=_group_of(who.user),
        extra_groups=[] if who.user else None,
        preexec_fn=_dying_with_parent(os.getpid(), death_signal),  # noqa: PLW1509  (two system calls)
    )


def die_with_parent(signal_then: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send us `signal_then` when the process that started us ends."""
    _libc.prctl(PR_SET_PDEATHSIG, int(signal_then), 0, 0, 0)


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # noqa: PLC0415  (not on every platform)

    return pwd.getpwnam(user).pw_gid


def _dying_with_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    # runs after the change of user, which would have cleared the setting
    def prepare() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def end_group(process: subprocess.Popen[bytes], first: signal.Signals, grace: float) -> None:
    """Signal the process group, give it `grace` seconds, then kill what is left of it."""
    if process.poll() is None:
        _signal_group(process.pid, first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
