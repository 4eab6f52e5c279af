"""Who can reach a network address."""

from __future__ import annotations

from ipaddress import ip_address


def loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
