"""Write the code that repeats the fields of a description, from their table (spec/fields.py).

python scripts/generate.py [--check]
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from kitaru_iac.pulumi.keys import STACK_KEYS, camel, snake
from kitaru_iac.pulumi.plugin.properties import ANY
from kitaru_iac.pulumi.plugin.schema import schema
from kitaru_iac.pulumi.provisioned import PROVISIONED_KEYS
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.rows import FieldInfo, Kind

ROOT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).with_name("templates")
WIDTH = 100
NOTE = "Written by scripts/generate from the table of fields; changes here are lost."

Lines = Iterator[str]


def _filled(name: str, **blocks: Iterable[str]) -> str:
    """A template of the folder, with blocks of lines in the place of lines that are ``$block``."""
    template = Template((TEMPLATES / f"{name}.py.template").read_text(encoding="utf-8"))
    texts = {block: "\n".join(lines) for block, lines in blocks.items()}
    return template.substitute(texts, note=NOTE)


# -- the models ------------------------------------------------------------------------------------


def model_fields() -> str:
    """spec/_model_fields.py: the attributes of the models."""
    names = ["Common", *(type_.capitalize() for type_ in StackType)]
    ours = {"kinds": {"StackType"}}
    return _filled(
        "_model_fields",
        imports=_imports(FIELDS.values(), ours),
        names=[f'    "{name}Fields",' for name in sorted(names)],
        models=_models(),
    )


def _models() -> Lines:
    every = FIELDS.values()
    common = [info for info in every if _is_common(info)]
    yield from _model("Common", "", "every type", common, None)
    for type_ in StackType:
        own = [info for info in every if type_ in info.types and _differs(info, type_)]
        yield from ("", "")
        yield from _model(type_.capitalize(), "(CommonFields)", f"type {type_}", own, type_)


def _is_common(info: FieldInfo) -> bool:
    return info.on_every_model or info.types == frozenset(StackType)


def _differs(info: FieldInfo, type_: StackType) -> bool:
    """Whether a type's model says it anew: not all have it, or this one needs it."""
    return not _is_common(info) or type_ in info.required or info.key == "type"


def _model(
    name: str, base: str, whose: str, fields: Iterable[FieldInfo], type_: StackType | None
) -> Lines:
    yield "@dataclass(frozen=True, slots=True, kw_only=True)"
    yield f"class {name}Fields{base}:"
    yield from (f'    """What a description of {whose} has."""', "")
    for info in fields:
        if info.key == "type" and type_ is not None:
            value = f"StackType.{type_.name}"
            yield f"    type: Literal[{value}] = {value}"
            continue
        yield f"    {info.attribute}: {_attribute_type(info, type_)}{_default(info, type_)}"


def _attribute_type(info: FieldInfo, type_: StackType | None) -> str:
    value = _class_of(info)
    if info.kind is Kind.SWITCH:
        return "bool"
    if info.kind is Kind.LIST:
        return value
    if info.kind is Kind.MAPPING:
        return f"dict[str, {value}]" if info.choices else value
    if info.choices:
        return value
    may_be_none = info.default is None and not _is_required(info, type_)
    return (value or "str") + (" | None" if may_be_none else "")


def _default(info: FieldInfo, type_: StackType | None) -> str:
    if _is_required(info, type_):
        return ""
    if info.kind in {Kind.MAPPING, Kind.LIST}:
        return f" = field(default_factory={'dict' if info.choices else _class_of(info)})"
    if info.choices:
        return f" = {_class_of(info)}.{info.default.name}"
    shown = _quoted(info.default) if isinstance(info.default, str) else repr(info.default)
    return f" = {shown}"


def _is_required(info: FieldInfo, type_: StackType | None) -> bool:
    return info.key in {"name", "type"} or type_ in info.required


# -- the Python functions --------------------------------------------------------------------------

#: Kinds of several values.
_MANY = (Kind.MAPPING, Kind.LIST)
#: The arguments of `create_stack` that its own signature has.
_IN_SIGNATURE = ("name", "type", "activate", "extra")


def keywords() -> str:
    """spec/_keywords.py: the arguments of `create_stack`, for the type checker alone."""
    infos = [info for info in FIELDS.values() if info.key not in _IN_SIGNATURE]
    fields = [line for info in infos for line in _keyword(info)]
    with_class = [info for info in infos if info.kind not in _MANY or info.choices]
    return _filled("_keywords", imports=_imports(with_class, {}), fields=fields)


def _keyword(info: FieldInfo) -> Lines:
    kind = f"str | {_class_of(info)}" if info.value else "str"
    if info.kind is Kind.SWITCH:
        kind = "bool"
    elif info.kind is Kind.LIST:
        kind = "Sequence[str]"
    elif info.kind is Kind.MAPPING:
        kind = f"Mapping[str, {kind}]" if info.choices else "Mapping[str, object]"
    yield f"    {info.attribute}: {kind} | None"
    yield from _remark(info.description, 4)


# -- the command line ------------------------------------------------------------------------------


def flags() -> str:
    """cli/_flags.py: a function whose parameters are the flags, as typer reads them."""
    infos = _in_order_of_help()
    return _filled(
        "_flags",
        arguments=[line for info in infos if _is_argument(info) for line in _parameter(info)],
        options=[line for info in infos if not _is_argument(info) for line in _parameter(info)],
    )


def _in_order_of_help() -> list[FieldInfo]:
    order = [info for info in FIELDS.values() if info.flag]
    for info in list(order):
        if info.flag and info.flag.after:
            order.remove(info)
            keys = [other.key for other in order]
            order.insert(keys.index(info.flag.after) + 1, info)
    return order


def _is_argument(info: FieldInfo) -> bool:
    words = info.flag.words if info.flag else None
    return words is not None and not words.startswith("-")


def _parameter(info: FieldInfo) -> Lines:
    flag = info.flag
    assert flag is not None
    kind = {Kind.TEXT: "str", Kind.SWITCH: "bool", Kind.MAPPING: "list[str]"}[info.kind]
    yield f"    {info.attribute}: Annotated["
    yield f"        {kind} | None,"
    if _is_argument(info):
        yield "        typer.Argument("
        yield f"            metavar={_quoted(flag.words or '')},"
    else:
        yield "        typer.Option("
        yield f"            {_quoted(flag.words or '--' + info.key.replace('_', '-'))},"
        if flag.metavar:
            yield f"            metavar={_quoted(flag.metavar)},"
    yield from _literal(flag.help, 12, "help=")
    if _is_argument(info):
        yield "            show_default=False,"
    elif default := _default_in_help(info):
        yield f"            show_default={_quoted(default)},"
    if flag.panel:
        yield f"            rich_help_panel={_quoted(flag.panel)},"
    if flag.completes:
        yield f"            autocompletion=completion.{flag.completes},"
    yield from ("        ),", "    ] = None,")


def _default_in_help(info: FieldInfo) -> str | None:
    """What ``--help`` shows as the default; for a switch, its flag without dashes."""
    assert info.flag is not None
    if info.flag.default or info.default is None or info.kind is Kind.MAPPING:
        return info.flag.default
    if info.kind is Kind.TEXT:
        return str(info.default)
    return (info.flag.words or "").partition("/")[0].lstrip("-") if info.default else None


# -- the Pulumi classes ----------------------------------------------------------------------------


def stack_class() -> str:
    """pulumi/_stack.py: the arguments and properties of `Stack`, from the package's schema."""
    about = schema()["resources"]["kitaru:index:Stack"]
    inputs = [f"{FIELDS[key].attribute}: {_input(key)} = None" for key in STACK_KEYS]
    return _filled(
        "_stack",
        attributes=_entries(about["inputProperties"], STACK_KEYS, 8),
        fields=[f"    {line}" for line in inputs],
        outputs=_outputs(about["properties"], about["required"]),
        parameters=[f"        {line}," for line in inputs],
        arguments=_entries(about["inputProperties"], STACK_KEYS, 12),
        passed=[f"            {name}={name}," for name in _attributes(STACK_KEYS)],
    )


def provisioned_class() -> str:
    """pulumi/_provisioned.py: the arguments and properties of `ProvisionedStack`."""
    about = schema()["resources"]["kitaru:index:ProvisionedStack"]
    # The id of the stack is not of the description: the base class has it.
    own = {name: text for name, text in about["properties"].items() if name != "stackId"}
    return _filled(
        "_provisioned",
        outputs=_outputs(own, about["required"], wired=False),
        parameters=[
            f"        {FIELDS[key].attribute}: {_input(key, plain=not may_be_output)} = None,"
            for key, may_be_output in PROVISIONED_KEYS.items()
        ],
        arguments=_entries(about["inputProperties"], PROVISIONED_KEYS, 12),
        passed=[f'            "{key}": {FIELDS[key].attribute},' for key in PROVISIONED_KEYS],
    )


def _input(key: str, *, plain: bool = False) -> str:
    info = FIELDS[key]
    kind = "bool" if info.kind is Kind.SWITCH else "str"
    if info.kind is Kind.MAPPING:
        kind = "Mapping[str, str]" if info.choices else "Mapping[str, object]"
        kind = "Extra" if key == "extra" else kind
    return f"{kind} | None" if plain else f"pulumi.Input[{kind}] | None"


def _entries(properties: Mapping[str, Any], keys: Iterable[str], indent: int) -> Lines:
    """The keys in a docstring, with what the schema says of them."""
    for key in keys:
        yield from textwrap.wrap(
            f"{FIELDS[key].attribute}: {properties[camel(key)]['description']}",
            WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _outputs(
    properties: Mapping[str, Any], required: Iterable[str], *, wired: bool = True
) -> Lines:
    """Annotations of the properties, each with its description."""
    python = {camel(key): info.attribute for key, info in FIELDS.items()}
    for wire, about in properties.items():
        name = python.get(wire, snake(wire))
        kind = _property_type(about) + ("" if wire in required else " | None")
        place = f" = pulumi.property({_quoted(wire)})" if wired and name != wire else ""
        yield f"    {name}: pulumi.Output[{kind}]{place}"
        yield from _remark(about["description"], 4)


def _property_type(about: Mapping[str, Any]) -> str:
    if "$ref" in about:
        return "Any" if about["$ref"] == ANY else "str"  # a word of an enum
    if about["type"] == "array":
        return f"Sequence[{_property_type(about['items'])}]"
    if about["type"] == "object":
        return f"Mapping[str, {_property_type(about['additionalProperties'])}]"
    return {"string": "str", "boolean": "bool"}[about["type"]]


def _attributes(keys: Iterable[str]) -> list[str]:
    return [FIELDS[key].attribute for key in keys]


def schema_file() -> str:
    """plugin/schema.json: the package's schema, which registries and generators read."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


# -- pieces of code --------------------------------------------------------------------------------


def _class_of(info: FieldInfo) -> str:
    return info.value.partition(":")[2] if info.value else ""


def _imports(infos: Iterable[FieldInfo], more: Mapping[str, set[str]]) -> Lines:
    """Where the classes of values come from, and what else is needed of this room."""
    homes = {module: set(names) for module, names in more.items()}
    for info in infos:
        if info.value:
            homes.setdefault(info.value.partition(":")[0], set()).add(_class_of(info))
    for module in sorted(homes):
        yield f"from kitaru_iac.spec.{module} import {', '.join(sorted(homes[module]))}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(text: str, indent: int, before: str) -> Lines:
    """An argument as the formatter leaves it: on one line if it fits, else cut between words."""
    pad = " " * indent
    if len(f"{pad}{before}{_quoted(text)},") <= WIDTH:
        yield f"{pad}{before}{_quoted(text)},"
        return
    room = WIDTH - indent - 3
    first, *rest = textwrap.wrap(f"{before}{text}", room, break_on_hyphens=False)
    yield f"{pad}{before}{_quoted(first.removeprefix(before) + ' ')}"
    yield from (f"{pad}{_quoted(line + ' ')}" for line in rest[:-1])
    yield f"{pad}{_quoted(rest[-1])},"


def _remark(text: str, indent: int) -> list[str]:
    """The string that describes the attribute above it."""
    room = WIDTH - indent - 6  # for the quotes
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return textwrap.indent('"""' + "\n".join(lines) + '"""', " " * indent).splitlines()


# -- writing ---------------------------------------------------------------------------------------

FILES: Mapping[str, Callable[[], str]] = {
    "kitaru_iac/spec/_model_fields.py": model_fields,
    "kitaru_iac/spec/_keywords.py": keywords,
    "kitaru_iac/cli/_flags.py": flags,
    "kitaru_iac/pulumi/_stack.py": stack_class,
    "kitaru_iac/pulumi/_provisioned.py": provisioned_class,
    "plugin/schema.json": schema_file,
}


def stale(root: Path = ROOT, *, package: Path | None = None) -> dict[Path, str]:
    """The files that do not say what the table says, with what they should.

    `package` is where the package is, if not in `root`: in a wheel, it is not beside the scripts.
    """
    found = {}
    for name, make in FILES.items():
        home = package.parent if package and name.startswith(f"{package.name}/") else root
        path, text = home / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            found[path] = text
    return found


def main(arguments: list[str]) -> int:
    found = stale()
    if arguments == ["--check"]:
        for path in found:
            print(f"{path} is stale: run scripts/generate", file=sys.stderr)
        return 1 if found else 0
    for path, text in found.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
