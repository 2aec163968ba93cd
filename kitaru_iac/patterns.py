"""Regular expressions that are compiled where they are first used.

Compiling those of a command's modules takes longer than half of what else it does before the first
question to a server, and one command uses few of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["compiled"]


class _Pattern:
    """A `re.Pattern` that is not made yet. What is asked of it once is kept."""

    def __init__(self, pattern: str, flags: int | re.RegexFlag = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a pattern has
        if name.startswith("_"):  # what `copy` and `pickle` look for
            raise AttributeError(name)
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    from re import compile as compiled
else:
    compiled = _Pattern
