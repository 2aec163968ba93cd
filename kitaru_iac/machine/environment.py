"""Our environment variables that are ZenML's under another name."""

from __future__ import annotations

import os

__all__ = ["apply_environment"]

_SAME = (("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH"),)


def apply_environment() -> None:
    """Give ZenML its own variables from ours. ZenML reads some of them when it is imported."""
    for ours, theirs in _SAME:
        value = os.environ.get(ours, "").strip()
        if value:
            os.environ[theirs] = value
