"""SQLite databases of the tests, which need not outlive the machine: no commit waits for the disk.

ZenML commits several times in each request, and a server of it for each key that it is shown; to
wait for the disk took half of a server's time. What a process has written is there for all others
without that, whatever becomes of the process.
"""

from __future__ import annotations

import sqlite3
from typing import Any

__all__ = ["PRAGMA", "in_no_haste"]

PRAGMA = "PRAGMA synchronous=OFF"


def in_no_haste() -> None:
    """Let no database that SQLAlchemy opens in this process, and in its forks, wait."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _connected):
        event.listen(Engine, "connect", _connected)


def _connected(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(PRAGMA)
