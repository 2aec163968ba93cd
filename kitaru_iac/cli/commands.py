"""The tree of commands: what there is, where it lives, and its one line in the overview.

Listing the commands imports none of them.
"""

from __future__ import annotations

from kitaru_iac.values import dataclass

__all__ = ["OTHER_WORDS", "TREE", "Entry", "command_name", "paths"]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A command or a group of commands.

    Attributes:
        summary: Its line in the overview; the first line of its docstring says the same.
        module: The module in this package that holds it; empty for a group.
        function: The function's name there.
        panel: The heading under which the overview shows it.
        children: A group's commands.
        described: Whether it takes the flags that describe a stack.
    """

    summary: str
    module: str = ""
    function: str = ""
    panel: str = "Commands"
    children: dict[str, Entry] | None = None
    described: bool = False


_STACK = {
    "list": Entry("List all stacks and mark the active one.", "stack_read", "list_", "View"),
    "current": Entry(
        "Show the active stack, and which scope chose it.", "stack_read", "current", "View"
    ),
    "show": Entry("Show everything that is stored about a stack.", "stack_show", "show", "View"),
    "export": Entry(
        "Write the description that would make a stack that exists.",
        "stack_export",
        "export",
        "View",
    ),
    "use": Entry("Make a stack the active one.", "stack_use", "use", "Change"),
    "create": Entry(
        "Create a stack and make it the active one.",
        "stack_create",
        "create",
        "Change",
        described=True,
    ),
    "apply": Entry(
        "Change a stack to match its description; create it if it does not exist.",
        "stack_apply",
        "apply",
        "Change",
        described=True,
    ),
    "adopt": Entry(
        "Take a stack that Kitaru did not make under its management.",
        "stack_adopt",
        "adopt",
        "Change",
    ),
    "rename": Entry(
        "Give a stack another name, with its own parts.", "stack_rename", "rename", "Change"
    ),
    "copy": Entry(
        "Make a stack with the configuration of another one.", "stack_copy", "copy", "Change"
    ),
    "delete": Entry("Delete a stack.", "stack_delete", "delete", "Change"),
    "clean": Entry(
        "Remove what commands left that were killed in the middle.",
        "stack_clean",
        "clean",
        "Change",
    ),
    "preview": Entry(
        "Show what apply would do, and do nothing.",
        "stack_apply",
        "preview",
        "Check",
        described=True,
    ),
    "drift": Entry(
        "Show what differs from what was applied, in ZenML and in the cloud.",
        "stack_drift",
        "drift",
        "Check",
    ),
    "health": Entry(
        "Say whether stacks are as they were applied, and fit.", "stack_health", "health", "Check"
    ),
    "verify": Entry(
        "Check that a stack's infrastructure meets its needs.",
        "stack_verify",
        "verify",
        "Check",
        described=True,
    ),
    "policy": Entry(
        "Print the cloud permissions that a stack needs.",
        "stack_verify",
        "policy",
        "Check",
        described=True,
    ),
    "new-repo": Entry(
        "Write a repository that manages stacks with Pulumi, with jobs for CI.",
        "stack_new_repo",
        "new_repo",
        "Change",
    ),
    "schema": Entry(
        "Print the JSON Schema of stack.yaml, for editors.", "stack_schema", "schema", "Check"
    ),
}

_INFRA = {
    "list": Entry(
        "List what was provisioned, and the stack that has it.", "infra_commands", "list_", "View"
    ),
    "delete": Entry(
        "Take down what was provisioned and no stack has.",
        "infra_commands",
        "delete",
        "Change",
    ),
}

_CI = {
    "preview": Entry(
        "Show what a change of descriptions would do, on its pull or merge request.",
        "ci",
        "preview",
    ),
    "apply": Entry("Apply what was reviewed, and nothing else.", "ci", "apply"),
    "drift": Entry(
        "Look for drift, and keep one issue for each stack that has it.", "ci_drift", "drift"
    ),
    "verify": Entry(
        "Check the infrastructure of all described stacks, and write reports.",
        "ci",
        "verify",
    ),
    "pulumi-preview": Entry(
        "Show on its pull or merge request what `pulumi up` would do to a stack.",
        "ci_pulumi",
        "preview",
    ),
    "pulumi-up": Entry(
        "Update a stack of a Pulumi project as it was reviewed, and not otherwise.",
        "ci_pulumi",
        "up",
    ),
    "pulumi-drift": Entry(
        "Compare a Pulumi stack with what exists, and keep one issue about it.",
        "ci_pulumi",
        "drift",
    ),
}

#: All commands. The order is that of the overview.
TREE: dict[str, Entry] = {
    "stack": Entry(
        "Create, inspect, switch, check and delete stacks.", panel="Stacks", children=_STACK
    ),
    "infra": Entry(
        "List and take down what was provisioned for stacks.", panel="Stacks", children=_INFRA
    ),
    "run": Entry(
        "Run a command on a stack; the active stack stays as it is.", "run", "run", "Stacks"
    ),
    "init": Entry("Prepare a directory for Kitaru projects.", "connect", "init", "Set up"),
    "login": Entry(
        "Connect to a Kitaru server, or start a local one.", "connect", "login", "Set up"
    ),
    "logout": Entry("Go back to the local store.", "connect", "logout", "Set up"),
    "status": Entry(
        "Show what this machine is connected to.", "connect_status", "status", "Set up"
    ),
    "ci": Entry(
        "Preview, apply, verify and look for drift in a job of a code host.",
        panel="Set up",
        children=_CI,
    ),
    "mcp": Entry("Let agents reach stacks: an MCP server.", "mcp", "mcp", "Set up"),
    "doctor": Entry(
        "Check the installation and say what is missing.", "doctor", "doctor", "Set up"
    ),
}

#: Words from other tools, and the command of ours that they mean.
OTHER_WORDS = {
    "activate": "stack use",
    "describe": "stack show",
    "destroy": "stack delete",
    "clone": "stack copy",
    "cp": "stack copy",
    "diff": "stack preview",
    "get": "stack show",
    "info": "status",
    "ls": "stack list",
    "mv": "stack rename",
    "new": "stack create",
    "plan": "stack preview",
    "register": "stack create",
    "remove": "stack delete",
    "rm": "stack delete",
    "scaffold": "stack new-repo",
    "set": "stack use",
    "switch": "stack use",
    "template": "stack new-repo",
    "update": "stack apply",
    "up": "stack apply",
    "whoami": "status",
}


def paths() -> list[str]:
    """Every command as typed: ``stack list``, ``login``, …"""
    found = []
    for name, entry in TREE.items():
        if entry.children is None:
            found.append(name)
        else:
            found.extend(f"{name} {child}" for child in entry.children)
    return found


def command_name(arguments: list[str]) -> str:
    """The command that a command line means, as outputs name it: ``stack.list``.

    As far as the words go that are commands; ``kitaru`` where none is.
    """
    words = []
    level: dict[str, Entry] | None = TREE
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in ("-o", "--output"):
            skip = True
        elif word.startswith("-"):
            continue
        elif level is not None and word in level:
            words.append(word)
            level = level[word].children
        else:
            break
    return ".".join(words) or "kitaru"
