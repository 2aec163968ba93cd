"""What the shell offers when a person presses Tab. Fast, and never an error."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from threading import Thread
from typing import Final

__all__ = ["clouds", "infra_modes", "stack_names", "stack_types", "yaml_files"]


#: Seconds for which a person who pressed Tab waits for a store.
_PATIENCE: Final = 1.5


def stack_names(incomplete: str) -> list[str]:
    """The names of stacks in the store that begin like this: none where it does not answer soon."""
    found: list[str] = []

    def look() -> None:
        from kitaru_iac.machine.environment import apply_environment

        # Whatever is wrong, a person is in the middle of typing.
        with suppress(Exception):
            apply_environment()
            from kitaru_iac.gateway import complete

            found.extend(complete(incomplete))

    looking = Thread(target=look, daemon=True)  # the process ends without it
    looking.start()
    looking.join(_PATIENCE)
    return list(found)


def stack_types(incomplete: str) -> list[str]:
    """The types of stacks."""
    from kitaru_iac.spec.kinds import StackType

    return _starting(incomplete, StackType)


def infra_modes(incomplete: str) -> list[str]:
    """The ways to treat the infrastructure."""
    from kitaru_iac.spec.kinds import InfraMode

    return _starting(incomplete, InfraMode)


def clouds(incomplete: str) -> list[str]:
    """The clouds."""
    from kitaru_iac.spec.kinds import Cloud

    return _starting(incomplete, Cloud)


def yaml_files(incomplete: str) -> list[str]:
    """YAML files and directories here."""
    from pathlib import Path

    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    names = [f"{path}/" if path.is_dir() else str(path) for path in found]
    return [
        name
        for name in names
        if name.startswith(incomplete) and name.endswith((".yaml", ".yml", "/"))
    ]


def _starting(incomplete: str, words: type[StrEnum]) -> list[str]:
    return [word.value for word in words if word.startswith(incomplete)]
