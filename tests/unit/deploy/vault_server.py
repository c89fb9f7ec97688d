"""A local server that speaks Key Vault's protocol: TLS, the bearer challenge, list and get."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOMAIN = "vault.localhost"
HOST = f"people.{DOMAIN}"
TOKEN = "token-of-the-vault"


class Vault:
    """What the server holds, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"https://{HOST}:{port}"
        self.resource = f"https://{DOMAIN}:{port}"
        self.secrets: dict[str, str] = {}
        self.failing = 0
        self.challenged = 0
        self.asked: list[str] = []


def make_certificate(folder: Path) -> Path:
    """A certificate for the host, trusted by itself; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(HOST), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "vault-certificate"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class _Handler(BaseHTTPRequestHandler):
    vault: Vault

    def do_GET(self) -> None:
        path = self.path.split("?")[0].rstrip("/")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.vault.challenged += 1
            self._answer(
                401, {"error": {"code": "Unauthorized"}},
                challenge=f'Bearer authorization="https://login.localhost/tenant", '
                f'resource="{self.vault.resource}"',
            )  # fmt: skip
            return
        self.vault.asked.append(path)
        if self.vault.failing:
            self._answer(self.vault.failing, {"error": {"code": "Throttled"}})
        elif path == "/secrets":
            listed = [
                {"id": f"{self.vault.url}/secrets/{name}", "attributes": {"enabled": True}}
                for name in self.vault.secrets
            ]
            self._answer(200, {"value": listed, "nextLink": None})
        else:
            name = path.split("/")[2]
            value = self.vault.secrets.get(name)
            found = {"value": value, "id": f"{self.vault.url}/secrets/{name}/1", "attributes": {}}
            self._answer(200 if value is not None else 404, found)

    def _answer(self, status: int, body: Any, challenge: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(certificate: Path) -> Iterator[Vault]:
    """The server, on a free port of loopback."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        handler.vault = Vault(server.server_port)  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield handler.vault  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
