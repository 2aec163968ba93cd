"""Commands as remedies: complete, with real names, quoted, ready to be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

__all__ = ["OptionValue", "command", "note"]

#: A value of an option. None leaves the option out, and a boolean stands for the flag alone.
OptionValue = str | bool | int | Mapping[str, object] | Sequence[object] | None


def command(*words: str, **options: OptionValue) -> str:
    """Write ``WORD … --option VALUE …``, quoted for a POSIX shell.

    Args:
        *words: The program and its subcommands.
        **options: By the option's name with ``_`` for ``-``. Mappings and lists are given as JSON.
    """
    line = list(words)
    for name, value in options.items():
        if value is None or value is False:
            continue
        line.append("--" + name.replace("_", "-"))
        if value is True:
            continue
        line.append(value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
    return shlex.join(line)


def note(text: str, comment: str) -> str:
    """Write the command with a shell comment after it."""
    return f"{text}  # {comment}"
