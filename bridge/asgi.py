"""The application for an ASGI server: `gunicorn bridge.asgi:app --config gunicorn.conf.py`."""

from __future__ import annotations

from bridge.api.app import create_app

app = create_app()
