"""The local store: its file is read directly, and ZenML is imported when something is written.

Most of what a command does with a local store is to look, and ZenML takes seconds to import. What
only ZenML can answer (secrets, what a flavor says against a configuration) is asked of it as well.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Final

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    FlavorDoc,
    Member,
    OrphanedSecret,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.secret_names import connector_part, secret_part
from kitaru_iac.gateway.sqlite import KNOWN_VERSIONS, from_id, from_mapping, from_time, to_key
from kitaru_iac.machine.local_database import examine
from kitaru_iac.machine.packages import version as installed_version
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["LocalGateway"]

#: Seconds to wait for a writer.
_BUSY_TIMEOUT: Final = 5.0

_STACKS = "SELECT t.id, t.name, t.description, t.labels, t.updated FROM stack t"
_MEMBERS = """
SELECT m.stack_id, c.id, c.name, c.type
FROM stack_composition m JOIN stack_component c ON c.id = m.component_id
WHERE m.stack_id IN ({})
ORDER BY m.default_for_type IS NULL, c.created, c.id
"""
_COMPONENTS = """
SELECT t.id, t.type, t.name, t.flavor, t.configuration, t.labels, t.connector_id,
       t.connector_resource_id, t.updated
FROM stack_component t
"""
_CONNECTORS = """
SELECT t.id, t.name, t.connector_type, t.auth_method, t.configuration, t.labels, t.updated
FROM service_connector t
"""
_FLAVORS = "SELECT type, name, config_schema FROM flavor WHERE name IN"
_SECRETS = """
SELECT id, name FROM secret
WHERE internal = 1 AND name LIKE 'connector-%'
  AND id NOT IN (SELECT secret_id FROM service_connector WHERE secret_id IS NOT NULL)
"""


class LocalGateway(InProcess):
    """The local store of this machine. Implements `Gateway`.

    What is not here is done as in any store through ZenML's client, which is then opened.
    """

    def __init__(self, path: Path, version: str) -> None:
        super().__init__(path)
        self._path = path
        self._version = version

    @classmethod
    def at(cls, path: Path) -> LocalGateway:
        """Look at a database that is whole, and of the ZenML that is installed here.

        Raises:
            UnreadableError: It is not: ZenML has to open it, which may make it, or is kept from it.
        """
        look = examine(path)
        if look.state != "whole" or look.version not in KNOWN_VERSIONS:
            raise UnreadableError(f"the database {path} is {look.state}, of {look.version}")
        try:
            here = installed_version("zenml")
        except PackageNotFoundError as error:
            raise UnreadableError("ZenML is not installed here") from error
        if here != look.version:
            raise UnreadableError(f"the database is of ZenML {look.version}, here is {here}")
        return cls(path, look.version)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file. Each has a connection of its own: any thread may ask."""
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT)) as opened:
                opened.row_factory = sqlite3.Row
                opened.execute("BEGIN")
                yield opened
        except (sqlite3.Error, ValueError, TypeError, UnreadableError) as error:
            raise NotConnectedError(
                "The local store cannot be read", where=str(self._path), why=str(error)
            ) from error

    # -- the store -------------------------------------------------------------------------------

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        return StorePlace("local", redaction.url(f"sqlite:///{self._path}"), True)

    @cached_property
    def version(self) -> str:
        """See `Reads.version`."""
        return self._version

    @cached_property
    def _is_local(self) -> bool:
        return True

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        more = []
        if where.uses_component is not None:
            query = "t.id IN (SELECT stack_id FROM stack_composition WHERE component_id = ?)"
            more.append((query, where.uses_component))
        with self._reading() as database:
            rows = _found(database, _STACKS, where, more)
            members: dict[str, dict[str, list[Member]]] = {row["id"]: {} for row in rows}
            marks = ", ".join("?" * len(members))
            for part in database.execute(_MEMBERS.format(marks), list(members)):
                of_kind = members[part["stack_id"]].setdefault(part["type"], [])
                of_kind.append(Member(from_id(part["id"]), part["name"]))
            return [
                StackDoc(
                    id=from_id(row["id"]),
                    name=row["name"],
                    labels=_labels(row),
                    members={kind: tuple(parts) for kind, parts in members[row["id"]].items()},
                    updated=from_time(row["updated"]),
                    description=row["description"] or "",
                )
                for row in rows
            ]

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        more = []
        if where.in_stack is not None:
            query = "t.id IN (SELECT component_id FROM stack_composition WHERE stack_id = ?)"
            more.append((query, where.in_stack))
        if where.uses_connector is not None:
            more.append(("t.connector_id = ?", where.uses_connector))
        with self._reading() as database:
            return [
                ComponentDoc(
                    id=from_id(row["id"]),
                    type=row["type"],
                    name=row["name"],
                    flavor=row["flavor"],
                    configuration=from_mapping(row["configuration"]),
                    labels=_labels(row),
                    connector_id=from_id(row["connector_id"]) if row["connector_id"] else None,
                    connector_resource_id=row["connector_resource_id"],
                    updated=from_time(row["updated"]),
                )
                for row in _found(database, _COMPONENTS, where, more)
            ]

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        with self._reading() as database:
            return [
                ConnectorDoc(
                    id=from_id(row["id"]),
                    name=row["name"],
                    type=row["connector_type"],
                    auth_method=row["auth_method"],
                    configuration=from_mapping(row["configuration"]),
                    secrets={},
                    labels=_labels(row),
                    updated=from_time(row["updated"]),
                )
                for row in _found(database, _CONNECTORS, where, [])
            ]

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        marks = ", ".join("?" * len(names))
        with self._reading() as database:
            rows = database.execute(f"{_FLAVORS} ({marks}) ORDER BY created, id", [*names])
            return [
                FlavorDoc(row["type"], row["name"], frozenset(_fields(row["config_schema"])))
                for row in rows
            ]

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`."""
        wanted = None if connectors is None else {secret_part(name) for name in connectors}
        found = []
        with self._reading() as database:
            for row in database.execute(_SECRETS):
                connector = connector_part(row["name"])
                if connector is not None and (wanted is None or connector in wanted):
                    found.append(OrphanedSecret(from_id(row["id"]), row["name"], connector))
        return found


def _labels(row: sqlite3.Row) -> dict[str, str]:
    return {key: str(value) for key, value in from_mapping(row["labels"]).items()}


def _fields(schema: str) -> Mapping[str, object]:
    """The properties of a JSON schema."""
    properties = json.loads(schema).get("properties", {})
    if not isinstance(properties, dict):
        raise UnreadableError("the database holds a flavor whose schema is none")
    return properties


def _found(
    database: sqlite3.Connection,
    query: str,
    where: Where,
    more: Sequence[tuple[str, str]],
) -> list[sqlite3.Row]:
    """The rows of a table ``t`` that fit, the oldest first.

    Args:
        database: One state of the file.
        query: What is selected.
        where: What all kinds of documents have.
        more: Further conditions, each with the id in it.
    """
    conditions: list[str] = []
    values: list[str | int] = []
    for column, wanted in (("name", where.names), ("id", where.ids)):
        if wanted is not None:
            conditions.append(f"t.{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted if column == "name" else map(to_key, wanted)
    if where.id_prefix is not None:
        conditions.append("substr(t.id, 1, ?) = ?")
        values += [len(where.id_prefix), where.id_prefix]
    for condition, uuid in more:
        conditions.append(condition)
        values.append(to_key(uuid))
    text = f"{query} WHERE {' AND '.join(conditions)}" if conditions else query
    limit = -1 if where.limit is None else where.limit
    return database.execute(f"{text} ORDER BY t.created, t.id LIMIT ?", [*values, limit]).fetchall()
