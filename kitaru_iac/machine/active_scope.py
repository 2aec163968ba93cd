"""Which stack is named as the active one, and by what, in ZenML's order of precedence.

The rules are those of `zenml.client.Client` (0.98): the variable ``ZENML_ACTIVE_STACK_ID``; the
nearest repository (``ZENML_REPOSITORY_PATH``, else a directory with ``.zen`` from here upwards);
the global configuration file. A repository that names no stack stands for the default stack, not
for the global one. Stacks belong to no project, so the active project changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import CONFIG_FILE, read_repository
from kitaru_iac.values import dataclass

__all__ = [
    "ACTIVE_STACK_VARIABLE",
    "Named",
    "Scope",
    "blocks",
    "bound_ids",
    "canonical_id",
    "named_project",
    "named_stack",
    "outside",
    "overriding",
    "repository",
    "repository_config",
    "unbound",
]

ACTIVE_STACK_VARIABLE = "ZENML_ACTIVE_STACK_ID"
#: Names no active stack, and the one that runs use all the same.
_RUN_VARIABLE = "KITARU_STACK"

#: The stacks of the blocks (`kitaru_iac.stack`) in this process, which the variable then names.
blocks: Final[list[str]] = []
#: The stacks of blocks and of runs: while there is one, ZenML here keeps to the store that it has.
bound_ids: Final[list[str]] = []
#: The variable as it was before the first of them, where it was set.
outside: Final[dict[str, str]] = {}

#: What says which stack is active, strongest first.
Scope = Literal["environment", "repository", "global", "default"]


@dataclass(frozen=True, slots=True)
class Named:
    """What names the active stack.

    Attributes:
        ref: The id as written there (the variable may hold a name too); None where it names none.
        scope: Which layer it is.
        source: The variable, the repository's directory, or the configuration file.
    """

    ref: str | None
    scope: Scope
    source: str

    @property
    def id(self) -> str | None:
        """`ref`, where it is an id."""
        return canonical_id(self.ref) if self.ref else None


def named_stack(config: Mapping[str, Any], environ: Mapping[str, str]) -> Named:
    """What names the active stack of this directory and environment.

    Args:
        config: The global configuration file's content.
        environ: The environment variables.

    Raises:
        SettingsDamaged: The repository's configuration is empty or cut off, or cannot be read.
    """
    if ref := environ.get(ACTIVE_STACK_VARIABLE):
        return Named(ref, "environment", ACTIVE_STACK_VARIABLE)
    root = repository(environ)
    if root is not None:
        ref = read_repository(repository_config(root, environ)).get("active_stack_id")
        return Named(str(ref) if ref else None, "repository", str(root))
    ref = config.get("active_stack_id")
    return Named(str(ref) if ref else None, "global", str(config_home() / CONFIG_FILE))


def named_project(config: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The id of the project that is active where no variable names one; None where none is named.

    A repository that names none stands for the global one, otherwise than with stacks.

    Args:
        config: The global configuration file's content.
        environ: The environment variables.

    Raises:
        SettingsDamaged: As `named_stack`.
    """
    root = repository(environ)
    here = read_repository(repository_config(root, environ)) if root is not None else {}
    ref = here.get("active_project_id") or config.get("active_project_id")
    return str(ref) if ref else None


def overriding(id: str, name: str, environ: Mapping[str, str]) -> str | None:
    """The variable for which runs from this shell use another stack than the one chosen; or None.

    Args:
        id: The chosen stack's id, and
        name: its name.
        environ: The environment variables.
    """
    for variable in (ACTIVE_STACK_VARIABLE, _RUN_VARIABLE):
        ref = environ.get(variable, "").strip()
        if ref and ref != name and canonical_id(ref) != id:
            return variable
    return None


def unbound(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment as it is when this process has left its blocks and runs."""
    if not bound_ids:
        return environ
    others = {name: text for name, text in environ.items() if name != ACTIVE_STACK_VARIABLE}
    return {**others, **outside}


def repository(environ: Mapping[str, str]) -> Path | None:
    """The root of the ZenML repository that this process is in; None outside of any."""
    name = _directory_name(environ)
    if given := environ.get("ZENML_REPOSITORY_PATH"):
        path = Path(given)
        return path.resolve() if (path / name).is_dir() else None
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the directory was removed under us
        return None
    return next((path.resolve() for path in (here, *here.parents) if (path / name).is_dir()), None)


def repository_config(root: Path, environ: Mapping[str, str]) -> Path:
    """A repository's configuration file. It may not exist yet."""
    return root / _directory_name(environ) / CONFIG_FILE


def canonical_id(text: str) -> str | None:
    """A UUID in its usual form, with hyphens and in lower case; None for any other text."""
    digits = text.strip().replace("-", "").lower()
    if len(digits) != 32 or not all(digit in "0123456789abcdef" for digit in digits):
        return None
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _directory_name(environ: Mapping[str, str]) -> str:
    return environ.get("ZENML_REPOSITORY_DIRECTORY_NAME") or ".zen"
