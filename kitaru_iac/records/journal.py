"""The single writes of records, each with its undo.

A `Writer` keeps a journal: every write that succeeded puts its undo there, and `roll_back` runs
them in reverse. Deletions are not journalled: they come last, when everything new stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from kitaru_iac.gateway.documents import (
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewConnector,
    NewStack,
    StackChange,
    StackDoc,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records.diff import OUR_LABELS
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, stored_id

__all__ = ["Writer", "new_connector"]

_log = logging.getLogger("kitaru_iac.records")


class Writer:
    """Writes records to one store, and can take back what it wrote."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._journal: list[tuple[str, Callable[[], object]]] = []

    def roll_back(self) -> list[str]:
        """Undo everything written so far, newest first.

        Returns:
            What could not be undone, one line each.
        """
        left = []
        while self._journal:
            what, undo = self._journal.pop()
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - one failure must not stop the others
                _log.debug("could not undo %s: %s", what, error)
                left.append(what)
        return left

    def commit(self) -> None:
        """From here on nothing is taken back."""
        self._journal.clear()

    def _undo_with(self, what: str, undo: Callable[[], object]) -> None:
        self._journal.append((what, undo))

    # -- connectors ------------------------------------------------------------------------------

    def create_connector(self, connector: ConnectorRecord) -> str:
        """Register a service connector and return its id."""
        uuid = self._gateway.create_connector(new_connector(connector)).id
        what = f"service connector {connector.name}"
        self._undo_with(what, partial(self._gateway.delete, "connector", uuid))
        return uuid

    def update_connector(self, new: ConnectorRecord, old: ConnectorRecord) -> str:
        """Change a connector's method, configuration, secrets and labels in place."""
        uuid = stored_id(old)
        self._put_connector(uuid, new, _merged(old.labels, new.labels))
        self._undo_with(
            f"the former configuration of service connector {old.name}",
            lambda: self._put_connector(uuid, old, old.labels),
        )
        return uuid

    def _put_connector(
        self, id: str, connector: ConnectorRecord, labels: Mapping[str, str]
    ) -> None:
        change = ConnectorChange(
            auth_method=connector.auth_method,
            configuration=connector.configuration,
            secrets=connector.secrets,
            labels=labels,
        )
        self._gateway.update_connector(id, change)

    def rename_connector(self, connector: ConnectorRecord, name: str) -> None:
        """Give a connector another name."""
        uuid = stored_id(connector)
        self._gateway.update_connector(uuid, ConnectorChange(name=name))
        self._undo_with(
            f"service connector {name}, formerly {connector.name}",
            lambda: self._gateway.update_connector(uuid, ConnectorChange(name=connector.name)),
        )

    def relabel_connector(self, connector: ConnectorRecord, labels: Mapping[str, str]) -> None:
        """Give a connector exactly these labels. Is not taken back."""
        self._gateway.update_connector(stored_id(connector), ConnectorChange(labels=labels))

    def delete_connector(self, id: str) -> bool:
        """Delete a connector and its secret. False: it was gone already."""
        return self._gateway.delete("connector", id)

    # -- components ------------------------------------------------------------------------------

    def create_component(self, component: ComponentRecord, connector: str | None) -> str:
        """Register a component under exactly its name, and return its id."""
        uuid = self._gateway.create_component(_new_component(component, connector)).id
        what = f"{component.type} {component.name}"
        self._undo_with(what, partial(self._gateway.delete, "component", uuid))
        return uuid

    def update_component(
        self,
        new: ComponentRecord,
        old: ComponentRecord,
        connector: str | None,
        old_connector: str | None,
    ) -> str:
        """Change a component's configuration, connector and labels in place; return its id."""
        uuid = stored_id(old)
        self._put_component(uuid, new, connector, _merged(old.labels, new.labels))
        self._undo_with(
            f"the former configuration of {old.type} {old.name}",
            lambda: self._put_component(uuid, old, old_connector, old.labels),
        )
        return uuid

    def _put_component(
        self,
        id: str,
        component: ComponentRecord,
        connector: str | None,
        labels: Mapping[str, str],
    ) -> None:
        change = ComponentChange(
            name=component.name,
            configuration=component.configuration,
            labels=labels,
            connector_id=connector if component.uses_connector else None,
            connector_resource_id=component.resource_id,
        )
        self._gateway.update_component(id, change)

    def relabel_component(
        self,
        component: ComponentRecord,
        name: str,
        connector: str | None,
        labels: Mapping[str, str],
    ) -> None:
        """Give a component this name and exactly these labels; its connector stays linked."""
        uuid = stored_id(component)

        def put(new_name: str, new_labels: Mapping[str, str]) -> None:
            change = ComponentChange(
                name=new_name,
                labels=new_labels,
                connector_id=connector if component.uses_connector else None,
                connector_resource_id=component.resource_id,
            )
            self._gateway.update_component(uuid, change)

        put(name, labels)
        formerly = "" if name == component.name else f", formerly {component.name}"
        self._undo_with(
            f"{component.type} {name}{formerly}", lambda: put(component.name, component.labels)
        )

    def delete_component(self, id: str) -> bool:
        """Delete a component. False: it was gone already."""
        return self._gateway.delete("component", id)

    # -- stacks ----------------------------------------------------------------------------------

    def register_stack(
        self,
        name: str,
        labels: Mapping[str, str],
        members: Mapping[str, Sequence[str | ComponentRecord]],
        connector: str | None,
    ) -> StackDoc:
        """Register a stack, and in the same call those components that are given as records."""
        new = NewStack(
            name,
            labels,
            {
                kind: tuple(
                    given if isinstance(given, str) else _new_component(given, connector)
                    for given in of_kind
                )
                for kind, of_kind in members.items()
            },
        )
        stack = self._gateway.create_stack(new)
        # In reverse: first the stack, then what it holds.
        for kind, of_kind in members.items():
            for member, given in zip(stack.members[kind], of_kind, strict=True):
                if not isinstance(given, str):
                    self._undo_with(
                        f"component {member.id} of stack {name}",
                        partial(self._gateway.delete, "component", member.id),
                    )
        self._undo_with(f"stack {name}", partial(self._gateway.delete, "stack", stack.id))
        return stack

    def update_stack(
        self,
        id: str,
        *,
        labels: Mapping[str, str],
        members: Mapping[str, Sequence[str]],
        old_labels: Mapping[str, str],
        old_members: Mapping[str, Sequence[str]],
    ) -> None:
        """Change a stack's members and labels in place."""
        self._put_stack(id, labels, members)
        self._undo_with(
            "the stack's former members", lambda: self._put_stack(id, old_labels, old_members)
        )

    def _put_stack(
        self, id: str, labels: Mapping[str, str], members: Mapping[str, Sequence[str]]
    ) -> None:
        whole = {kind: tuple(of_kind) for kind, of_kind in members.items()}
        self._gateway.update_stack(id, StackChange(labels=labels, members=whole))

    def rename_stack(self, id: str, old: str, new: str) -> None:
        """Give a stack another name."""
        self._gateway.update_stack(id, StackChange(name=new))
        self._undo_with(
            f"stack {new}, formerly {old}",
            lambda: self._gateway.update_stack(id, StackChange(name=old)),
        )

    def delete_stack(self, id: str) -> bool:
        """Delete a stack. False: it was gone already."""
        return self._gateway.delete("stack", id)


def new_connector(connector: ConnectorRecord) -> NewConnector:
    """A connector record as one to be created, or to be verified without being stored."""
    return NewConnector(
        name=connector.name,
        type=connector.type,
        auth_method=connector.auth_method,
        configuration=connector.configuration,
        secrets=connector.secrets,
        labels=connector.labels,
    )


def _new_component(component: ComponentRecord, connector: str | None) -> NewComponent:
    return NewComponent(
        type=component.type,
        name=component.name,
        flavor=component.flavor,
        configuration=component.configuration,
        labels=component.labels,
        connector_id=connector if component.uses_connector else None,
        connector_resource_id=component.resource_id,
    )


def _merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The new labels, and those of the old that are the user's own."""
    return {**{k: v for k, v in old.items() if not k.startswith(OUR_LABELS)}, **new}
