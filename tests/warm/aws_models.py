"""AWS's models, megabytes of JSON in hundreds of folders, found and read once in a process.

botocore keeps them for a session, and every description that is looked at has a session of its own:
reading them anew, and collecting what was read, took a third of the time of tests that ask AWS.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

__all__ = ["read_once"]

_read_file = JSONFileLoader.load_file
_list_services = Loader.list_available_services
_listed: dict[tuple[str, ...], list[str]] = {}


@functools.cache
def _existing(path: str) -> Any:
    return _read_file(JSONFileLoader(), path)


def _load_file(self: JSONFileLoader, path: str) -> Any:
    # What is not there may come: a folder of models in a home.
    return _existing(path) if self.exists(path) else None


def _services(self: Loader, type_name: str) -> list[str]:
    """Which services there are: for the first client of each session botocore asks every folder."""
    there = tuple(path for path in self.search_paths if Path(path).is_dir())
    known = _listed.get((type_name, *there))
    if known is None:
        known = _listed[type_name, *there] = _list_services(self, type_name)
    return known


def read_once() -> None:
    """Let all boto3 sessions of this process share what is read."""
    # The class, not `create_loader`: botocore's sessions have imported that function by its name.
    JSONFileLoader.load_file = _load_file
    Loader.list_available_services = _services
