"""What is taken of an answer: JSON of a measure, times, and pages that come to an end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

from kitaru_iac.machine.unreadable import UnreadableError

__all__ = [
    "MOST_LISTED",
    "EndlessListing",
    "Json",
    "holds",
    "parsed_json",
    "read_through",
    "seconds_of",
    "time_of",
]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

#: Values and brackets of a document. The largest page of 200 stacks has about 50,000; each takes
#: up to 80 bytes here.
_MOST_VALUES: Final = 2_000_000
#: Mappings and lists in each other: what goes through a document calls itself for each.
_DEEPEST: Final = 100
#: So many entries has a listing that is read to its end, at most: five hundred of the usual pages.
MOST_LISTED: Final = 100_000
#: So often a listing is read again that becomes shorter meanwhile.
_MOST_READS: Final = 3

_T = TypeVar("_T")


class EndlessListing(ValueError):
    """The pages of a listing do not come to an end. Its text completes "It answered with …"."""

    @classmethod
    def of(cls, total: int) -> EndlessListing:
        """Make the error for a listing of so many entries."""
        return cls(f"a listing of {total:,} entries ({MOST_LISTED:,} are read at most)")


def parsed_json(body: bytes) -> Json:
    """Read a JSON document of somebody who is not trusted.

    Raises:
        UnreadableError: It is none, or not one that a program should take; the text says why, and
            completes "It answered with …".
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets + body.count(b",") > _MOST_VALUES:
        raise UnreadableError(f"JSON of more than {_MOST_VALUES:,} values")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        compressed = body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))
        what = (
            "something compressed, which was not asked for" if compressed else "what is not UTF-8"
        )
        raise UnreadableError(what) from None
    try:
        # A number of thousands of digits is a `ValueError` of Python's own.
        found: Json = json.loads(
            text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once
        )
    except RecursionError:
        raise UnreadableError(f"JSON nested deeper than {_DEEPEST} levels") from None
    except ValueError as error:
        raise UnreadableError("something else than JSON, or a part of it") from error
    if brackets > _DEEPEST and not _is_flat(found):
        raise UnreadableError(f"JSON nested deeper than {_DEEPEST} levels")
    # Only an escape can hold half a character here; it could not be written to any terminal.
    if re.search(r"\\u[dD][89a-fA-F]", text) and not _is_text(found):
        raise UnreadableError("JSON with half a character")
    return found


def seconds_of(retry_after: str) -> float | None:
    """Give the seconds that a ``Retry-After`` says, from now; None where it says nothing.

    Args:
        retry_after: A number of seconds, or a date of HTTP.
    """
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    then = time_of(text)
    return None if then is None else max(0.0, then - time.time())


def time_of(date: str) -> float | None:
    """Give a date of HTTP in seconds since 1970; None where it is none."""
    text = date.strip()
    if not text or len(text) > 60:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def read_through(
    ask: Callable[[int, bool], tuple[Mapping[str, _T], int, int] | None],
) -> Iterator[list[_T]]:
    """Give what a listing holds, the oldest first, page after page, each thing once.

    Where there are fewer by the next page, or it is empty or gone, one may have moved to a page
    that was read: then all pages are read again, for what was skipped. What is made meanwhile comes
    after all others, so that no more pages are asked for than the first one says there are.

    Args:
        ask: Gives a page by its number: what is on it by id, and how many things and pages there
            are. None where it is gone, if it may be, as the other argument says.

    Raises:
        EndlessListing: The pages repeat themselves, or are more than anybody's.
    """
    given: set[str] = set()
    for again in reversed(range(_MOST_READS + 1)):
        if (yield from _read_once(ask, given, is_last=not again)):
            return


def _read_once(
    ask: Callable[[int, bool], tuple[Mapping[str, _T], int, int] | None],
    given: set[str],
    *,
    is_last: bool,
) -> Generator[list[_T], None, bool]:
    """Give what is not given yet, and add it. Returns whether that was all, as the last one."""
    number, last, most = 1, 1, 0
    seen: set[str] = set()
    while number <= last:
        page = ask(number, number > 1 and not is_last)
        if page is None:
            return False
        items, total, pages = page
        if number > 1 and not items and (number >= pages or not is_last):
            return is_last
        if total > MOST_LISTED:
            raise EndlessListing.of(total)
        before = len(seen)
        seen.update(items)
        if number > 1 and len(seen) == before:
            raise EndlessListing("a listing whose pages repeat themselves")
        if len(seen) > MOST_LISTED:
            raise EndlessListing.of(len(seen))
        yield [item for key, item in items.items() if key not in given]
        given.update(items)
        if total < most and not is_last:
            return False
        last = min(pages, max(total, len(items)) + 1) if number == 1 else min(last, pages)
        number, most = number + 1, total
    return True


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Which of two values holds is not told: readers take the first, the last, or neither."""
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise UnreadableError(f"JSON that says two things of one key, {key[:40]!a}")
        found[key] = value
    return found


def holds(found: Json, secrets: Sequence[str]) -> bool:
    """Say whether a text of a document, or a key, holds one of these."""
    left: list[Json] = [found]
    while left:
        value = left.pop()
        if isinstance(value, str):
            if any(secret in value for secret in secrets):
                return True
        elif isinstance(value, Mapping):
            left.extend(value)
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return False


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise ValueError("a number without an end")
    return number


def _is_flat(found: object) -> bool:
    level: list[object] = [found]
    for _ in range(_DEEPEST + 1):
        level = [
            value
            for container in level
            for value in _values(container)
            if isinstance(value, dict | list)
        ]
        if not level:
            return True
    return False


def _values(container: object) -> Iterable[object]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()


def _is_text(found: object) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
