"""How programs say which stack they mean."""

from __future__ import annotations

from kitaru_iac.errors import UsageError

__all__ = ["require_text"]


def require_text(*names_or_ids: object) -> None:
    """Refuse what is no name or id, before anything is looked at.

    Raises:
        UsageError: One is not text, as a list of names or None.
    """
    for given in names_or_ids:
        if not isinstance(given, str):
            raise UsageError(
                f"A stack is named by its name or id, which is text, not {type(given).__name__}",
                remedy="Give each as an argument of its own, as 'dev' or *names.",
            )
