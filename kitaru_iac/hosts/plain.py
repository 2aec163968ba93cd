"""No code host: a job of another CI, or a shell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitaru_iac.hosts.model import Note, Outcome, Proposal

__all__ = ["NoHost"]


class NoHost:
    """Where nobody is there to be told; see `Host`."""

    name = "no code host"
    proposal: Proposal | None = None
    commit: str | None = None

    def merged(self) -> Proposal | None:
        """See `Host.merged`: none."""
        return None

    def merged_since(self, number: int) -> Iterator[int]:
        """See `Host.merged_since`: none."""
        del number
        return iter(())

    def descends(self, commit: str, older: str) -> bool:
        """See `Host.descends`: nobody knows of it."""
        del commit, older
        return False

    def notes(self, key: str, number: int) -> list[Note]:
        """See `Host.notes`: none."""
        del key, number
        return []

    def comment(self, key: str, body: str, number: int, *, is_news: bool = True) -> Outcome:
        """See `Host.comment`: none."""
        del key, body, number, is_news
        return Outcome.NONE

    def issue(self, key: str, title: str, body: str, *, is_open: bool) -> Outcome:
        """See `Host.issue`: none."""
        del key, title, body, is_open
        return Outcome.NONE

    def summary(self, body: str) -> None:
        """See `Host.summary`: nowhere."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """See `Host.outputs`: nowhere."""

    def counts(self, create: int, update: int, delete: int) -> None:
        """See `Host.counts`: nowhere."""
