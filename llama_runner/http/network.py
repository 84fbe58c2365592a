"""What a client is counted by when all we know of it is its address."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IPV6_PREFIX = 64
"""Bits of an IPv6 address that a client cannot choose by itself."""


@lru_cache(maxsize=1024)
def network_of(address: str) -> str | None:
    """Return what stands for the client at ``address``; ``None`` if it is on this machine.

    Everything on this machine comes from the same address: to limit one program by it
    would be to limit all of them.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return None if ip.is_loopback else str(_network(ip))
        ip = ip.ipv4_mapped
    return None if ip.is_loopback else str(ip)


def _network(ip: ipaddress.IPv6Address) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((ip, IPV6_PREFIX), strict=False)
