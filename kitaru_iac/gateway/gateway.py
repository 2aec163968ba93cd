"""The interface to a ZenML store: what may be asked of it and written to it.

All else in this package speaks to a store through it; only the adapters know ZenML. They return
frozen documents, raise only this package's errors, and never repeat a write. The active stack is
not in it: that is a file of this machine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kitaru_iac.gateway.documents import (
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    ConnectorVerdict,
    FieldError,
    FlavorDoc,
    Kind,
    NewComponent,
    NewConnector,
    NewStack,
    OrphanedSecret,
    ResourceRef,
    StackChange,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.notices import KitaruWarning

__all__ = ["Gateway", "Reads"]


class Reads(Protocol):
    """Questions to a store, none of which changes it.

    Raises, each of them:
        NotConnectedError: The store does not answer.
        NotAllowedError: The login is not accepted, or may not read this.
    """

    @property
    def place(self) -> StorePlace:
        """Where the store is."""

    @property
    def version(self) -> str:
        """The version of ZenML that owns the store."""

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """What the store said by the way that a user has to know, once each."""

    def now(self) -> datetime:
        """The time by the clock that what is stored is dated by. No question is asked for it."""

    def stacks(self, where: Where) -> list[StackDoc]:
        """Stacks, the oldest first."""

    def components(self, where: Where) -> list[ComponentDoc]:
        """Components, the oldest first."""

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """Service connectors without their secrets, the oldest first."""

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """Flavors of these names: of each type at most one has it."""

    def connector_types(self) -> frozenset[str]:
        """The connector types whose packages are installed where the store's process is."""


class Gateway(Reads, Protocol):
    """A store that can be written to.

    Raises, each of the writes:
        AlreadyExistsError: The name is taken.
        NotFoundError: What is to be changed is not there.
        NotAllowedError: The login is not accepted, or may not write this.
        NotConnectedError: The store does not answer.
        KitaruError: ZenML refused for another reason.
    """

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """A service connector with the values of its secret fields; None where there is none."""

    def connectors_with_secrets(self, ids: Collection[str]) -> list[ConnectorDoc]:
        """Those of these service connectors that are there, each as `connector_with_secrets`."""

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """Secrets of service connectors of these names, or of any, that no connector refers to.

        None on a server: its API shows no connector's secret. What is created there gets a name
        that nobody else has taken, so that none is left behind.
        """

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """What the flavor says against a component's configuration; nothing where it cannot."""

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """Let the store try a connector, a stored one (its id) or one that is not.

        What ZenML says against it is the verdict.

        Raises:
            NotConnectedError: The store did not answer, or not as ZenML does: nobody knows.
            NotAllowedError: The login is not accepted, or may not let connectors be tried.
        """

    def create_stack(self, new: NewStack) -> StackDoc:
        """Create a stack and those of its members that do not exist yet: all of it, or nothing."""

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """Create a component."""

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """Create a service connector, without verifying it."""

    def update_stack(self, id: str, change: StackChange) -> None:
        """Change a stack in place."""

    def update_component(self, id: str, change: ComponentChange) -> None:
        """Change a component in place."""

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """Change a service connector in place."""

    def delete(self, kind: Kind, id: str) -> bool:
        """Delete one thing, a connector with its secret. False: it was gone already.

        A secret is deleted where no connector refers to it: on a server never.
        """
