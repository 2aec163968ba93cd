"""The single writes of records, each with its undo.

Deletions are not journalled: they come last, when everything new stands. What a server refuses is
looked at before it counts as not done; see `records.single_writes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewStack,
    StackChange,
    StackDoc,
    Unset,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records import lost
from kitaru_iac.records.annotations import copied_labels
from kitaru_iac.records.created import Created
from kitaru_iac.records.journal import Entry
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.names import temporary_name
from kitaru_iac.records.requests import (
    component_change,
    connector_change,
    created_component,
    created_stack,
    merged,
    new_component,
    new_connector,
    tuples,
)
from kitaru_iac.records.single_writes import SingleWrites, Target
from kitaru_iac.values import replace

__all__ = ["Writer"]

_Change = TypeVar("_Change", StackChange, ComponentChange, ConnectorChange)


class Writer(SingleWrites):
    """Writes records to one store, and can take back what it wrote.

    Args:
        gateway: The store.
        token: Stands in the temporary names of this run; see `records.names`.
        before: Called before each write that can be taken back. What it raises stops the change.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        token: str = "0" * 8,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(gateway, before)
        self._token = token
        self._made = Created(gateway)  # it is taken back as a whole

    def roll_back(self) -> list[str]:
        """Undo everything written so far, as `Journal.roll_back`, and look for what was deleted."""
        left = super().roll_back()
        with suppress(KitaruError):  # nobody says: the server's word stands
            left += self._made.still_there()
        return left

    # -- connectors ------------------------------------------------------------------------------

    def create_connector(self, connector: ConnectorRecord) -> str:
        """Register a service connector and return its id.

        It is first registered under a name that nobody else has, so that it can be told from
        another's. ZenML stores the secret before the connector, and where the name is taken in
        between, it leaves the secret, which no API shows or deletes.
        """
        new = new_connector(connector)
        alone = self._gateway.place.kind == "local" and not new.secrets
        name = new.name if alone else temporary_name(new.name, self._token)
        named = replace(new, name=name)
        made = self._write(
            f"service connector {name}",
            lambda: self._create(
                lambda: self._gateway.create_connector(named),
                lambda: lost.find_connector(self._gateway, named),
            ),
            unknown=lambda: lost.delete_connector(self._gateway, named),
            undo=lambda doc: self._made.delete_connector(doc.id, f"service connector {new.name}"),
        )
        state = connector_change(connector, new.labels)
        self._made.add(made.id, replace(state, name=name))
        if name != new.name:
            self._before()
            # Its undo is that of the creation, which goes by the id.
            self._put_new(self._connector(made.id), made.id, ConnectorChange(name=new.name))
            self._entries[-1].what = f"service connector {new.name}"
        return made.id

    def update_connector(self, new: ConnectorRecord, old: ConnectorRecord) -> str:
        """Change a connector's method, configuration, secrets and labels in place."""
        uuid = stored_id(old)
        self._change_connector(
            f"the former configuration of service connector {old.name}",
            old,
            connector_change(new, merged(old.labels, new.labels)),
            connector_change(old, old.labels),
        )
        return uuid

    def _change_connector(
        self, what: str, connector: ConnectorRecord, new: ConnectorChange, old: ConnectorChange
    ) -> None:
        self._change(what, self._connector(stored_id(connector)), new, old)

    def rename_connector(
        self,
        connector: ConnectorRecord,
        name: str,
        labels: Mapping[str, str] | Unset = UNSET,
    ) -> None:
        """Give a connector another name, and in the same write other labels."""
        old_labels = UNSET if labels is UNSET else connector.labels
        self._change_connector(
            f"service connector {name}, formerly {connector.name}",
            connector,
            ConnectorChange(name=name, labels=labels),
            ConnectorChange(name=connector.name, labels=old_labels),
        )

    def relabel_connector(self, connector: ConnectorRecord, labels: Mapping[str, str]) -> None:
        """Give a connector exactly these labels."""
        self._change_connector(
            f"the former labels of service connector {connector.name}",
            connector,
            ConnectorChange(labels=labels),
            ConnectorChange(labels=connector.labels),
        )

    def delete_connector(self, id: str) -> bool:
        """Delete a connector and its secret. False: it was gone already."""
        return self._delete("connector", id)

    # -- components ------------------------------------------------------------------------------

    def create_component(self, component: ComponentRecord, connector: str | None) -> str:
        """Register a component under exactly its name, and return its id."""
        new = new_component(component, connector)
        is_ours = self._is_ours([new])
        made = self._write(
            f"{component.type} {component.name}",
            lambda: self._create(
                lambda: self._gateway.create_component(new),
                lambda: lost.find_component(self._gateway, new),
                is_ours=is_ours,
            ),
            unknown=lambda: lost.delete_components(self._gateway, [new], is_ours),
            is_ours=is_ours,
            undo=lambda doc: self._made.delete_component(
                doc.id, f"{component.type} {component.name}"
            ),
        )
        self._made.add(made.id, created_component(new, made.name, new.labels), component)
        return made.id

    def update_component(
        self,
        new: ComponentRecord,
        old: ComponentRecord,
        connector: str | None,
        old_connector: str | None,
        stack: Records,
    ) -> str:
        """Change a component's configuration, connector and labels in place; return its id.

        `stack` is what holds it, as of `copied_labels`, which it loses.
        """
        uuid = stored_id(old)
        copied = copied_labels(old, stack)
        kept = {key: text for key, text in old.labels.items() if key not in copied}
        self._change_component(
            f"the former configuration of {old.type} {old.name}",
            old,
            component_change(new, old, connector, merged(kept, new.labels)),
            component_change(old, new, old_connector, old.labels),
            written=new,
        )
        return uuid

    def _change_component(
        self,
        what: str,
        component: ComponentRecord,
        new: ComponentChange,
        old: ComponentChange,
        *,
        written: ComponentRecord | None = None,
    ) -> None:
        self._change(what, self._component(stored_id(component)), new, old, written)

    def relabel_component(
        self,
        component: ComponentRecord,
        name: str,
        connector: str | None,
        labels: Mapping[str, str],
    ) -> None:
        """Give a component this name and exactly these labels; its connector stays linked."""
        uuid = stored_id(component)
        is_renamed = name != component.name

        def change(new_name: str, new_labels: Mapping[str, str]) -> ComponentChange:
            return ComponentChange(
                # What stays is not written: somebody else may be changing it.
                name=new_name if is_renamed else UNSET,
                labels=UNSET if dict(labels) == dict(component.labels) else new_labels,
                connector_id=connector if component.uses_connector else None,
                connector_resource_id=component.resource_id,
            )

        if uuid in self._made:
            self._before()
            self._put_new(self._component(uuid), uuid, change(name, labels))
            return
        formerly = f", formerly {component.name}" if is_renamed else ""
        self._change_component(
            f"{component.type} {name}{formerly}",
            component,
            change(name, labels),
            change(component.name, component.labels),
        )

    def delete_component(self, id: str) -> bool:
        """Delete a component. False: it was gone already."""
        return self._delete("component", id)

    def _is_ours(self, parts: Sequence[str | NewComponent]) -> bool:
        """Whether what looks like these parts, or a stack of them, can only be of this run.

        A store in this process is written by nobody else. On a server a connector tells, if it was
        made by this run; without one, a colleague's can look the same.
        """
        if self._gateway.place.kind == "local":
            return True
        return any(not isinstance(part, str) and part.connector_id in self._made for part in parts)

    # -- stacks ----------------------------------------------------------------------------------

    def register_stack(
        self,
        name: str,
        labels: Mapping[str, str],
        members: Mapping[str, Sequence[str | ComponentRecord]],
        connector: str | None,
        description: str = "",
    ) -> StackDoc:
        """Register a stack, and in the same call those components that are given as records."""
        new = NewStack(
            name,
            labels,
            {
                kind: tuple(
                    given if isinstance(given, str) else new_component(given, connector)
                    for given in of_kind
                )
                for kind, of_kind in members.items()
            },
            description,
        )
        is_ours = self._is_ours([given for of in new.members.values() for given in of])
        stack = self._write(
            f"stack {name}",
            lambda: self._create(
                lambda: self._gateway.create_stack(new),
                lambda: lost.find_stack(self._gateway, new),
                is_ours=is_ours,
            ),
            unknown=lambda: self._find_unanswered(new, members, is_ours=is_ours),
            is_ours=is_ours,
        )
        self._entries[-1:] = []
        self._note_stack(stack, new, members)
        return stack

    def _find_unanswered(
        self,
        new: NewStack,
        members: Mapping[str, Sequence[str | ComponentRecord]],
        *,
        is_ours: bool,
    ) -> None:
        """Look for a stack whose registration got no answer; what is there is taken back next.

        Where its parts use a connector of this run it is this run's, whatever others have made of
        it since.

        Raises:
            KitaruError: There is one that looks so, and nobody knows whose it is.
        """
        stack = lost.find_stack(self._gateway, new)
        if stack is None and is_ours and self._is_shared:
            parts = [given for of in new.members.values() for given in of]
            links = {part.connector_id for part in parts if not isinstance(part, str)}
            mine = [link for link in links if link is not None and link in self._made]
            stack = lost.find_changed_stack(self._gateway, mine)
        if stack is None:
            lost.delete_parts_of(self._gateway, new, is_ours)
            return
        lost.require_ours(is_ours)
        self._note_stack(stack, new, members)

    def _note_stack(
        self,
        stack: StackDoc,
        new: NewStack,
        members: Mapping[str, Sequence[str | ComponentRecord]],
    ) -> None:
        """Note the undo of a stack that was registered, and of the parts that came with it."""
        of_stack = f"stack {new.name}"
        self._made.add(stack.id, created_stack(new, stack))
        for kind, of_kind in members.items():  # in reverse: first the stack, then its parts
            there = stack.members.get(kind, ())  # others may have taken some out
            for given, record, member in zip(new.members[kind], of_kind, there, strict=False):
                if isinstance(given, str) or isinstance(record, str):
                    continue
                state = created_component(given, member.name, new.labels)
                self._made.add(member.id, state, record)
                what = f"{kind} {member.name} of {of_stack}"
                undo = partial(self._made.delete_component, member.id, what)
                self._entries.append(Entry(what, undo))
        undo = partial(self._made.delete_stack, stack.id, of_stack)
        self._entries.append(Entry(of_stack, undo))

    def label_new_stack(self, id: str, labels: Mapping[str, str]) -> None:
        """Give a stack that this run registered exactly these labels; it is taken back with it."""
        self._before()
        self._put_new(self._stack(id), id, StackChange(labels=labels))

    def _put_new(self, target: Target[_Change], id: str, change: _Change) -> None:
        """Change what this run created."""
        self._made.change(id, change)
        self._put(target, change)

    def update_stack(
        self,
        id: str,
        *,
        labels: Mapping[str, str],
        old_labels: Mapping[str, str],
        members: Mapping[str, Sequence[str]] | None = None,
        old_members: Mapping[str, Sequence[str]] | None = None,
        descriptions: tuple[str, str] = ("", ""),
    ) -> None:
        """Change a stack in place; None leaves its members. `descriptions`: the new, the old."""
        texts: tuple[str | Unset, str | Unset] = descriptions
        if descriptions[0] == descriptions[1]:
            texts = (UNSET, UNSET)
        parts: list[Mapping[str, tuple[str, ...]] | Unset] = [
            UNSET if of is None else tuples(of) for of in (members, old_members)
        ]
        self._change_stack(
            f"the stack's former {'labels' if members is None else 'members'}",
            id,
            StackChange(labels=labels, members=parts[0], description=texts[0]),
            StackChange(labels=old_labels, members=parts[1], description=texts[1]),
        )

    def _change_stack(self, what: str, id: str, new: StackChange, old: StackChange) -> None:
        self._change(what, self._stack(id), new, old)

    def rename_stack(
        self,
        id: str,
        old: str,
        new: str,
        *,
        labels: Mapping[str, str] | Unset = UNSET,
        old_labels: Mapping[str, str] | Unset = UNSET,
    ) -> None:
        """Give a stack another name, and in the same write other labels."""
        self._change_stack(
            f"stack {new}, formerly {old}",
            id,
            StackChange(name=new, labels=labels),
            StackChange(name=old, labels=old_labels),
        )

    def mark_stack(self, id: str, labels: Mapping[str, str], mark: str, text: str) -> None:
        """Give a stack one more label. Its undo changes that one alone, whatever others became."""
        before = labels.get(mark)
        stack = self._stack(id)

        def take_off() -> None:
            doc = self._read_twice(stack)
            if doc is None:
                raise NotFoundError("the stack is gone")
            if doc.labels.get(mark) != text:
                return
            rest = {key: value for key, value in doc.labels.items() if key != mark}
            if before is not None:
                rest[mark] = before
            self._put(stack, StackChange(labels=rest))

        self._write(
            f"the stack's label {mark}",
            lambda: self._put(stack, StackChange(labels={**labels, mark: text})),
            unknown=take_off,
            may_be_done=self._is_shared,
        )

    def delete_stack(self, id: str) -> bool:
        """Delete a stack. False: it was gone already."""
        return self._delete("stack", id)
