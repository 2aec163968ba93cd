"""Writes that are interrupted: by a signal before or after any one of them."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

WRITES = (
    *("create_stack", "create_component", "create_connector"),
    *("update_stack", "update_component", "update_connector", "delete"),
)


class Around:
    """A gateway that does something before or after one of its writes.

    Args:
        inner: The gateway that is asked.
        at: Which write, from 0; none of them where it is None.
        after: Whether the write was made by then.
        strike: What is done.

    Attributes:
        count: How many writes there were.
    """

    def __init__(
        self,
        inner: Any,
        at: int | None = None,
        *,
        after: bool = False,
        strike: Callable[[], object] = lambda: signal.raise_signal(signal.SIGINT),
    ) -> None:
        self.inner = inner
        self.at = at
        self.after = after
        self.strike = strike
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in WRITES:
            return found

        def write(*arguments: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if number == self.at and not self.after:
                self.strike()
            result = found(*arguments)
            if number == self.at and self.after:
                self.strike()
            return result

        return write


def contents(gateway: Any) -> dict[str, list[Any]]:
    """All that a store holds, without ids and times."""
    from kitaru_iac.gateway.documents import Where

    everything = Where()
    links = {doc.id: doc for doc in gateway.connectors(everything)}
    parts = {doc.id: doc for doc in gateway.components(everything)}
    return {
        "stacks": sorted(
            (
                s.name,
                sorted(s.labels.items()),
                sorted((m.name, k) for k in s.members for m in s.members[k]),
            )
            for s in gateway.stacks(everything)
        ),
        "components": sorted(
            (
                c.type,
                c.name,
                c.flavor,
                sorted(c.labels.items()),
                str(sorted(c.configuration.items())),
                links[c.connector_id].name if c.connector_id else "",
                c.connector_resource_id or "",
            )
            for c in parts.values()
        ),
        "connectors": sorted(
            (
                c.name,
                c.type,
                c.auth_method,
                sorted(c.labels.items()),
                str(sorted(c.configuration.items())),
                sorted((k, str(v)) for k, v in secrets_of(gateway, c.id).items()),
            )
            for c in links.values()
        ),
        "secrets": sorted(secret.name for secret in gateway.orphaned_secrets()),
    }


def secrets_of(gateway: Any, id: str) -> dict[str, Any]:
    return dict(gateway.connector_with_secrets(id).secrets)


def rows(database: Path) -> dict[str, list[str]]:
    """The names of what a store's file holds beside the default stack, by table."""
    found = {}
    with closing(sqlite3.connect(database, timeout=30)) as db:
        for table in ("stack", "stack_component", "service_connector", "secret"):
            names = [name for (name,) in db.execute(f"SELECT name FROM {table}")]
            found[table] = sorted(name for name in names if name != "default")
    return found
