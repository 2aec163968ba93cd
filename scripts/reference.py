"""Write docs/reference/cli.md, checks.md and pulumi.md from what they describe.

python scripts/reference.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kitaru_iac.cli.app import root_command
from kitaru_iac.cli.commands import TREE, Entry
from kitaru_iac.cli.frame import COMMON, build
from kitaru_iac.cli.help import sections

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
CHECKS = TARGET.with_name("checks.md")
PACKAGE = TARGET.with_name("pulumi.md")
HEAD = """# The `kitaru` command

<!-- Written by scripts/docs from the commands themselves; changes here are lost. -->

`kitaru-iac` is the same command under a second name. `kitaru --help` and `kitaru COMMAND --help`
show what this page says. See also [exit codes](exit-codes.md) and
[environment variables](environment.md).

Data go to stdout, everything else to stderr. With `--output json` or `--output yaml`, stdout is one
document and nothing else (but of `kitaru run` and `kitaru mcp`, whose streams are the program's and
the agent's), and an error is one document on stderr. `--output` may stand anywhere on the line.
"""


def page() -> str:
    """The whole page."""
    root: Any = root_command()
    blocks = [HEAD, "## Options of every command", _options(_common(root))]
    blocks += ["## Options of `kitaru` alone", _options(_own(root))]
    for name, entry in TREE.items():
        if entry.children is None:
            blocks += _command(name, entry)
        else:
            blocks.append(f"## `kitaru {name}`\n\n{entry.summary}")
            for child, inner in entry.children.items():
                blocks += _command(f"{name} {child}", inner, level="###")
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _command(path: str, entry: Entry, level: str = "##") -> list[str]:
    command: Any = build(path.rsplit(maxsplit=1)[-1], entry)
    first, more, examples = sections(command.help)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = " ".join(_name(p) if p.required else f"[{_name(p)}]" for p in arguments)
    blocks = [f"{level} `kitaru {path}`", first]
    usage = " ".join(part for part in ("kitaru", path, words, "[OPTIONS]") if part)
    blocks.append(f"```text\n{usage}\n```")
    if more:
        blocks.append(_escaped(more))
    blocks.append("```console\n" + "\n".join(_prompted(examples)) + "\n```")
    if arguments:
        rows = [f"| `{_name(p)}` | {_escaped(p.help)} |" for p in arguments]
        blocks.append("\n".join(["| Argument | |", "| --- | --- |", *rows]))
    own = _own(command)
    if own:
        blocks.append(_options(own))
    return blocks


def _prompted(lines: list[str]) -> list[str]:
    return [line if line.startswith((" ", "#")) or not line else f"$ {line}" for line in lines]


def _common(command: Any) -> list[Any]:
    return [p for p in command.params if p.rich_help_panel == COMMON]


def _own(command: Any) -> list[Any]:
    found = []
    for param in command.params:
        is_usual = param.rich_help_panel == COMMON and "markdown" not in (param.help or "")
        if param.param_type_name == "option" and not is_usual:
            found.append(param)
    return found


def _options(params: list[Any]) -> str:
    rows = [f"| {_names(p)} | {_about(p)} |" for p in params]
    return "\n".join(["| Option | |", "| --- | --- |", *rows])


def _names(param: Any) -> str:
    names = sorted([*param.opts, *param.secondary_opts], key=len)
    value = "" if param.is_flag else f" {param.metavar or 'TEXT'}"
    return ", ".join(f"`{name}{value}`" if name.startswith("--") else f"`{name}`" for name in names)


def _about(param: Any) -> str:
    about = _escaped(param.help or "")
    if param.multiple:
        about += " May be given several times."
    default = param.show_default if isinstance(param.show_default, str) else param.default
    if default not in (None, False, True, "") and not (param.is_flag and default is False):
        about += f" Default: `{default}`."
    return about


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def checks_page() -> str:
    """docs/reference/checks.md: the catalog of checks."""
    from kitaru_iac.infrastructure.verify import catalog

    lines = [
        "# Checks of the infrastructure",
        "",
        "Made by `scripts/docs` from the catalog of checks; do not edit.",
        "",
        "`kitaru stack verify` and `--infra verify` run those that fit the stack. Each ends as",
        "*ok*, *warn*, *fail* or *unknown*; what may not be looked at is unknown, with the missing",
        "permission named. A check that failed stops a creation before anything is written (exit",
        "code 3).",
    ]
    for info in catalog():
        ends = ", ".join(sorted(status.value for status in info.can))
        lines += ["", f"## `{info.id}`", "", f"**{_escaped(info.title)}.** {_escaped(info.text)}"]
        lines += ["", f"Can end as: {ends}." + (f" [More]({info.docs})" if info.docs else "")]
    return "\n".join(lines) + "\n"


def package_page() -> str:
    """docs/reference/pulumi.md: the Pulumi package, from its schema."""
    from kitaru_iac.pulumi.plugin.schema import schema

    found = schema()
    lines = [
        "# The Pulumi package `kitaru`",
        "",
        "Made by `scripts/docs` from the package's schema; do not edit. How it is used is in the",
        "[guide for platform teams](../guides/platform-teams.md).",
        "",
        "Names are as on the wire and in YAML and TypeScript; in Python they are in snake_case",
        "(`artifact_store`), and `async` is `async_`.",
        "",
        "## Configuration of the provider",
        "",
        "`pulumi config set kitaru:KEY`, or the arguments of `Provider`.",
        "",
        *_properties(found["config"]["variables"]),
    ]
    for token, resource in found["resources"].items():
        kind = "component" if resource.get("isComponent") else "resource"
        lines += ["", f"## `{token}`", "", f"A {kind}. {_about_it(resource)}"]
        lines += ["", "Inputs:", ""]
        lines += _properties(resource["inputProperties"], resource.get("requiredInputs", ()))
        lines += ["", "Outputs:", "", *_properties(_outputs(resource, kind))]
    for token, function in found["functions"].items():
        lines += ["", f"## `{token}`", "", f"A function. {_about_it(function)}"]
        lines += ["", "Inputs:", "", *_properties(function["inputs"]["properties"])]
        lines += ["", "Result:", "", *_properties(function["outputs"]["properties"])]
    for token, type_ in found["types"].items():
        lines += ["", f"## Type `{token}`", "", _escaped(type_["description"]), ""]
        lines += _properties(type_["properties"]) if "properties" in type_ else _values(type_)
    return "\n".join(lines) + "\n"


def _outputs(resource: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of a resource, less what its inputs have said already."""
    given = resource["inputProperties"]
    same = "As the input." if kind == "resource" else "As the input, or as it was made."
    return {
        name: {**about, "description": same}
        if about["description"] == given.get(name, {}).get("description")
        else about
        for name, about in resource["properties"].items()
    }


def _about_it(described: dict[str, Any]) -> str:
    """What is said of a resource or function, less its examples in every language."""
    from kitaru_iac.pulumi.plugin.package import without_examples

    return _escaped(without_examples(described["description"]))


def _values(enum: dict[str, Any]) -> list[str]:
    rows = [f"| `{value['value']}` | {_escaped(value['description'])} |" for value in enum["enum"]]
    return ["| value | |", "| --- | --- |", *rows]


def _properties(properties: dict[str, Any], required: Any = ()) -> list[str]:
    rows = ["| name | type | |", "| --- | --- | --- |"]
    for name, about in properties.items():
        marks = [mark for mark in ("secret", "plain") if about.get(mark)]
        marks += ["required"] if name in required else []
        shown = _type_name(about) + "".join(f", {mark}" for mark in marks)
        text = _escaped(about["description"])
        if variables := about.get("defaultInfo", {}).get("environment"):
            text += f" Default in SDKs: {' or '.join(f'`{name}`' for name in variables)}."
        rows.append(f"| `{name}` | {shown} | {text} |")
    return rows


def _type_name(about: dict[str, Any]) -> str:
    if "$ref" in about:
        return "any" if about["$ref"].endswith("Any") else f"`{about['$ref'].rsplit('/', 1)[-1]}`"
    if about["type"] == "array":
        return f"list of {_type_name(about['items'])}"
    if about["type"] == "object":
        return f"map of {_type_name(about['additionalProperties'])}"
    return str(about["type"])


def main(arguments: list[str]) -> int:
    stale = 0
    pages = {TARGET: page, CHECKS: checks_page, PACKAGE: package_page}
    for target, make in pages.items():
        wanted = make()
        if arguments == ["--check"]:
            current = target.read_text(encoding="utf-8") if target.exists() else ""
            if current != wanted:
                print(f"{target} is stale: run scripts/docs", file=sys.stderr)
                stale = 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(wanted, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
