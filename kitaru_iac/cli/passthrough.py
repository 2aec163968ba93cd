"""Commands that we do not have, where a distribution named ``kitaru`` is installed beside us.

Its ``kitaru`` and ours are one name; ours stands in front and hands over what it does not know.
The other's import package has to be named `kitaru` too, as the one on PyPI is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kitaru_iac.cli.commands import TREE

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["handed_over"]

_DISTRIBUTION = "kitaru"


def handed_over(words: list[str]) -> int | None:
    """Run the other distribution's command, if the line is for it.

    Args:
        words: The command line after the program's name.

    Returns:
        Its exit code, or None if the line is ours, or nothing else is installed.
    """
    first = next((word for word in words if not word.startswith("-")), None)
    if first is None or words[0] != first or first in TREE:
        return None
    entry = _other_command()
    if entry is None:
        return None
    sys.argv = ["kitaru", *words]
    try:
        code = entry.load()()
    except SystemExit as done:
        code = done.code
    if code is None or isinstance(code, bool):
        return 0
    if isinstance(code, int):
        return code
    sys.stderr.write(f"{code}\n")
    return 1


def _other_command() -> EntryPoint | None:
    from importlib.util import find_spec

    if find_spec(_DISTRIBUTION) is None:  # much faster than to look through all distributions
        return None
    from importlib import metadata

    try:
        distribution = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    for entry in distribution.entry_points:
        if entry.group == "console_scripts" and entry.name == "kitaru":
            return None if entry.value.startswith("kitaru_iac") else entry
    return None
