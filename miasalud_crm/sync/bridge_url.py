"""Which addresses the settings' connection test may be sent to."""

import ipaddress
import socket
from urllib.parse import urlsplit

# Metadata services of clouds that are not link-local.
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16"})


class UnsafeUrl(ValueError):
    """The URL is not one of a bridge; its text is one of the codes below.

    ``not_a_url``, ``scheme`` (http or https and a host are due), ``extras`` (user, query or
    fragment), ``unknown_host``, ``refused_address``.
    """


def checked_url(text):
    """Return ``text`` without trailing slash if it is http(s) to an ordinary address.

    Raises ``UnsafeUrl`` for another scheme, a missing host, user info, and for every address
    of the host that is link-local, a cloud's metadata service, multicast or unspecified.
    """
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnsafeUrl("not_a_url") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnsafeUrl("scheme")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnsafeUrl("extras")
    for address in _addresses(parts.hostname, port):
        if _is_refused(address):
            raise UnsafeUrl("refused_address")
    return url


def _addresses(host, port):
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeUrl("unknown_host") from None
    return [ipaddress.ip_address(item[4][0].split("%")[0]) for item in found]


def _is_refused(address):
    address = getattr(address, "ipv4_mapped", None) or address
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or str(address) in METADATA
    )
