"""`/health`, `/ready` and `/metrics` of a worker process; no dependency is asked.

A part that is away is no reason to start a worker anew, a loop that hangs is.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Thread

from bridge import metrics
from bridge.log import get_logger
from bridge.workers.pulse import Pulses

log = get_logger(__name__)


class HealthServer:
    """For container probes: `/health` is 503 when a part of the process hangs, `/ready` also until
    each has come round once.

    `/metrics` takes one of `metrics_keys` as `X-API-KEY`; None opens it.
    """

    def __init__(
        self,
        port: int,
        host: str = "0.0.0.0",  # noqa: S104  (a probe's door)
        metrics_keys: Sequence[str] | None = None,
        pulses: Pulses | None = None,
    ) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.pulses = pulses
        self._server.metrics_keys = metrics_keys

    @property
    def port(self) -> int:
        """The port that was bound; asked for 0, the system chose it."""
        return int(self._server.server_address[1])

    def run(self, stop: Flag) -> None:
        """Serve until `stop` is set."""
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        log.info("health_started", port=self.port)
        stop.wait()
        self._server.shutdown()
        self._server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    metrics_keys: Sequence[str] | None = None
    pulses: Pulses | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path in ("/health", "/ready"):
            self._tell(self.server.pulses)
        elif self.path != "/metrics":
            self._answer(404, b'{"status":"unknown"}')
        elif not self._may_read_metrics():
            self._answer(401, b'{"status":"missing or wrong key"}')
        else:
            body, content_type = metrics.render()
            self._answer(200, body, content_type)

    def _tell(self, pulses: Pulses | None) -> None:
        hung = pulses.hung() if pulses else []
        for name in hung:
            log.error("worker_hangs", worker=name)
        if hung:
            self._answer(503, b'{"status":"hangs"}')
        elif self.path == "/ready" and pulses and not pulses.all_begun():
            self._answer(503, b'{"status":"starting"}')
        else:
            self._answer(200, b'{"status":"ok"}')

    def _may_read_metrics(self) -> bool:
        keys = self.server.metrics_keys
        given = (self.headers.get("X-API-KEY") or "").encode()
        # no early end: how long it takes must not tell which key was close
        return keys is None or sum(hmac.compare_digest(given, key.encode()) for key in keys) > 0

    def _answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line."""
