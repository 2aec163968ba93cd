"""Which layer says what the active stack is, in words."""

from __future__ import annotations

__all__ = ["scope_words"]


def scope_words(scope: str, source: str) -> str:
    """The layer that answered, for a person.

    Args:
        scope: ``environment``, ``repository``, ``global`` or ``default``.
        source: The variable, directory or file.
    """
    return {
        "environment": f"the environment variable {source}",
        "repository": f"the directory {source}",
        "global": f"your own choice, in {source}",
        "default": "nobody: it is the default",
    }.get(scope, f"{scope} ({source})")
