"""What a run is given where its call says nothing: by the environment, and by the project.

One layer each, checked as a whole. Which layer holds for what is decided by who asks: a flow
(`kitaru_iac.flows`), or `kitaru stack current --explain`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kitaru_iac.errors import UsageError
from kitaru_iac.machine.project import project_settings
from kitaru_iac.values import dataclass

__all__ = [
    "ACTIVE",
    "CONFIGURE",
    "CONFIGURED",
    "ENVIRONMENT",
    "FLOW",
    "PROJECT",
    "RUN",
    "RunDefaults",
    "checked",
    "environment_defaults",
    "nothing_configured",
    "project_defaults",
]

#: The six layers, strongest first, as messages, tags and tables name them. The first three are
#: known to a program alone.
RUN: Final = ".run(stack=)"
FLOW: Final = "@flow(stack=)"
CONFIGURE: Final = "configure(stack=)"
ENVIRONMENT: Final = "KITARU_STACK"
PROJECT: Final = "[tool.kitaru].stack"
ACTIVE: Final = "active stack"

_YES: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO: Final = frozenset({"0", "false", "f", "no", "n", "off"})
#: A run setting and the variable that gives it.
_VARIABLES: Final = {
    "stack": "KITARU_STACK",
    "image": "KITARU_IMAGE",
    "cache": "KITARU_CACHE",
    "retries": "KITARU_RETRIES",
}


@dataclass(frozen=True, slots=True)
class RunDefaults:
    """What one layer says about a run; None is nothing.

    Attributes:
        stack: A stack's name or id.
        image: A base image, or the settings of the image as ZenML's ``DockerSettings`` has them.
        cache: Whether steps may reuse earlier results.
        retries: How many times a failed step is run again.
    """

    stack: str | None = None
    image: str | Mapping[str, object] | None = None
    cache: bool | None = None
    retries: int | None = None


#: What `configure` set, for this process.
CONFIGURED: Final[list[RunDefaults]] = [RunDefaults()]


@contextmanager
def nothing_configured() -> Iterator[None]:
    """Begin a block without what `configure` set, and end it with that: what is set inside goes."""
    before, CONFIGURED[0] = CONFIGURED[0], RunDefaults()
    try:
        yield
    finally:
        CONFIGURED[0] = before


def environment_defaults(environ: Mapping[str, str] | None = None) -> RunDefaults:
    """Read the variables ``KITARU_STACK``, ``KITARU_IMAGE``, ``KITARU_CACHE``, ``KITARU_RETRIES``.

    One that is empty or blank counts as unset, so that a CI job may pass on what it does not have.

    Raises:
        UsageError: Values that make no sense: all of them.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    problems: list[str] = []
    for key, variable in _VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            values[key] = _read(key, text)
        except ValueError as error:
            problems.append(f"{variable}: {error}")
    return _made(values, problems, _VARIABLES)


def project_defaults(start: Path | None = None) -> RunDefaults:
    """Read ``[tool.kitaru]`` of the nearest ``pyproject.toml``.

    Raises:
        UsageError: The file is not TOML, the table has unknown keys, or values make no sense: all
            of them.
    """
    table, path = project_settings(start)
    given = {key: table[key] for key in _VARIABLES if key in table}
    return _made(given, [], {key: f"{path}: [tool.kitaru].{key}" for key in given})


def checked(values: Mapping[str, object], caller: str) -> RunDefaults:
    """Check what a call in a program gives; None is nothing.

    Args:
        values: By the names of the settings.
        caller: The call, as ``@flow``.

    Raises:
        UsageError: Values that make no sense: all of them.
    """
    given = {key: value for key, value in values.items() if value is not None}
    return _made(given, [], {key: f"{caller}({key}=)" for key in given})


def _made(
    values: Mapping[str, object], problems: Sequence[str], places: Mapping[str, str]
) -> RunDefaults:
    problems = list(problems)
    for key, value in values.items():
        if wrong := _wrong(key, value):
            problems.append(f"{places[key]}: {wrong}")
    if problems:
        raise UsageError("\n".join(problems), remedy=None)
    stack, image = values.get("stack"), values.get("image")
    cache, retries = values.get("cache"), values.get("retries")
    return RunDefaults(
        stack=stack.strip() if isinstance(stack, str) else None,
        image=image if isinstance(image, str | Mapping) else None,
        cache=cache if isinstance(cache, bool) else None,
        retries=retries if isinstance(retries, int) else None,
    )


def _wrong(key: str, value: object) -> str | None:
    """What is wrong with a value; None where nothing is."""
    if key == "stack" and not (isinstance(value, str) and value.strip()):
        return f"{value!r} is neither the name nor the id of a stack"
    if key == "cache" and not isinstance(value, bool):
        return f"{value!r} is not true or false"
    if key == "retries" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        return f"{value!r} is not a number from 0 on"
    if key == "image" and not isinstance(value, Mapping):
        if not isinstance(value, str):
            return f"a {type(value).__name__} is neither a base image nor the image's settings"
        if not value.strip():
            return "the base image is empty"
    return None


def _read(key: str, text: str) -> object:
    if key == "cache":
        if text.lower() not in _YES | _NO:
            raise ValueError(f"{text!r} is not one of true, false, yes, no, on, off, 1, 0")
        return text.lower() in _YES
    if key == "retries":
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
    if key == "image" and text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"it starts as JSON and is none: {error}") from None
    return text
