"""AWS's models, megabytes of JSON, read once in a process.

botocore keeps them for a session, and every description that is looked at has a session of its own:
reading them anew, and collecting what was read, took a third of the time of tests that ask AWS.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import JSONFileLoader

__all__ = ["read_once"]

_read_file = JSONFileLoader.load_file


@functools.cache
def _existing(path: str) -> Any:
    return _read_file(JSONFileLoader(), path)


def _load_file(self: JSONFileLoader, path: str) -> Any:
    # What is not there may come: a folder of models in a home.
    return _existing(path) if self.exists(path) else None


def read_once() -> None:
    """Let all boto3 sessions of this process share what is read."""
    # The class, not `create_loader`: botocore's sessions have imported that function by its name.
    JSONFileLoader.load_file = _load_file
