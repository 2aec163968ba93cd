"""A command line as `load` takes it, without the command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kitaru_iac.spec import StackSpec, load

_SWITCHES = {
    "--async": ("async", True),
    "--no-verify": ("verify", False),
    "--no-activate": ("activate", False),
}


def load_argv(argv: Sequence[str]) -> StackSpec:
    flags: dict[str, Any] = {}
    extra: list[str] = []
    file = None
    words = iter(argv)
    for word in words:
        if word in _SWITCHES:
            key, value = _SWITCHES[word]
            flags[key] = value
        elif word == "-f":
            file = next(words)
        elif word == "--extra":
            extra.append(next(words))
        elif word.startswith("--"):
            flags[word[2:].replace("-", "_")] = next(words)
        else:
            flags["name"] = word
    return load(flags, file, extra)
