"""What a remedy for a person at a terminal is to an agent: tools, keys, or the user's own to do."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from kitaru_iac.spec.fields import FIELDS

__all__ = ["Ways", "ways"]

#: A command, up to where a sentence or the next one goes on.
_COMMAND = re.compile(r"\bkitaru [a-z][^`;,\n]*")
_TOOL = re.compile(r"kitaru stack ([a-z]+)\b(?!.* -)")
#: An option that is to be given, and not one in a command.
_OPTION = re.compile(
    r"(?:\b(?:[Gg]ive|[Cc]orrect|[Ll]eave|as|complete|new|or|with) |\()(--[a-z-]+)"
)

#: The key of a description that an option of the command says, by option.
_KEYS = {
    option: key
    for key, info in FIELDS.items()
    if info.flag is not None
    for option in (info.flag.words or f"--{key.replace('_', '-')}").split("/")
}


@dataclass(frozen=True, slots=True)
class Ways:
    """What of a remedy there is here, and what not.

    Attributes:
        tools: Stand for commands of it.
        keys: Of a description; stand for options.
        commands: Are the user's, who has a terminal.
    """

    tools: tuple[str, ...]
    keys: tuple[str, ...]
    commands: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it to the model."""
        said = []
        if self.tools:
            said.append(f"Tools that do it here: {', '.join(self.tools)}")
        if self.keys:
            said.append(f"Keys of the description that do it here: {', '.join(self.keys)}")
        if self.commands:
            said.append(f"No tool here does this; the user can: {'; '.join(self.commands)}")
        return said


def ways(remedy: str, tools: Collection[str]) -> Ways:
    """Find what stands for the commands and options of a remedy.

    A command with an option has no tool: those take none.

    Args:
        remedy: As the command says it.
        tools: Those that the server has in its mode, in its order.
    """
    named: set[str] = set()
    commands: list[str] = []
    for command in (found.strip(" .:)") for found in _COMMAND.findall(remedy)):
        tool = _TOOL.match(command)
        if tool and f"stack_{tool[1]}" in tools:
            named.add(f"stack_{tool[1]}")
        elif command not in commands:
            commands.append(command)
    keys = dict.fromkeys(_KEYS[option] for option in _OPTION.findall(remedy) if option in _KEYS)
    return Ways(tuple(tool for tool in tools if tool in named), tuple(keys), tuple(commands))
