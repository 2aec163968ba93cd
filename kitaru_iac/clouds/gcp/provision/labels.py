"""Whose what is made is: as labels, and where Google has none, as an account's description.

Service accounts have no labels (https://cloud.google.com/resource-manager/docs/labels-overview):
theirs stand in their description, which takes 256 bytes
(https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts).
"""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.clouds.names import slug
from kitaru_iac.errors import Problem
from kitaru_iac.patterns import compiled

__all__ = ["described", "labels", "read_description", "unfit_tags", "words"]

#: https://cloud.google.com/resource-manager/docs/labels-overview#requirements, less the letters of
#: other alphabets.
_KEY = compiled(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = compiled(r"[a-z0-9_-]{0,63}")
_MOST = 64


def labels(marks: Mapping[str, str]) -> dict[str, str]:
    """Marks as labels. What no label can hold is told apart by a few digits of its hash."""
    return _short(marks, 63)


def words(marks: Mapping[str, str]) -> dict[str, str]:
    """Marks as they stand in the description of an account, where there is less room."""
    return _short(marks, 48)


def _short(marks: Mapping[str, str], longest: int) -> dict[str, str]:
    return {
        key: text if _VALUE.fullmatch(text) and len(text) <= longest else slug(text, longest)
        for key, text in marks.items()
    }


def described(marks: Mapping[str, str], region: str) -> str:
    """The description of a service account that is made for a region."""
    return " ".join(f"{key}={text}" for key, text in {**words(marks), "region": region}.items())


def read_description(text: str) -> dict[str, str]:
    """The marks and the region in a service account's description; of another one, nothing."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def unfit_tags(tags: Mapping[str, str], own: int) -> list[Problem]:
    """The tags of `infrastructure` that cannot be labels.

    Args:
        tags: As they were given.
        own: How many labels stand beside them.
    """
    problems = []
    for key, text in tags.items():
        word = "key" if not _KEY.fullmatch(key) else "value" if not _VALUE.fullmatch(text) else None
        if word:
            problems.append(
                Problem(
                    f"infrastructure.tags.{key}",
                    f"`{key if word == 'key' else text}` cannot be the {word} of a label",
                    "on GCP tags are labels: lower-case letters, digits, `-` and `_`, at most 63 "
                    "characters, and a key begins with a letter",
                    "Write it so.",
                )
            )
    if len(tags) + own > _MOST:
        what = f"{len(tags)} tags are too many: with ours there are {len(tags) + own} labels"
        problems.append(Problem("infrastructure.tags", what, f"Google takes {_MOST}"))
    return problems
