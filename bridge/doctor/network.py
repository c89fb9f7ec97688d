"""What lies between the machines: names, certificates, clocks."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from bridge.doctor.check import Finding

SECONDS = 5.0
SOON_DAYS = 14
MOST_SKEW = 30.0
"""Seconds; a storage account refuses keys from 15 minutes on, events are misdated long before."""


def names(hosts: Iterable[str]) -> str:
    """Every host has an address. Raises Finding (`name_unknown`)."""
    found = []
    for host in hosts:
        try:
            address = socket.getaddrinfo(host, None)[0][4][0]
        except OSError:
            raise Finding("name_unknown", host) from None
        found.append(f"{host} is {address}")
    return ", ".join(found) or "no name to look up"


def certificates(urls: Iterable[str], context: ssl.SSLContext | None = None) -> str:
    """Every https host shows a certificate that holds. Raises Finding (`tls_…`)."""
    told = []
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            days = _days_left(parts.hostname, parts.port or 443, context)
            if days < SOON_DAYS:
                raise Finding("tls_expires_soon", f"{parts.hostname}, {days} days left")
            told.append(f"{parts.hostname}: {days} days left")
    return ", ".join(told) or "nothing is reached by https"


def clocks(urls: Iterable[str], database: Callable[[], datetime] | None) -> str:
    """Ours, the others' (by their answers' Date) and the database's agree.

    A part that does not answer has its own line. Raises Finding (`clock_skew`).
    """
    told = []
    for url in urls:
        skew = _skew_of(url)
        if skew is not None:
            told.append(_agrees(urlsplit(url).hostname or url, skew))
    if database is not None:
        told.append(_agrees("database", (database() - datetime.now(UTC)).total_seconds()))
    return ", ".join(told) or "no other clock to compare with"


def _agrees(name: str, skew: float) -> str:
    if abs(skew) > MOST_SKEW:
        raise Finding("clock_skew", f"{name} is {skew:+.0f} s from ours")
    return f"{name} {skew:+.0f} s"


def _skew_of(url: str) -> float | None:
    """How far ahead the other clock is; None where it does not say."""
    try:
        # whatever it answers, also a refusal, has a date
        answer = requests.head(url, timeout=SECONDS, allow_redirects=False)
        then = parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError):
        return None
    return (then - datetime.now(UTC)).total_seconds()


def _days_left(host: str, port: int, context: ssl.SSLContext | None) -> int:
    context = context or ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            shown = wrapped.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Finding(_code_of(error), f"{host}:{port}") from None
    except (OSError, ValueError) as error:
        raise Finding("tls_failed", f"{host}:{port}, {type(error).__name__}") from None
    end = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return int((end - datetime.now(UTC).timestamp()) // 86_400)


def _code_of(error: ssl.SSLCertVerificationError) -> str:
    """OpenSSL's numbers: 10 is over, 62 and 64 are another host."""
    return {10: "tls_expired", 62: "tls_wrong_name", 64: "tls_wrong_name"}.get(
        error.verify_code, "tls_untrusted"
    )
