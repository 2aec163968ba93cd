"""A store in memory whose things a test calls by words, and which says in them what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kitaru_iac.errors import NotFoundError
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentDoc,
    ConnectorDoc,
    Kind,
    Member,
    NewComponent,
    NewConnector,
    NewStack,
    StackDoc,
)
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.memory import MemoryGateway
from kitaru_iac.records.names import final_name
from kitaru_iac.records.stored import Store
from tests.records.snapshots import MANAGED

WORDS = {"connector": "link", "component": "part", "stack": "stack"}


def id_of(word: str) -> str:
    """The id of a thing that a test calls so."""
    return str(uuid5(NAMESPACE_URL, word))


class Words(MemoryGateway):
    """Notes a line for each write: ``delete store``, ``call s runner``, ``label link``."""

    def __init__(self, *, is_local: bool = False) -> None:
        self.words: dict[str, str] = {}
        super().__init__(is_local=is_local)
        self.lines: list[str] = []

    def _make_default(self) -> None:
        pass

    def note(self, line: str) -> None:
        self.lines.append(line)

    def _updated(self, kind: str, id: str, change: Any) -> str:
        old: Any = getattr(self, f"_{kind}s").get(id)
        renamed = change.name is not UNSET and (old is None or change.name != old.name)
        return f"call {change.name} {self.words[id]}" if renamed else f"label {self.words[id]}"

    def update_stack(self, id: str, change: Any) -> None:
        line = self._updated("stack", id, change)
        super().update_stack(id, change)
        self.note(line)

    def update_component(self, id: str, change: Any) -> None:
        line = self._updated("component", id, change)
        if change.connector_id is not UNSET and id in self._components:
            assert change.connector_id == self._components[id].connector_id, "it lost its link"
        super().update_component(id, change)
        self.note(line)

    def update_connector(self, id: str, change: Any) -> None:
        line = self._updated("connector", id, change)
        super().update_connector(id, change)
        self.note(line)

    def delete(self, kind: Kind, id: str) -> bool:
        there = super().delete(kind, id)
        self.note(f"delete {self.words[id]}")
        return there


class Shelf(Store):
    """A store that holds a few things.

    Attributes:
        written: What was written, a line each.
        fresh: What was written a moment ago by the words that name it; the rest is a day old.
        forgotten: How often what had been found was forgotten.
    """

    def __init__(
        self,
        *,
        is_local_file: bool = False,
        fresh: Iterable[str] = (),
        gateway: Words | None = None,
    ) -> None:
        self.memory = gateway or Words(is_local=is_local_file)
        super().__init__(self.memory)
        self.fresh = set(fresh)
        self.forgotten = 0

    @property
    def written(self) -> list[str]:
        return self.memory.lines

    @property
    def words(self) -> dict[str, str]:
        return self.memory.words

    @property
    def stacks(self) -> dict[str, StackDoc]:
        return self.memory._stacks

    @property
    def components(self) -> dict[str, ComponentDoc]:
        return self.memory._components

    @property
    def connectors(self) -> dict[str, ConnectorDoc]:
        return self.memory._connectors

    def _age(self, word: str) -> datetime:
        self.words[id_of(word)] = word
        return self.memory.now() - timedelta(seconds=0 if word in self.fresh else 86400)

    def component(
        self,
        word: str,
        name: str,
        labels: Mapping[str, str] = MANAGED,
        *,
        type: str = "artifact_store",
        connector: str | None = None,
    ) -> Shelf:
        new = NewComponent(
            type, name, "s3", labels=labels, connector_id=id_of(connector) if connector else None
        )
        self.memory.put_component(new, id=id_of(word), updated=self._age(word))
        return self

    def link(self, word: str, name: str, labels: Mapping[str, str] = MANAGED) -> Shelf:
        new = NewConnector(name, "aws", "implicit", labels=labels)
        self.memory.put_connector(new, id=id_of(word), updated=self._age(word))
        return self

    def stack(
        self, word: str, name: str, *members: str, labels: Mapping[str, str] | None = MANAGED
    ) -> Shelf:
        of: dict[str, tuple[Member, ...]] = {}
        for member in members:
            doc = self.components[id_of(member)]
            of[doc.type] = (*of.get(doc.type, ()), Member(doc.id, doc.name))
        self.memory.put_stack(id_of(word), name, labels or {}, of, updated=self._age(word))
        return self

    def forget(self) -> None:
        self.forgotten += 1
        super().forget()


class Zen(Words):
    """Notes what is written, of things that may not be there too, and breaks at some of it.

    Attributes:
        written: A line for each write, as ``create part s``, ``update old store as s-replaced``.
        breaks: What happens before a line is written: raise, or not.
        suffix: What is put behind a name that was taken at that moment.
    """

    def __init__(self, breaks: Callable[[str], None] = lambda line: None) -> None:
        super().__init__(is_local=True)
        self.breaks = breaks
        self.suffix = ""

    def note(self, line: str) -> None:
        with translate_errors():
            self.breaks(line)
        super().note(line)

    def _named(self, word: str) -> str:
        self.words[id_of(word)] = word
        return id_of(word)

    def _updated(self, kind: str, id: str, change: Any) -> str:
        self.note(
            f"update {self.words[id]}" + ("" if change.name is UNSET else f" as {change.name}")
        )
        return ""

    def update_stack(self, id: str, change: Any) -> None:
        self._updated("stack", id, change)

    update_component = update_stack
    update_connector = update_stack

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        final = final_name(new.name)  # the rest of a temporary name is random
        self.note(f"create link {new.name if final is None else f'{final}-new'}")
        return self.put_connector(new, id=self._named("new link"))

    def create_component(self, new: NewComponent) -> ComponentDoc:
        self.note(f"create part {new.name}")
        return self.put_component(new, id=self._named("new part"))

    def create_stack(self, new: NewStack) -> StackDoc:
        self.note(f"create stack {new.name}")
        members = {
            kind: tuple(
                Member(given, new.name) if isinstance(given, str) else self._came(given, new)
                for given in of_kind
            )
            for kind, of_kind in new.members.items()
        }
        return self.put_stack(self._named("new stack"), new.name, new.labels, members)

    def _came(self, given: NewComponent, stack: NewStack) -> Member:
        named = replace(given, name=stack.name + self.suffix, labels=stack.labels)
        doc = self.put_component(named, id=self._named(f"new {given.type}"))
        return Member(doc.id, doc.name)

    def delete(self, kind: Kind, id: str) -> bool:
        try:
            self.note(f"delete {self.words[id]}")
        except NotFoundError:
            return False
        for shelf in (self._stacks, self._components, self._connectors):
            shelf.pop(id, None)
        return True
