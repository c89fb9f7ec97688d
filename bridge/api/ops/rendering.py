"""Templates, and what they need to show times and waits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from bridge import __version__
from bridge.api.ops.session import Session
from bridge.api.parts import settings_of

HERE = Path(__file__).parent
_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    request: Request, template: str, session: Session | None, status: int = 200, **values: Any
) -> HTMLResponse:
    """The template as an answer; times are shown in `TIMEZONE`."""
    zone = settings_of(request.app).zone
    text = _environment.get_template(template).render(
        values,
        base=base_of(request),
        session=session,
        version=__version__,
        zone=zone.key,
        now=datetime.now(UTC).astimezone(zone),
        local=lambda moment: moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        wait=wait,
    )
    return HTMLResponse(text, status_code=status)


def base_of(request: Request) -> str:
    """Where the page lies, as the browser sees it: `/ops`, or behind a prefix."""
    path = str(request.scope.get("root_path", "")) + str(request.scope["path"])
    return path[: path.index("/ops") + len("/ops")]


def wait(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
