"""What hosts say of commits and requests, read with its types checked."""

from __future__ import annotations

from datetime import UTC, datetime

from kitaru_iac.patterns import compiled

__all__ = ["commit_in", "number_in", "time_in"]

_COMMIT = compiled(r"[0-9a-f]{40,64}")


def commit_in(text: str) -> str | None:
    """Give a commit's full hash; None for any other text."""
    return text if _COMMIT.fullmatch(text) else None


def number_in(document: object, key: str) -> int | None:
    """Give the whole number under a key; None where there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def time_in(document: object, key: str) -> datetime | None:
    """Give the time under a key, as ISO 8601 says it; None where there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    try:
        told = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None
    return told if told is None or told.tzinfo is not None else told.replace(tzinfo=UTC)
