"""What a project says for all its commands: ``[tool.kitaru]`` of the nearest ``pyproject.toml``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitaru_iac.errors import UsageError
from kitaru_iac.files import read_small, reason
from kitaru_iac.machine.files import here

__all__ = ["description_defaults", "project_settings"]

#: The keys that are defaults for descriptions.
_OF_DESCRIPTIONS = ("infra",)
#: Those about runs: see `run_defaults`.
_OF_RUNS = ("stack", "image", "cache", "retries")
#: Those of `kitaru` 0.21, which mean nothing here and are no mistake.
_OTHERS = ("llm_estimated_costs", "project", "server_url", "auth_token")
_OURS = (*_OF_DESCRIPTIONS, *_OF_RUNS)
#: Bytes of a pyproject.toml.
_MOST_BYTES = 2**22


def project_settings(start: Path | None = None) -> tuple[Mapping[str, Any], Path | None]:
    """The table, and the file it stands in; empty where no file has one.

    Args:
        start: Where to look first, then upwards; the current directory if None.

    Raises:
        UsageError: The nearest file cannot be read or is not TOML, the table is none, or it has
            unknown keys.
    """
    begin = Path(os.path.realpath(start or here()))
    for folder in (begin, *begin.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        import tomllib

        try:
            content = tomllib.loads(read_small(path, _MOST_BYTES).decode())
        except OSError as error:
            raise UsageError(
                "The file cannot be read", where=str(path), why=reason(error)
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError("The file is not TOML", where=str(path), why=str(error)) from error
        tools = content.get("tool", {})
        table = tools.get("kitaru", {}) if isinstance(tools, dict) else None
        if not isinstance(table, dict):
            raise UsageError("[tool.kitaru] is not a table", where=str(path))
        _require_known(table, path)
        return table, path
    return {}, None


def description_defaults(start: Path | None = None) -> dict[str, Any]:
    """The project's own defaults for descriptions of stacks."""
    table, _ = project_settings(start)
    return {key: table[key] for key in _OF_DESCRIPTIONS if key in table}


def _require_known(table: Mapping[str, Any], path: Path) -> None:
    unknown = [key for key in table if key not in (*_OURS, *_OTHERS)]
    if not unknown:
        return
    from difflib import get_close_matches

    lines = []
    for key in unknown:
        near = get_close_matches(key, _OURS, n=1)
        lines.append(f"there is no key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    raise UsageError(
        f"[tool.kitaru]: {', '.join(lines)}",
        where=str(path),
        why=f"The keys are {', '.join(_OURS)}.",
    )
