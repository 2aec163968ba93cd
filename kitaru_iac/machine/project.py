"""What a project says for all its commands: ``[tool.kitaru]`` of the nearest ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitaru_iac.errors import UsageError

__all__ = ["description_defaults", "project_settings"]

#: The keys that are defaults for descriptions. Others, as `stack`, are about runs.
_OF_DESCRIPTIONS = ("infra",)


def project_settings(start: Path | None = None) -> tuple[Mapping[str, Any], Path | None]:
    """The table, and the file it stands in; empty where no file has one.

    Args:
        start: Where to look first, then upwards; the current directory if None.

    Raises:
        UsageError: The nearest file is not TOML, or the table is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        import tomllib

        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError("The file is not TOML", where=str(path), why=str(error)) from error
        table = content.get("tool", {}).get("kitaru", {})
        if not isinstance(table, dict):
            raise UsageError("[tool.kitaru] is not a table", where=str(path))
        return table, path
    return {}, None


def description_defaults(start: Path | None = None) -> dict[str, Any]:
    """The project's own defaults for descriptions of stacks."""
    table, _ = project_settings(start)
    return {key: table[key] for key in _OF_DESCRIPTIONS if key in table}
