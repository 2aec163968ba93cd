"""Where this machine keeps what ZenML and this project remember between runs.

Both share one directory, so that `zenml` and `kitaru` see one world.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kitaru_iac.errors import SettingsUnreadable

__all__ = ["application_directory", "config_home", "engine_home"]


def config_home() -> Path:
    """The configuration directory. It may not exist yet.

    It is `$KITARU_CONFIG_PATH`, else `$ZENML_CONFIG_PATH`, else ZenML's own default. The last two
    follow `zenml.utils.io_utils.get_global_config_directory`, without importing ZenML. Where
    another distribution moves it, `machine.environment.apply_environment` has set the variable.
    """
    ours = os.environ.get("KITARU_CONFIG_PATH", "").strip()
    chosen = ours or os.environ.get("ZENML_CONFIG_PATH")
    if chosen:
        # A link that leads to nothing, or around in a loop, stays one: its reader refuses it.
        is_there = os.path.exists(chosen)  # noqa: PTH110 - pathlib raises for a name too long
        return Path(os.path.realpath(chosen)) if is_there else Path(chosen).absolute()
    return application_directory("zenml")


def engine_home() -> Path:
    """The directory of the Pulumi engines that this project installed itself."""
    return config_home() / "pulumi"


def application_directory(name: str) -> Path:
    """What `click.get_app_dir` says on POSIX, without the time that importing click takes.

    Raises:
        SettingsUnreadable: There is no home. ZenML would take a folder of the name ``~`` for it.
    """
    folder = os.environ.get("XDG_CONFIG_HOME", "~/.config")
    if sys.platform == "darwin":
        folder = "~/Library/Application Support"
    try:
        return Path(folder).expanduser() / name
    except RuntimeError as error:
        raise SettingsUnreadable(
            "Where ZenML's settings are cannot be told",
            why="HOME is not set, and the system knows no home of this user",
            remedy="Set HOME, or KITARU_CONFIG_PATH to a folder for them.",
        ) from error
