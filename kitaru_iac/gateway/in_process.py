"""The adapter that works through ZenML's own client, in this process.

What it owns is the local store; a server it reaches with the login that ZenML has. As ZenML does,
opening may write: a first database, a new token, the default stack in place of one that is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.calls import asked_server, zenml_call
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
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.opening import require_answer, require_own_database
from kitaru_iac.gateway.quiet import one_at_a_time, quiet
from kitaru_iac.gateway.zenml_connectors import connector_types, register, verify
from kitaru_iac.gateway.zenml_models import (
    PIECE,
    component_doc,
    connector_doc,
    filters_of,
    flavor_model,
    is_named,
    needs_secret,
    refused_fields,
    stack_doc,
    whole_listing,
)
from kitaru_iac.gateway.zenml_requests import (
    component_request,
    component_update,
    connector_request,
    connector_update,
    stack_request,
    stack_update,
)
from kitaru_iac.gateway.zenml_secrets import delete_secret, orphaned_secrets
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, FlavorResponse
    from zenml.zen_stores.base_zen_store import BaseZenStore

__all__ = ["InProcess"]

_log = logging.getLogger("kitaru_iac.gateway")


class InProcess:
    """A store through ZenML's client. Implements `Gateway`.

    Args:
        meant: The local database that was looked at, as the store; None where nothing was, yet.
    """

    def __init__(self, meant: Path | None = None) -> None:
        self._meant = meant
        self._heard: dict[KitaruWarning, None] = {}
        self._store: BaseZenStore | None = None
        self._flavors: dict[tuple[str, str], FlavorResponse] = {}

    @classmethod
    def open(cls) -> InProcess:
        """Connect as ZenML's own configuration says.

        Raises:
            NotConnectedError: No store answers.
            NotAllowedError: The login is not accepted.
        """
        opened = cls()
        _ = opened.client
        return opened

    @cached_property
    def client(self) -> Client:
        """ZenML's client, connected; raises as `open`."""
        require_answer()
        if self._meant is None:
            require_own_database()
        with zenml_call() as heard:
            from zenml.client import Client

            client = Client()
            store = client.zen_store
        self._heard.update(dict.fromkeys(heard.warnings))
        self._require_meant(store)
        self._store = store
        return client

    @property
    def store(self) -> BaseZenStore:
        """ZenML's store, connected; raises as `open`.

        The same one to the end: ZenML's client asks another one, as soon as its settings say so.
        """
        client = self.client
        return self._store or client.zen_store

    def _require_meant(self, store: BaseZenStore) -> None:
        """Refuse another store than the one that was looked at.

        Raises:
            NotConnectedError: It is one.
        """
        if self._meant is None:
            return
        kind, _, database = store.config.url.partition(":///")
        if (kind, os.path.realpath(database)) != ("sqlite", os.path.realpath(self._meant)):
            raise NotConnectedError(
                "ZenML uses another store than the one that was looked at; nothing was written",
                where=str(self._meant),
                why="Another process has logged in or out meanwhile, and a block on a stack keeps "
                "to the store that it began with.",
                remedy="Do the same again, outside of a block.",
            )

    @cached_property
    def _is_local(self) -> bool:
        return self.store.type.value == "sql"

    @contextlib.contextmanager
    def _zenml(self) -> Iterator[BaseZenStore]:
        """ZenML's store, for one call: muted, its errors ours, its warnings kept."""
        store = self.store
        # ZenML's own store is not made for several threads; a server is asked by all at once.
        guard = one_at_a_time if self._is_local else contextlib.nullcontext()
        with guard, quiet() as heard:
            try:
                with translate_errors(asked_server):
                    yield store
            finally:
                self._heard.update(dict.fromkeys(heard.warnings))

    # -- the store -------------------------------------------------------------------------------

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        with self._zenml() as zen:
            return StorePlace(
                kind="local" if self._is_local else "server",
                url=redaction.url(zen.url),
                is_on_this_machine=self._is_local or zen.is_local_store(),
                id=None if self._is_local else str(zen.get_store_info().id),
            )

    def now(self) -> datetime:
        """See `Reads.now`: ZenML's client does not tell a server's."""
        return datetime.now(UTC)

    @cached_property
    def version(self) -> str:
        """See `Reads.version`."""
        with self._zenml() as zen:
            return str(zen.get_store_info().version)

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """See `Reads.warnings`."""
        return list(self._heard)

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        with self._zenml() as zen:
            from zenml.models import StackFilter

            filters = filters_of(where, component_id=where.uses_component)
            found = whole_listing(
                lambda page: zen.list_stacks(StackFilter(**page), hydrate=True),
                filters,
                where.limit,
            )
            return [stack_doc(item) for item in found if is_named(item, where)]

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        with self._zenml() as zen:
            from zenml.models import ComponentFilter

            filters = filters_of(where, stack_id=where.in_stack, connector_id=where.uses_connector)
            found = whole_listing(
                lambda page: zen.list_stack_components(ComponentFilter(**page), hydrate=True),
                filters,
                where.limit,
            )
            return [component_doc(item) for item in found if is_named(item, where)]

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorFilter

            found = whole_listing(
                lambda page: zen.list_service_connectors(
                    ServiceConnectorFilter(**page), hydrate=True, expand_secrets=False
                ),
                filters_of(replace(where, limit=None)),
                None,
            )
            # ZenML lists them as they lie in the table.
            found.sort(key=lambda item: (item.created, item.id))
            named = (connector_doc(item) for item in found if is_named(item, where))
            return list(islice(named, where.limit))

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        with self._zenml() as zen:
            try:
                item = zen.get_service_connector(UUID(id), expand_secrets=True)
                if not isinstance(item.connector_type, str):
                    doc = connector_doc(item)
                    if self._is_local or doc.secrets or not needs_secret(item):
                        return doc
                plain = zen.get_service_connector(UUID(id), expand_secrets=False)
            except KeyError:
                return None
            # Of a type that is not told, what comes only when it is asked for is secret.
            secret = item.configuration.keys() - plain.configuration.keys()
            doc = connector_doc(item, secret)
            if self._is_local or doc.secrets:
                return doc
            # Where a required field is missing, ZenML's client loses the others too.
            return replace(connector_doc(plain), secrets_hidden=True)

    def connectors_with_secrets(self, ids: Collection[str]) -> list[ConnectorDoc]:
        """See `Gateway.connectors_with_secrets`."""
        found = map(self.connector_with_secrets, ids)
        return [doc for doc in found if doc is not None]

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`."""
        if not self._is_local:
            return []
        with self._zenml() as zen:
            return orphaned_secrets(zen, connectors)

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        with self._zenml() as zen:
            from zenml.models import FlavorFilter

            listed = FlavorFilter(name=f"oneof:{json.dumps(sorted(names))}", size=PIECE)
            self._flavors = {
                (item.type.value, item.name): item
                for item in zen.list_flavors(listed, hydrate=True).items
            }
            return [self._flavor(item) for item in self._flavors.values()]

    def _flavor(self, item: FlavorResponse) -> FlavorDoc:
        # A server's flavors are not imported for it: that takes longer than all else before a
        # write. Its schema names the fields as well.
        model = flavor_model(item) if self._is_local else None
        fields = model.model_fields if model else item.config_schema.get("properties", {})
        return FlavorDoc(item.type.value, item.name, frozenset(fields))

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """See `Gateway.field_errors`."""
        with self._zenml() as zen:
            from zenml.models import FlavorFilter

            item = self._flavors.get((flavor.type, flavor.name))
            if item is None:  # alone: others of its name would import packages of their own
                one = FlavorFilter(name=f"equals:{flavor.name}", type=flavor.type)
                (item, *_) = zen.list_flavors(one, hydrate=True).items
                self._flavors[flavor.type, flavor.name] = item
            return refused_fields(item, configuration)

    # -- connectors ------------------------------------------------------------------------------

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`."""
        with self._zenml() as zen:
            return connector_types(zen, is_local=self._is_local)

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        return verify(self.store, connector, resource, is_local=self._is_local)

    # -- creating --------------------------------------------------------------------------------

    def create_stack(self, new: NewStack) -> StackDoc:
        """See `Gateway.create_stack`. ZenML takes back what it made when a later part fails."""
        with self._zenml() as zen:
            return stack_doc(zen.create_stack(stack_request(new)))

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Gateway.create_component`."""
        with self._zenml() as zen:
            return component_doc(zen.create_stack_component(component_request(new)))

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        with self._zenml() as zen:
            request = connector_request(new)
            return connector_doc(register(zen, request, is_local=self._is_local))

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        with self._zenml() as zen:
            zen.update_stack(UUID(id), stack_update(change))

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        with self._zenml() as zen:

            def stored() -> ComponentResponse:
                return zen.get_stack_component(UUID(id), hydrate=True)

            zen.update_stack_component(UUID(id), component_update(change, stored))

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        with self._zenml() as zen:
            stored = zen.get_service_connector(UUID(id), expand_secrets=False)
            zen.update_service_connector(UUID(id), connector_update(change, stored))

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        with self._zenml() as zen:
            if kind == "secret":
                return self._is_local and delete_secret(zen, UUID(id))
            calls: dict[Kind, Callable[[UUID], None]] = {
                "stack": zen.delete_stack,
                "component": zen.delete_stack_component,
                "connector": zen.delete_service_connector,
            }
            try:
                calls[kind](UUID(id))
            except KeyError:
                _log.debug("%s %s was gone already", kind, id)
                return False
            return True
