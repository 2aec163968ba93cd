"""Which backend holds the state of the engine that started this plugin.

The protocol does not say it. The order is the engine's own (`GetCurrentCloudURL` in its
`pkg/workspace/creds.go`): ``PULUMI_BACKEND_URL``, the project's ``backend``, the last login. Of the
file with the logins only the address is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["VARIABLES", "backend"]

#: What says it, beside the files in the current directory and in Pulumi's home.
VARIABLES = ("PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CREDENTIALS_PATH", "HOME")

_FILE = "file://"
_PROJECTS = ("Pulumi.yaml", "Pulumi.yml")


def backend() -> str:
    """The backend's address; empty where nothing says it."""
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        here = Path("/")
    project = _project(here)
    given = os.environ.get("PULUMI_BACKEND_URL") or _of_project(project) or _of_login(os.environ)
    if not given.startswith(_FILE):
        return given
    # One address is as many folders as there are projects that write it so.
    path = os.path.expanduser(given.removeprefix(_FILE))  # noqa: PTH111 - no home is no error
    return f"{_FILE}{(project.parent if project else here) / path}"


def _project(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        for name in _PROJECTS:
            if (parent / name).is_file():
                return parent / name
    return None


def _of_project(file: Path | None) -> str:
    if file is None:
        return ""
    from kitaru_iac.machine.settings import parse_yaml
    from kitaru_iac.machine.unreadable import UnreadableError

    try:
        place = parse_yaml(file.read_bytes(), file).get("backend")
    except (OSError, UnreadableError):
        return ""
    return str(place.get("url") or "") if isinstance(place, Mapping) else ""


def _of_login(environ: Mapping[str, str]) -> str:
    home = environ.get("PULUMI_HOME") or os.path.expanduser("~/.pulumi")  # noqa: PTH111
    home = environ.get("PULUMI_CREDENTIALS_PATH") or home
    try:
        found = json.loads((Path(home) / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(found.get("current") or "") if isinstance(found, dict) else ""
