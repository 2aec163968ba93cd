"""Ranges of addresses, as clouds list those that reach an endpoint."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

__all__ = ["EVERY_ADDRESS", "narrow", "width"]

EVERY_ADDRESS: Final = "every address"
#: What is more than one range of this length opens to very many (in IPv6, twice as long).
_WIDE: Final = 8


def width(cidrs: Iterable[str]) -> str | None:
    """Say to how many addresses of the internet ranges open together, if to too many.

    Returns:
        In words; empty if they are few, None if a text is no range. A private range lets in nobody
        from the internet.
    """
    try:
        networks = [ipaddress.ip_network(cidr, strict=False) for cidr in cidrs]
    except ValueError:
        return None
    four = ipaddress.collapse_addresses(n for n in networks if n.version == 4)
    six = ipaddress.collapse_addresses(n for n in networks if n.version == 6)
    open4 = sum(n.num_addresses for n in four if not n.is_private)
    open6 = sum(n.num_addresses for n in six if not n.is_private)
    if open4 == 2**32 or open6 == 2**128:
        return EVERY_ADDRESS
    is_wide = open4 > 2 ** (32 - _WIDE) or open6 > 2 ** (128 - 2 * _WIDE)
    return "a great part of all addresses" if is_wide else ""


def narrow(cidrs: Iterable[str]) -> list[str]:
    """Keep of a list what does not open to very many, in its order: a new list replaces all of it.

    Where it is several together that open too far, the widest of them are left out, and so is what
    is no range.
    """
    given = list(cidrs)
    if width(given) == "":
        return given
    kept: list[str] = []
    few = [cidr for cidr in given if width([cidr]) == ""]
    for cidr in sorted(few, key=_length, reverse=True):
        if width([*kept, cidr]) == "":
            kept.append(cidr)
    return [cidr for cidr in given if cidr in kept]


def _length(cidr: str) -> int:
    return ipaddress.ip_network(cidr, strict=False).prefixlen
