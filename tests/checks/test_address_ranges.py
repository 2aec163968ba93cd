"""How wide ranges of addresses are together."""

from __future__ import annotations

import pytest

from kitaru_iac.checks.address_ranges import EVERY_ADDRESS, narrow, width

_GREAT = "a great part of all addresses"


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        ([], ""),
        (["203.0.113.7"], ""),
        (["203.0.113.7/24"], ""),  # an address within the range, as some clouds give it back
        (["203.0.113.7/32", "2001:db8::/32"], ""),
        (["11.0.0.0/8"], ""),
        (["11.0.0.0/8", "11.1.0.0/16"], ""),  # one within the other
        (["11.0.0.0/8", "203.0.112.0/24"], _GREAT),
        ([f"{n}.0.0.0/8" for n in range(40, 60, 2)], _GREAT),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], ""),  # nobody's on the internet
        (["fc00::/7"], ""),  # as in IPv6, and more than the widest range
        (["fc00::/7", "2000::/16"], ""),
        (["2000::/16"], ""),
        (["2000::/16", "3000::/24"], _GREAT),
        ([f"{n}.0.0.0/8" for n in range(255)], _GREAT),
        ([f"{n}.0.0.0/8" for n in range(256)], EVERY_ADDRESS),
        (["8000::/1", "::/1"], EVERY_ADDRESS),
        (["203.0.113.7/32", "nonsense"], None),
    ],
)
def test_ranges_count_together(cidrs: list[str], expected: str | None) -> None:
    assert width(cidrs) == expected


@pytest.mark.parametrize(
    ("cidrs", "kept"),
    [
        ([], []),
        (["203.0.113.7", "198.51.100.7/24"], ["203.0.113.7", "198.51.100.7/24"]),
        (["0.0.0.0/0"], []),
        (["nonsense", "203.0.113.7/32"], ["203.0.113.7/32"]),
        (["203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8"], ["203.0.113.0/24", "10.0.0.0/8"]),
        (["::/0", "2001:db8::/32", "203.0.113.0/24"], ["2001:db8::/32", "203.0.113.0/24"]),
        # together too far: the widest go
        (["11.0.0.0/8", "20.0.0.0/8", "52.0.2.0/24"], ["52.0.2.0/24"]),
        (["12.0.0.0/9", "20.0.0.0/9", "40.0.0.0/9"], ["12.0.0.0/9", "20.0.0.0/9"]),
    ],
)
def test_what_is_kept_of_a_list_is_narrow(cidrs: list[str], kept: list[str]) -> None:
    assert narrow(cidrs) == kept
    assert width(kept) == ""
