"""What every code host offers a job, in words of none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kitaru_iac.patterns import compiled

__all__ = ["Host", "Note", "Outcome", "Proposal", "is_marked", "marked"]

_KEY = compiled(r"[a-zA-Z0-9][a-zA-Z0-9._/-]{0,99}")


class Outcome(StrEnum):
    """What became of a comment or an issue."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The pull request or merge request that a job runs for.

    Attributes:
        number: As people write it after ``#`` or ``!``.
        is_fork: Whether its commits come from another repository: then no secret may be used, and
            the job's token cannot write.
    """

    number: int
    is_fork: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A comment or an issue that this identity wrote, and nobody else has edited.

    Attributes:
        id: The host's own, to change it by.
        body: Its text, with the marker.
        is_open: Whether it is open; a comment always is.
    """

    id: str
    body: str
    is_open: bool = True


class Host(Protocol):
    """A code host, as seen from a job that runs there.

    Every call raises `HostError` where the host does not do it.
    """

    @property
    def name(self) -> str:
        """Give its name, for messages."""

    @property
    def proposal(self) -> Proposal | None:
        """Give the request that the job runs for; None for a job of a branch."""

    @property
    def commit(self) -> str | None:
        """Give the commit that the job runs on; None where the host does not say it."""

    def merged(self) -> Proposal | None:
        """Find the request by whose merge the job's commit came; None where it came by none."""

    def merged_since(self, number: int) -> Iterator[int]:
        """List what was merged into a request's branch since that was: the last changed first."""

    def descends(self, commit: str, older: str) -> bool:
        """Say whether a commit has another one in its history; it is not one of its own."""

    def notes(self, key: str, number: int) -> list[Note]:
        """List our comments on a request that prove what a job wrote, the oldest first."""

    def comment(self, key: str, body: str, number: int, *, is_news: bool = True) -> Outcome:
        """Put the one comment with this key on a request: edited in place, never a second one.

        Args:
            key: Tells it from our other comments.
            body: Markdown. The marker is put in front.
            number: The request's.
            is_news: Whether one is made where none is yet; else only an old one is brought up to
                date.
        """

    def issue(self, key: str, title: str, body: str, *, is_open: bool) -> Outcome:
        """Keep the one issue with this key: opened, brought up to date, reopened, or closed."""

    def summary(self, body: str) -> None:
        """Show Markdown on the page of the run, where the host has one."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Hand values on to the later steps or jobs, where the host has a way."""

    def counts(self, create: int, update: int, delete: int) -> None:
        """Show how many things change in the host's own widget, where it has one."""


def marked(key: str, body: str) -> str:
    """Put the marker before a body, by which `is_marked` knows it again.

    Raises:
        ValueError: The key has other characters than letters, digits and ``._/-``, or over 100.
    """
    if not _KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"not a key: {key!r}")
    return f"<!-- kitaru-iac: {key} -->\n{body}"


def is_marked(body: str, key: str) -> bool:
    """Say whether a text begins with the marker; one that only quotes it does not."""
    return body.replace("\r\n", "\n").startswith(marked(key, ""))
