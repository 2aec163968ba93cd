"""What a test finds in the store, and changes there as a colleague would, with ZenML's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.model import Records
from kitaru_iac.records.stored import Store


def records(name: str, *, secrets: bool = False) -> Records | None:
    """The records of a stack, with its connector's secrets where they are asked for."""
    with client():
        return Store.open().read(name, secrets=secrets)


def names() -> set[str]:
    """The stacks."""
    with client() as zenml:
        return {stack.name for stack in zenml.list_stacks(size=100).items}


def parts(name: str) -> set[str]:
    """The components and connectors of this name, in a stack or not."""
    with client() as zenml:
        components = zenml.list_stack_components(name=f"equals:{name}").items
        connectors = zenml.list_service_connectors(name=f"equals:{name}").items
    return {component.type.value for component in components} | {
        "service_connector" for _ in connectors
    }


@contextmanager
def client() -> Iterator[Any]:
    """ZenML's client, as it sees the store at this moment."""
    with quiet():
        from zenml.client import Client

        Client._reset_instance()
        yield Client()


def configure(name: str, kind: str, **configuration: Any) -> None:
    """Change the configuration of a component."""
    with client() as zenml:
        component = next(c for c in records_of(zenml, name) if c.type.value == kind)
        zenml.update_stack_component(
            name_id_or_prefix=component.id,
            component_type=component.type,
            configuration=configuration,
        )


def records_of(zenml: Any, name: str) -> list[Any]:
    """The components of a stack."""
    stack = zenml.get_stack(name, allow_name_prefix_match=False)
    return [component for of_kind in stack.components.values() for component in of_kind]


def rename(name: str, new: str) -> None:
    """Rename a stack."""
    with client() as zenml:
        zenml.update_stack(name_id_or_prefix=name, name=new)


def delete(name: str) -> None:
    """Delete a stack, with what is in it."""
    with client() as zenml:
        zenml.delete_stack(name, recursive=True)


def clear() -> None:
    """Delete all but the default stack and its components: also what is in no stack."""
    with client() as zenml:
        kept = {part.id for part in records_of(zenml, "default")}
        for stack in zenml.list_stacks(size=1000).items:
            if stack.name != "default":
                zenml.delete_stack(stack.id)
        for part in zenml.list_stack_components(size=1000).items:
            if part.id not in kept:
                zenml.delete_stack_component(part.id, part.type)
        for connector in zenml.list_service_connectors(size=1000).items:
            zenml.delete_service_connector(connector.id)


def add(name: str, component: UUID | str, kind: str) -> None:
    """Put a component into a stack."""
    with client() as zenml:
        from zenml.enums import StackComponentType

        zenml.update_stack(
            name_id_or_prefix=name,
            component_updates={StackComponentType(kind): [component]},
        )
