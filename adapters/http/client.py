"""Where a request comes from, also behind proxies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Proxies:
    """The proxies that are believed when they say for whom they ask."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """Addresses and networks. Raises ValueError."""
        self._networks: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted)
        self._trusted = lru_cache(maxsize=1024)(self._is_trusted)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The client's address, given who is connected and its `X-Forwarded-For` headers.

        Each proxy adds the address it was asked from at the end, so the list is read from there; the first that is no
        trusted proxy is the client, and whatever stands before it anybody may have written.
        """
        address = peer
        if not self._networks or not forwarded or not self._trusted(address):
            return address
        for said in reversed([part.strip() for line in forwarded for part in line.split(",")]):
            hop = parsed(said)
            if hop is None:
                return address
            address = str(hop)
            if not self._trusted(address):
                return address
        return address

    def _is_trusted(self, address: str) -> bool:
        found = parsed(address)
        return found is not None and any(found in network for network in self._networks)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, perhaps with brackets and a port; IPv4 inside IPv6 as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=10_000)
def group(address: str) -> str:
    """Who is counted together: one IPv4 address, or one IPv6 customer, who has a /64 of addresses."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found) if found else address
