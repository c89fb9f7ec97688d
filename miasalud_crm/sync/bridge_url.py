"""Which addresses the settings' connection test may be sent to."""

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

# Metadata services of clouds that are not link-local.
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class UnsafeUrl(ValueError):
    """The URL is not one of a bridge; its text is one of the codes below.

    ``not_a_url``, ``scheme`` (http or https and a host are due), ``extras`` (user, query or
    fragment), ``unknown_host``, ``refused_address``.
    """


class Bridge(NamedTuple):
    """A bridge's URL in parts; ``path`` has no trailing slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self):
        return self.at(self.host)

    @property
    def origin(self):
        """What a key is typed for: another scheme or port is another receiver."""
        return self[:3]

    def at(self, host):
        """Return the URL with ``host``, a name or an address, in place of the bridge's own."""
        host = f"[{host}]" if ":" in host else host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_url(text):
    """Return the ``Bridge`` of an http(s) URL; no address is looked up. Raises ``UnsafeUrl``."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise UnsafeUrl("not_a_url") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise UnsafeUrl("scheme")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnsafeUrl("extras")
    return Bridge(parts.scheme, parts.hostname, port, parts.path)


def safe_address(bridge):
    """Return the address to connect to, as text; none of the host's may be refused.

    Raises ``UnsafeUrl`` if any is link-local, a cloud's metadata service, multicast or
    unspecified. The caller connects to what is returned: a second look-up may answer otherwise.
    """
    addresses = _addresses(bridge)
    if any(_is_refused(address) for address in addresses):
        raise UnsafeUrl("refused_address")
    return str(addresses[0])


def _addresses(bridge):
    try:
        found = socket.getaddrinfo(bridge.host, bridge.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeUrl("unknown_host") from None
    return [ipaddress.ip_address(item[4][0].split("%")[0]) for item in found]


def _is_refused(address):
    return any(
        form.is_link_local or form.is_multicast or form.is_unspecified or str(form) in METADATA
        for form in _forms(address)
    )


def _forms(address):
    """Return the address and the IPv4 ones that an IPv6 one stands for."""
    inner = [getattr(address, name, None) for name in ("ipv4_mapped", "sixtofour")]
    inner += getattr(address, "teredo", None) or ()
    if address in NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *filter(None, inner)]
