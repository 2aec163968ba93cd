"""One stack from a project's configuration: what the ready program of a platform repository runs.

The configuration's namespace is ``kitaru:``, and its keys are those of ``stack.yaml``:
``pulumi config set kitaru:type kubernetes``. ``kitaru:file`` names a ``stack.yaml`` in the
project's folder; single keys win over it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as runtime

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.pulumi._stack import Stack
from kitaru_iac.pulumi.keys import COMMAND_KEYS
from kitaru_iac.pulumi.plugin.settings import KEYS as PROVIDER_KEYS
from kitaru_iac.pulumi.verification import NotKnownYet, verify
from kitaru_iac.spec import merge, suggest
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import InfraMode, StackType
from kitaru_iac.spec.resources import RESOURCES
from kitaru_iac.spec.rows import Kind
from kitaru_iac.spec.rules import key_suggestion

if TYPE_CHECKING:
    from kitaru_iac.pulumi._provisioned import ProvisionedStack

__all__ = ["FILE", "NAMESPACE", "deploy", "description"]

#: The namespace of the configuration. The provider's own keys are in it too.
NAMESPACE = "kitaru"
#: The key that names a ``stack.yaml``.
FILE = "file"

#: The keys that say where a stack is, and come out again.
_PLACES = tuple(
    key
    for key, info in FIELDS.items()
    if info.kind is Kind.TEXT and info.program.of_stack and not info.secret
)
_STACK_NAME = "the Pulumi stack's name"


def description() -> dict[str, Any]:
    """The description that the configuration of this Pulumi stack holds, checked as a whole.

    Returns:
        The keys of ``stack.yaml`` as they were written; the name is the Pulumi stack's where none
        is given. What the configuration keeps as a secret is a secret output.

    Raises:
        pulumi.RunError: With every problem, each with its key or line and the command that mends
            it.
    """
    problems: list[Problem] = []
    data = _merged(problems)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise pulumi.RunError(f"The configuration of the stack has {count}:\n{lines}")
    return {
        key: pulumi.Output.secret(value) if _is_secret(key) else value
        for key, value in data.items()
        if value is not None
    }


def deploy(description: Mapping[str, Any]) -> dict[str, pulumi.Output[Any]]:
    """Register the stack, and before that verify or make its infrastructure, as `infra` says.

    Args:
        description: The keys of ``stack.yaml``. With ``infra: provision`` the names of resources
            have to be plain values; else any may be an output of another resource.

    Returns:
        What describes the stack that came to be, under the keys of ``stack.yaml``, and `stack_id`.

    Raises:
        pulumi.RunError: A check of the infrastructure failed; the text is the report.
    """
    given = {key: value for key, value in description.items() if value is not None}
    mode = InfraMode(given.pop("infra", InfraMode.NONE))
    name = given.get("name")
    name = name if isinstance(name, str) else pulumi.get_stack()
    made_how = {key: given.pop(key, {}) for key in ("resources", "infrastructure")}
    arguments = {FIELDS[key].attribute: value for key, value in given.items()}
    stack: Stack | ProvisionedStack
    if mode is InfraMode.PROVISION:
        from kitaru_iac.pulumi._provisioned import ProvisionedStack

        stack = ProvisionedStack(name, **made_how, **arguments)
        made = {*RESOURCES[StackType(given.get("type", StackType.LOCAL))].values()}
        return _outputs(stack, stack.stack_id, {*given, *(made - {"resource_group"})})
    if mode is InfraMode.VERIFY:
        try:
            verify(**arguments)
        except NotKnownYet:
            pulumi.warn("The infrastructure is verified once all that names it is known: not here.")
        except Exception as error:
            raise pulumi.RunError(str(error)) from error
    stack = Stack(name, **arguments)
    return _outputs(stack, stack.id, set(given))


def _outputs(
    stack: Stack | ProvisionedStack, id: pulumi.Output[str], keys: set[str | None]
) -> dict[str, pulumi.Output[Any]]:
    keys = keys | {"name", "type"}
    found = {key: getattr(stack, key) for key in _PLACES if key in keys and hasattr(stack, key)}
    return {**found, "stack_id": id}


# -- the configuration -----------------------------------------------------------------------------


def _merged(problems: list[Problem]) -> dict[str, Any]:
    """The configuration over its file, checked; what is wrong joins the problems."""
    values = _configured(problems)
    file = values.pop(FILE, None)
    path = None if file is None else _root() / file
    try:
        merged = merge(values, path, said=lambda key, _: f"{NAMESPACE}:{key}")
    except DescriptionError as error:
        remedy = f"Change it with: pulumi config set {NAMESPACE}:{FILE} PATH"
        for found in error.problems:
            remedies = " ".join(part for part in (found.remedy, remedy) if part)
            problems.append(replace(found, source=_shown(found.source), remedy=remedies))
        return {}
    if merged.data.get("name") is None:
        merged.data["name"] = pulumi.get_stack()
        merged.origins.note("name", _STACK_NAME)
    try:
        merged.checked()
    except DescriptionError as error:
        problems.extend(_mended(found, has_file=path is not None) for found in error.problems)
    for key in COMMAND_KEYS:
        if merged.data.get(key) is not None:
            what, elsewhere = "a program does not know it", FIELDS[key].program.elsewhere
            source = merged.origins.of(key)
            problems.append(Problem(key, what, remedy=elsewhere, source=_shown(source)))
    return merged.data


def _configured(problems: list[Problem]) -> dict[str, Any]:
    """The values of our namespace by key, without the provider's; what is unknown is a problem."""
    found: dict[str, Any] = {}
    for key, text in sorted(_namespace()):
        if key in PROVIDER_KEYS:
            continue
        if key == FILE or key in FIELDS:
            found[key] = _value(key, text)
        else:
            problems.append(_stranger(key, text))
    return found


def _namespace() -> Iterator[tuple[str, Any]]:
    # `pulumi.Config` has no way to list the keys.
    every = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    for full, value in every.items():
        namespace, _, key = full.partition(":")
        if namespace == NAMESPACE:
            yield key, value


def _value(key: str, text: object) -> object:
    """A value as its key wants it: configuration is text, and JSON for what is not."""
    kind = FIELDS[key].kind if key in FIELDS else Kind.TEXT
    if kind is Kind.SWITCH and text in ("true", "false"):
        return text == "true"
    if kind is Kind.MAPPING and isinstance(text, str):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _is_secret(key: str) -> bool:
    return runtime.is_config_secret(f"{NAMESPACE}:{key}")


def _may_hold_secret(key: str) -> bool:
    return key in FIELDS and FIELDS[key].secret


def _root() -> Path:
    """The project's folder; the program may run in one below it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml")):
            return folder
    return here


# -- what is wrong with it -------------------------------------------------------------------------


def _stranger(key: str, text: object) -> Problem:
    meant = suggest(key, PROVIDER_KEYS) or key_suggestion(key) or suggest(key, (FILE,))
    remedy = f"Remove it: pulumi config rm {NAMESPACE}:{shlex.quote(key)}"
    if meant:
        hidden = _is_secret(key) or meant == "apiKey" or _may_hold_secret(meant)
        value = "" if hidden or not isinstance(text, str) else f" {shlex.quote(text)}"
        secret = "--secret " if hidden else ""
        remedy = (
            f"Did you mean `{meant}`? pulumi config rm {NAMESPACE}:{shlex.quote(key)} && "
            f"pulumi config set {secret}{NAMESPACE}:{meant}{value}"
        )
    what = f"`{key}` is not a key of a stack's description"
    return Problem(key, what, remedy=remedy, source=f"{NAMESPACE}:{key}")


def _mended(problem: Problem, *, has_file: bool) -> Problem:
    """A problem; where it is the configuration's, with the command that changes it."""
    source = problem.source
    if source is None and not has_file:
        source = f"{NAMESPACE}:{problem.field}"
    if source == _STACK_NAME:
        command = f"pulumi config set {NAMESPACE}:name NAME"
    elif source is not None and source.startswith(f"{NAMESPACE}:"):
        command = _command(problem.field)
    else:
        return replace(problem, source=_shown(source))
    remedy = " ".join(part for part in (problem.remedy, f"Change it with: {command}") if part)
    return replace(problem, source=source, remedy=remedy)


def _command(field: str) -> str:
    if _may_hold_secret(key := field.partition(".")[0]):
        return f"pulumi config set --secret {NAMESPACE}:{key}"
    nested = "--path " if "." in field else ""
    return f"pulumi config set {nested}{shlex.quote(f'{NAMESPACE}:{field}')} VALUE"


def _shown(source: str | None) -> str | None:
    """A place in the file as the configuration names it: without the folders before it."""
    return None if source is None else source.replace(f"{_root()}/", "", 1)
