"""What the shell offers when a person presses Tab. Fast, and never an error."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["clouds", "infra_modes", "stack_names", "stack_types", "yaml_files"]


def stack_names(incomplete: str) -> list[str]:
    """The names of stacks in the store that begin like this."""
    from kitaru_iac.machine.environment import apply_environment

    try:
        apply_environment()
        from kitaru_iac.gateway import complete

        return complete(incomplete)
    except Exception:  # noqa: BLE001 - whatever is wrong, a person is in the middle of typing
        return []


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
