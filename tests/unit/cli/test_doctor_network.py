"""Names, certificates and clocks, with real sockets on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.doctor import network
from bridge.doctor.check import Finding
from devstack.ports import free_port

NOW = datetime.now(UTC)


def certificate(folder: Path, host: str, days: float) -> Path:
    """A self-signed certificate that ends in `days`, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Handler(BaseHTTPRequestHandler):
    ahead = timedelta(0)

    def do_HEAD(self) -> None:
        self.send_response_only(405)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.ahead, usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(ahead: timedelta = timedelta(0), pem: Path | None = None) -> Iterator[str]:
    """A server whose clock is `ahead`; with `pem` it speaks TLS."""
    handler = type("Ahead", (Handler,), {"ahead": ahead})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    scheme = "https" if pem else "http"
    try:
        yield f"{scheme}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judged(url: str, trusted: Path | None) -> str:
    """The code of the finding; empty when the certificate holds."""
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    try:
        network.certificates([url], context)
    except Finding as finding:
        return finding.code
    return ""


@pytest.mark.parametrize(
    ("host", "days", "trusts", "code"),
    [
        ("localhost", 90, True, ""),
        ("localhost", 13, True, "tls_expires_soon"),
        ("localhost", -1, True, "tls_expired"),
        ("elsewhere.test", 90, True, "tls_wrong_name"),
        ("localhost", 90, False, "tls_untrusted"),
    ],
)
def test_a_certificate_that_does_not_hold_says_why(
    tmp_path: Path, host: str, days: float, trusts: bool, code: str
) -> None:
    pem = certificate(tmp_path, host, days)
    with serving(pem=pem) as url:
        assert judged(url, pem if trusts else None) == code


def test_what_speaks_no_tls_is_told_apart() -> None:
    with serving() as url:
        assert judged(url.replace("http:", "https:"), None) == "tls_failed"
    assert judged(f"https://localhost:{free_port()}", None) == "tls_failed"


def test_plain_http_has_no_certificate_to_look_at() -> None:
    assert network.certificates(["http://odoo.test:8069"]) == "nothing is reached by https"


def test_a_name_that_nobody_knows_is_named() -> None:
    assert network.names(["localhost"]).startswith("localhost is ")
    with pytest.raises(Finding) as raised:
        network.names(["localhost", "no-such-host.invalid"])
    assert (raised.value.code, raised.value.detail) == ("name_unknown", "no-such-host.invalid")
    assert network.names([]) == "no name to look up"


@pytest.mark.parametrize("seconds", [-600, 600])
def test_another_machines_wrong_clock_is_told_with_its_error(seconds: int) -> None:
    with serving(timedelta(seconds=seconds)) as url, pytest.raises(Finding) as raised:
        network.clocks([url], None)
    assert raised.value.code == "clock_skew"
    assert raised.value.detail.startswith(f"localhost is {'+' if seconds > 0 else '-'}")


def test_the_databases_wrong_clock_is_told() -> None:
    with pytest.raises(Finding) as raised:
        network.clocks([], lambda: datetime.now(UTC) + timedelta(hours=5))
    assert raised.value.detail.startswith("database is +")


def test_clocks_that_agree_are_fine_and_silent_parts_have_their_own_line() -> None:
    with serving() as url:
        told = network.clocks([url, f"http://localhost:{free_port()}"], lambda: datetime.now(UTC))
    assert told.startswith("localhost ")
    assert "database " in told
    assert network.clocks([], None) == "no other clock to compare with"
