"""ZenML's migrations, hundreds of files, read once in a process.

Whenever ZenML opens a local store, alembic reads them all, to find that none is to be run: half the
time of a command that registers a stack. What they say of each other never changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

__all__ = ["read", "read_once"]

_from_config = ScriptDirectory.from_config
_all_current = ScriptDirectory.get_all_current
_made: dict[str | None, ScriptDirectory] = {}
_current: dict[tuple[int, Any], frozenset[Script]] = {}


def _shared(_: type[ScriptDirectory], config: Config) -> ScriptDirectory:
    place = config.get_main_option("script_location")
    if place not in _made:
        _made[place] = _from_config(config)
    return _made[place]


def _current_once(self: ScriptDirectory, revisions: Any) -> set[Script]:
    key = (id(self), revisions if isinstance(revisions, str) else tuple(revisions))
    if key not in _current:
        _current[key] = frozenset(_all_current(self, revisions))
    return set(_current[key])


def read_once() -> None:
    """Let all stores that this process opens share what is read."""
    ScriptDirectory.from_config = classmethod(_shared)
    ScriptDirectory.get_all_current = _current_once


def read() -> None:
    """Read them, and which are done in a store of this ZenML."""
    import zenml.zen_stores.migrations.alembic as zenml

    config = Config()
    config.set_main_option("script_location", str(Path(zenml.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    scripts.get_all_current(tuple(scripts.get_heads()))
