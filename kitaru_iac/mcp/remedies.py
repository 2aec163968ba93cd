"""What a remedy for a person at a terminal is to an agent: tools, keys, or the user's own to do."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from kitaru_iac.spec.fields import FIELDS

__all__ = ["COMMANDS", "Ways", "ways"]

#: The first words of the command's own commands; "kitaru does not …" is none.
COMMANDS = (*("ci", "doctor", "infra", "init", "login", "logout", "mcp", "run", "stack", "status"),)
#: A command, up to where a sentence or the next one goes on.
_COMMAND = re.compile(rf"\bkitaru (?:{'|'.join(COMMANDS)})\b[^`;,\n]*")
#: Of the options, `stack_delete` alone has one: its argument `recursive`.
_TOOL = re.compile(r"kitaru stack ([a-z]+)\b(?!.* -(?!-recursive\b))")
#: Commands of other programs, whose options are their own: quoted, behind a colon, or a line.
_OTHERS = re.compile(r"`[^`\n]*`|(?:: |^)(?!the )[a-z][\w.-]* [^\n]*", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")

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
        options: Of the command, without a counterpart: the user's too.
    """

    tools: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say it to the model."""
        said = {
            "Tools that do it here": ", ".join(self.tools),
            "Keys of the description that do it here": ", ".join(self.keys),
            "No tool here does this; the user can": "; ".join(self.commands),
            "No tool here has these options; the user can give them to the command": ", ".join(
                self.options
            ),
        }
        return [f"{what}: {which}" for what, which in said.items() if which]


def ways(remedy: str, tools: Collection[str]) -> Ways:
    """Find what stands for the commands and options of a remedy.

    A command with an option has no tool, but a deletion with ``--recursive``.

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
    # An option in a command was told with it.
    options = dict.fromkeys(_OPTION.findall(_OTHERS.sub("", _COMMAND.sub("", remedy))))
    return Ways(
        tuple(tool for tool in tools if tool in named),
        tuple(dict.fromkeys(_KEYS[option] for option in options if option in _KEYS)),
        tuple(commands),
        tuple(option for option in options if option not in _KEYS),
    )
