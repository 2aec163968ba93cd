"""A description while it is being checked: what was given, where, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.errors import Problem
from kitaru_iac.spec.refusal import Refusal
from kitaru_iac.spec.wording import flag_of

__all__ = ["Draft", "Origins"]


class Origins:
    """Where each value was written.

    Args:
        where: Places by dotted path: ``--region``, ``stack.yaml:7``.
        file: The description's file, where there is one; a key that is missing is missing there.
        flags: Whether there is a command line, whose flag could bring a missing key.
    """

    def __init__(
        self,
        where: Mapping[str, str] | None = None,
        *,
        file: str | None = None,
        flags: bool = False,
    ) -> None:
        self._where = dict(where or {})
        self.file = file
        self.flags = flags

    def note(self, path: str, place: str) -> None:
        """Say where a value was written."""
        self._where[path] = place

    def of(self, path: str) -> str | None:
        """The place of a value, else of the nearest mapping or list around it."""
        while path not in self._where:
            cut = max(path.rfind("."), path.rfind("["))
            if cut < 0:
                return None
            path = path[:cut]
        return self._where[path]

    def of_missing(self, key: str) -> str | None:
        """Where a value would stand: the file, else the flag."""
        return self.file or (flag_of(key.partition(".")[0]) if self.flags else None)


class Draft:
    """What was given, and what has been made of it so far.

    Attributes:
        given: The raw values that are not None.
        values: The values that passed, parsed.
        problems: What was found, in the order of finding.
    """

    def __init__(self, given: Mapping[str, Any], origins: Origins) -> None:
        self.given = {key: value for key, value in given.items() if value is not None}
        self.origins = origins
        self.values: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._wrong: set[str] = set()

    def add(self, field: str, what: str, why: str | None = None, remedy: str | None = None) -> None:
        """Note a problem with a key or with a value inside it."""
        self._wrong.add(field.partition(".")[0])
        source = self.origins.of(field) or self.origins.of_missing(field)
        self.problems.append(Problem(field, what, why, remedy, source))

    def refuse(self, field: str, error: Refusal) -> None:
        """Note why a value was refused."""
        self.add(field, error.what, error.why, error.remedy)

    def missing(self, key: str, why: str, example: str | None) -> None:
        """Note that a key is needed and not there."""
        self._wrong.add(key)
        flag = flag_of(key)
        source = self.origins.of_missing(key)
        remedy = None
        if self.origins.flags:
            remedy = f"Give a name, as `{example}`." if flag == "NAME" else None
            remedy = remedy or (f"Give `{flag} {example}`." if example else f"Give `{flag}`.")
        elif example:
            remedy = f"Give `{key}: {example}`."
        self.problems.append(Problem(key, f"{key} is missing", why, remedy, source))

    def is_wrong(self, key: str) -> bool:
        """Whether a problem with this key is noted already."""
        return key in self._wrong

    def has(self, key: str) -> bool:
        """Whether the key was given, right or wrong."""
        return key in self.given
