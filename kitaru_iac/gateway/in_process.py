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
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.calls import asked_server, zenml_call
from kitaru_iac.gateway.documents import (
    UNSET,
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
    configuration_with_secrets,
    connector_doc,
    filters_of,
    flavor_model,
    is_named,
    needs_secret,
    refused_fields,
    stack_doc,
    whole_listing,
)
from kitaru_iac.gateway.zenml_secrets import delete_secret, orphaned_secrets
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import FlavorResponse
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
            from zenml.enums import StackComponentType
            from zenml.models import ComponentInfo, StackRequest

            links: list[UUID] = []

            def index(connector_id: str | None) -> int | None:
                if connector_id is None:
                    return None
                if (uuid := UUID(connector_id)) not in links:
                    links.append(uuid)
                return links.index(uuid)

            def member(given: str | NewComponent) -> UUID | ComponentInfo:
                if isinstance(given, str):
                    return UUID(given)
                return ComponentInfo(
                    flavor=given.flavor,
                    configuration=dict(given.configuration),
                    service_connector_index=index(given.connector_id),
                    service_connector_resource_id=given.connector_resource_id,
                )

            components = {
                StackComponentType(kind): [member(given) for given in of_kind]
                for kind, of_kind in new.members.items()
            }
            request = StackRequest(
                name=new.name,
                description=new.description,
                components=components,
                labels=dict(new.labels),
                service_connectors=list(links),
            )
            return stack_doc(zen.create_stack(request))

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Gateway.create_component`."""
        with self._zenml() as zen:
            from zenml.enums import StackComponentType
            from zenml.models import ComponentRequest

            request = ComponentRequest(
                name=new.name,
                type=StackComponentType(new.type),
                flavor=new.flavor,
                configuration=dict(new.configuration),
                labels=dict(new.labels) or None,
                connector=UUID(new.connector_id) if new.connector_id else None,
                connector_resource_id=new.connector_resource_id,
            )
            return component_doc(zen.create_stack_component(request))

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorRequest

            request = ServiceConnectorRequest(
                name=new.name,
                connector_type=new.type,
                auth_method=new.auth_method,
                configuration=configuration_with_secrets(new.configuration, new.secrets),
                labels=dict(new.labels),
            )
            return connector_doc(register(zen, request, is_local=self._is_local))

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        with self._zenml() as zen:
            from zenml.enums import StackComponentType
            from zenml.models import StackUpdate

            given: dict[str, Any] = {}
            if change.name is not UNSET:
                given["name"] = change.name
            if change.labels is not UNSET:
                given["labels"] = dict(change.labels)
            if change.members is not UNSET:
                given["components"] = {
                    StackComponentType(kind): [UUID(member) for member in of_kind]
                    for kind, of_kind in change.members.items()
                }
            if change.description is not UNSET:
                given["description"] = change.description
            zen.update_stack(UUID(id), StackUpdate(**given))

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        with self._zenml() as zen:
            from zenml.models import ComponentUpdate

            given: dict[str, Any] = {}
            if change.name is not UNSET:
                given["name"] = change.name
            if change.configuration is not UNSET:
                given["configuration"] = dict(change.configuration)
            if change.labels is not UNSET:
                given["labels"] = dict(change.labels)
            connector, resource = change.connector_id, change.connector_resource_id
            if connector is UNSET or resource is UNSET:
                # ZenML unlinks a component whose update does not name its connector.
                stored = component_doc(zen.get_stack_component(UUID(id), hydrate=True))
                connector = stored.connector_id if connector is UNSET else connector
                resource = stored.connector_resource_id if resource is UNSET else resource
            given["connector"] = UUID(connector) if connector else None
            given["connector_resource_id"] = resource
            zen.update_stack_component(UUID(id), ComponentUpdate(**given))

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorUpdate

            # ZenML clears these two where an update does not name them.
            stored = zen.get_service_connector(UUID(id), expand_secrets=False)
            given: dict[str, Any] = {
                "resource_id": stored.resource_id,
                "expiration_seconds": stored.expiration_seconds,
            }
            if change.name is not UNSET:
                given["name"] = change.name
            if change.auth_method is not UNSET:
                given["auth_method"] = change.auth_method
            if change.configuration is not UNSET:
                secrets = {} if change.secrets is UNSET else change.secrets
                given["configuration"] = configuration_with_secrets(change.configuration, secrets)
            if change.labels is not UNSET:
                given["labels"] = dict(change.labels)
            zen.update_service_connector(UUID(id), ServiceConnectorUpdate(**given))

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
