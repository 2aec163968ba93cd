"""Commands that we do not have, where a distribution named ``kitaru`` is installed beside us.

Its ``kitaru`` and ours are one name; ours stands in front and hands over what it does not know.
Where the other was installed last, the name is its own, and ours is called ``kitaru-iac``.
The other's import package has to be named `kitaru` too, as the one on PyPI is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from kitaru_iac.cli.commands import TREE
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["COMMANDS", "Other", "handed_over", "other_command"]

_DISTRIBUTION: Final = "kitaru"
#: What `kitaru` 0.21 has and we do not; its own help takes 2.5 s.
COMMANDS: Final = {
    "analytics": "Manage usage analytics preferences.",
    "auth": "Manage service accounts and API keys of the server.",
    "build": "Build a deployment version from a flow.",
    "clean": "Reset Kitaru's state.",
    "deploy": "Deploy a new version of a flow.",
    "executions": "Inspect and manage executions of flows.",
    "flow": "Inspect deployments and where they are routed.",
    "info": "Show details of the environment.",
    "invoke": "Invoke a deployed flow.",
    "log-store": "Manage the log store.",
    "model": "Manage aliases of models.",
    "project": "Inspect, create, delete and switch projects.",
    "secrets": "Manage secrets.",
}


@dataclass(frozen=True, slots=True)
class Other:
    """The ``kitaru`` command of another distribution.

    Attributes:
        version: That distribution's.
        entry: What its command calls.
    """

    version: str
    entry: EntryPoint

    @property
    def commands(self) -> dict[str, str] | None:
        """Its commands that we do not have, with their summaries; None where they are not known."""
        return COMMANDS if f"{self.version}.".startswith("0.21.") else None


def handed_over(words: list[str]) -> int | None:
    """Run the other distribution's command, if the line is for it.

    A word that is none of its commands is ours to answer, and so is one that is near to a command
    of ours where its commands are not known.

    Args:
        words: The command line after the program's name.

    Returns:
        Its exit code, or None if the line is ours, or nothing else is installed.
    """
    first = next((word for word in words if not word.startswith("-")), None)
    if first is None or words[0] != first or first in TREE:
        return None
    other = other_command()
    if other is None or not _is_theirs(first, other):
        return None
    sys.argv = ["kitaru", *words]
    try:
        code = other.entry.load()()
    except SystemExit as done:
        code = done.code
    if code is None or isinstance(code, bool):
        return 0
    if isinstance(code, int):
        return code
    sys.stderr.write(f"{code}\n")
    return 1


def other_command() -> Other | None:
    """Find the other distribution's command; None where there is none."""
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
            if entry.value.startswith("kitaru_iac"):
                return None
            return Other(distribution.version, entry)
    return None


def _is_theirs(word: str, other: Other) -> bool:
    if other.commands is not None:
        return word in other.commands
    from kitaru_iac.cli.frame import meant

    return meant(word, TREE) is None
