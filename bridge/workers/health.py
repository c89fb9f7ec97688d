"""`/health` of a worker process, for container probes; no detail, no dependency asked."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Thread

from bridge.log import get_logger

log = get_logger(__name__)


class HealthServer:
    """Answers 200 on `/health` and `/ready` while the process works."""

    def __init__(self, port: int, host: str = "0.0.0.0") -> None:  # noqa: S104  (a probe's door)
        self._server = ThreadingHTTPServer((host, port), _Handler)

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


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path in ("/health", "/ready")
        body = b'{"status":"ok"}' if known else b'{"status":"unknown"}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line."""
