"""Numbers of options, as far as the parser does not know what they may be."""

from __future__ import annotations

from typing import Final

from kitaru_iac.errors import UsageError

__all__ = ["LONGEST", "PORTS", "require_within"]

#: Seconds that anybody waits for one answer.
LONGEST: Final = 3600
PORTS: Final = (1, 65535)


def require_within(option: str, value: int | None, least: int, most: int) -> None:
    """Refuse a number that an option cannot take; None was not given.

    Raises:
        UsageError: It is less than `least` or more than `most`.
    """
    if value is not None and not least <= value <= most:
        raise UsageError(f"Invalid value for '{option}': {value} is not from {least} to {most}.")
