"""Ranges of addresses, as clouds list those that reach an endpoint."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["WIDE", "Ranges", "collapsed"]

#: What is wider than one range of this length opens to very many (in IPv6, twice as long).
WIDE: Final = 8


class Ranges(NamedTuple):
    """Ranges of which none is within another one, and no two are one together."""

    four: tuple[ipaddress.IPv4Network, ...]
    six: tuple[ipaddress.IPv6Network, ...]


def collapsed(cidrs: Iterable[str]) -> Ranges | None:
    """Join ranges that are one together; None where a text is no range."""
    try:
        networks = [ipaddress.ip_network(cidr, strict=False) for cidr in cidrs]
    except ValueError:
        return None
    return Ranges(
        tuple(ipaddress.collapse_addresses(n for n in networks if n.version == 4)),
        tuple(ipaddress.collapse_addresses(n for n in networks if n.version == 6)),
    )
