"""Read a local ZenML store: its SQLite file, through the standard library, read-only.

Every answer is one snapshot of the file, and begins by looking at the version that wrote it. No
lock outlives an answer: a long listing is fetched in pieces, so that a reader which is slow to
consume it (a pager) keeps nobody from writing.
"""

from __future__ import annotations

import json
import sqlite3
from binascii import a2b_base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kitaru_iac.gateway.lookup import PREFIX_MATCHES, Stub, id_prefix
from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.order import role_rank
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import ComponentView, ConnectorView, StackView
from kitaru_iac.labels import APPLIED_LABEL, is_managed
from kitaru_iac.machine.active_scope import Named, canonical_id
from kitaru_iac.machine.local_database import FLAVORS
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["KNOWN_VERSIONS", "SqliteReader", "from_id", "from_mapping", "from_time", "to_key"]

#: What `alembic_version` holds in a database whose tables are the ones read here.
KNOWN_VERSIONS = frozenset(FLAVORS)

#: Seconds to wait for a writer.
_BUSY_TIMEOUT = 5.0
_PIECE = 1000

_STUB = "SELECT id, name, labels, created FROM stack"
_STACK = """
SELECT s.id, s.name, s.description, s.labels, s.environment, s.stack_spec_path, s.created,
       s.updated, u.name AS user_name
FROM stack s LEFT JOIN user u ON u.id = s.user_id
WHERE s.id = ?
"""
_COMPONENTS = """
SELECT c.id, c.name, c.type, c.flavor, c.configuration, c.labels, c.environment, c.connector_id,
       c.connector_resource_id, c.created, c.updated, u.name AS user_name,
       k.name AS connector_name, m.default_for_type
FROM stack_composition m
JOIN stack_component c ON c.id = m.component_id
LEFT JOIN user u ON u.id = c.user_id
LEFT JOIN service_connector k ON k.id = c.connector_id
WHERE m.stack_id = ?
"""
_CONNECTORS = """
SELECT DISTINCT k.id, k.name, k.connector_type, k.auth_method, k.resource_types, k.resource_id,
       k.configuration, k.labels, k.description, k.supports_instances, k.expires_at,
       k.expires_skew_tolerance, k.expiration_seconds, k.created, k.updated, u.name AS user_name
FROM stack_composition m
JOIN stack_component c ON c.id = m.component_id
JOIN service_connector k ON k.id = c.connector_id
LEFT JOIN user u ON u.id = k.user_id
WHERE m.stack_id = ?
ORDER BY k.name, k.id
"""
# Which secrets hang on the stack and on its components; never what is in them.
_SECRETS = """
SELECT r.resource_id, r.secret_id
FROM secret_resource r JOIN secret x ON x.id = r.secret_id
WHERE (r.resource_type = 'stack' AND r.resource_id = :stack)
   OR (r.resource_type = 'stack_component'
       AND r.resource_id IN (SELECT component_id FROM stack_composition WHERE stack_id = :stack))
ORDER BY x.name
"""


class SqliteReader(BaseReader):
    """Reads a ZenML database file.

    Args:
        path: The file. It has to exist.
        named: What names the active stack.

    Raises:
        UnreadableError: It is no such file, or another version of ZenML wrote it.
    """

    def __init__(self, path: Path, named: Named) -> None:
        super().__init__(named)
        uri = f"{path.absolute().as_uri()}?mode=ro"
        try:
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise UnreadableError(f"{path}: {error}") from error
        self._connection.row_factory = sqlite3.Row
        try:
            with self._snapshot():
                pass
        except UnreadableError:
            self.close()
            raise

    def close(self) -> None:
        """See `Reader.close`."""
        self._connection.close()

    def count(self, name: str | None = None) -> int:
        """See `Reader.count`."""
        where, values = _name_filter(name)
        with self._snapshot() as ask:
            found = ask.execute(f"SELECT count(*) FROM stack{where}", values)  # noqa: S608
            return int(found.fetchone()[0])

    # -- what a way of reading answers -----------------------------------------------------------

    def _look_up(self, ref: str) -> Sequence[Stub]:
        query = f"{_STUB} WHERE name = ?"
        values: list[Any] = [ref]
        if prefix := id_prefix(ref):
            # A range instead of LIKE: the primary key answers it. `g` follows all digits.
            others = f"{_STUB} WHERE id >= ? AND id < ? AND name <> ? LIMIT ?"
            query += f" UNION ALL SELECT * FROM ({others})"  # noqa: S608 - constants
            values += [prefix, prefix + "g", ref, PREFIX_MATCHES]
        with self._snapshot() as ask:
            return [_stub(row) for row in ask.execute(query, values)]

    def _by_id(self, id: str) -> Stub | None:
        with self._snapshot() as ask:
            row = ask.execute(f"{_STUB} WHERE id = ?", [to_key(id)]).fetchone()
        return _stub(row) if row else None

    def _chunks(self, page: int | None, size: int, name: str | None) -> Iterator[Sequence[Stub]]:
        where, values = _name_filter(name)
        if page is not None:
            query = f"{_STUB}{where} ORDER BY created, id LIMIT ? OFFSET ?"
            with self._snapshot() as ask:
                rows = ask.execute(query, [*values, size, (page - 1) * size])
                stubs = [_stub(row) for row in rows]
            yield stubs
            return
        after = f"{where} {'AND' if where else 'WHERE'} (created, id) > (?, ?)"
        query = f"{_STUB}{after} ORDER BY created, id LIMIT {_PIECE}"
        last: tuple[str, str] = ("", "")
        while True:
            with self._snapshot() as ask:
                piece = ask.execute(query, [*values, *last]).fetchall()
                stubs = [_stub(row) for row in piece]
            yield stubs
            if len(piece) < _PIECE:
                return
            last = (piece[-1]["created"], piece[-1]["id"])

    def _page(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        query = f"{_STUB} ORDER BY created, id LIMIT ? OFFSET ?"
        with self._snapshot() as ask:
            stubs = [_stub(row) for row in ask.execute(query, [size, (number - 1) * size])]
            total = int(ask.execute("SELECT count(*) FROM stack").fetchone()[0])
        return stubs, total

    def _names(self, prefix: str, limit: int | None) -> list[str]:
        query = "SELECT name FROM stack WHERE substr(name, 1, ?) = ? ORDER BY name LIMIT ?"
        with self._snapshot() as ask:
            rows = ask.execute(query, [len(prefix), prefix, -1 if limit is None else limit])
            return [row["name"] for row in rows]

    def _view(self, stub: Stub, is_active: bool) -> StackView:
        key = to_key(stub.id)
        with self._snapshot() as ask:
            stack = ask.execute(_STACK, [key]).fetchone()
            components = ask.execute(_COMPONENTS, [key]).fetchall()
            connectors = ask.execute(_CONNECTORS, [key]).fetchall()
            links = ask.execute(_SECRETS, {"stack": key}).fetchall()
            if stack is None:
                raise UnreadableError(f"the stack {stub.name} was deleted meanwhile")
            secrets: dict[str, list[str]] = {}
            for link in links:
                secrets.setdefault(link["resource_id"], []).append(from_id(link["secret_id"]))
            components.sort(key=_component_order)
            return StackView(
                id=stub.id,
                name=stack["name"],
                description=stack["description"] or "",
                labels=from_mapping(stack["labels"]),
                is_active=is_active,
                is_managed=is_managed(from_mapping(stack["labels"])),
                components=tuple(_component(row, secrets.get(row["id"], [])) for row in components),
                connectors=tuple(_connector(row) for row in connectors),
                environment=masked(from_mapping(stack["environment"])),
                secrets=tuple(secrets.get(key, [])),
                spec_path=stack["stack_spec_path"],
                created=from_time(stack["created"]),
                updated=from_time(stack["updated"]),
                user=stack["user_name"],
            )

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """One consistent state of the file, written by a known version; unlocked afterwards."""
        connection = self._connection
        try:
            connection.execute("BEGIN")
            try:
                versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
                if len(versions) != 1 or versions[0][0] not in KNOWN_VERSIONS:
                    found = ", ".join(str(row[0]) for row in versions) or "none"
                    raise UnreadableError(f"the database's version is not a known one: {found}")
                yield connection
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise UnreadableError(f"the database cannot be read: {error}") from error
        except (ValueError, TypeError) as error:
            raise UnreadableError(f"the database holds what is not known: {error}") from error


def _name_filter(name: str | None) -> tuple[str, list[Any]]:
    return (" WHERE instr(lower(name), lower(?)) > 0", [name]) if name else ("", [])


def to_key(id: str) -> str:
    """An id as the database writes it."""
    return id.replace("-", "")


def from_id(key: str) -> str:
    """An id as everybody else writes it."""
    uuid = canonical_id(key)
    if uuid is None:
        raise UnreadableError(f"{key!r} is not an id")
    return uuid


def _stub(row: sqlite3.Row) -> Stub:
    labels = from_mapping(row["labels"])
    recorded = APPLIED_LABEL in labels
    return Stub(from_id(row["id"]), row["name"], is_managed(labels), is_recorded=recorded)


def _json(value: bytes | None) -> object:
    """ZenML keeps mappings as base64 of JSON."""
    return json.loads(a2b_base64(value)) if value else None


def from_mapping(value: bytes | None) -> dict[str, Any]:
    """A mapping as ZenML keeps it; nothing is an empty one."""
    content = _json(value)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UnreadableError("the database holds no mapping where one is expected")
    return content


def _from_list(value: bytes | None) -> tuple[str, ...]:
    content = _json(value)
    if not isinstance(content, list):
        raise UnreadableError("the database holds no list where one is expected")
    return tuple(content)


def from_time(value: str) -> datetime:
    """A time, which ZenML keeps in UTC."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _component_order(row: sqlite3.Row) -> tuple[Any, ...]:
    return (*role_rank(row["type"]), row["default_for_type"] is None, row["name"], row["id"])


def _component(row: sqlite3.Row, secrets: Sequence[str]) -> ComponentView:
    return ComponentView(
        role_type=row["type"],
        id=from_id(row["id"]),
        name=row["name"],
        flavor=row["flavor"],
        configuration=masked(from_mapping(row["configuration"])),
        labels=from_mapping(row["labels"]),
        environment=masked(from_mapping(row["environment"])),
        secrets=tuple(secrets),
        connector_id=from_id(row["connector_id"]) if row["connector_id"] else None,
        connector_name=row["connector_name"],
        connector_resource_id=row["connector_resource_id"],
        created=from_time(row["created"]),
        updated=from_time(row["updated"]),
        user=row["user_name"],
    )


def _connector(row: sqlite3.Row) -> ConnectorView:
    return ConnectorView(
        id=from_id(row["id"]),
        name=row["name"],
        type=row["connector_type"],
        auth_method=row["auth_method"],
        resource_types=_from_list(row["resource_types"]),
        resource_id=row["resource_id"],
        configuration=masked(from_mapping(row["configuration"])),
        labels=from_mapping(row["labels"]),
        description=row["description"],
        supports_instances=bool(row["supports_instances"]),
        expires_at=from_time(row["expires_at"]) if row["expires_at"] else None,
        expires_skew_tolerance=row["expires_skew_tolerance"],
        expiration_seconds=row["expiration_seconds"],
        created=from_time(row["created"]),
        updated=from_time(row["updated"]),
        user=row["user_name"],
    )
