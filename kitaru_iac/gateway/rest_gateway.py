"""The adapter that works through a ZenML server's REST API, without ZenML.

What is sent is what every server from 0.85 on knows; which fields a component has and which types
a connector has is what *that* server says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import quote

from kitaru_iac.gateway.answers import answered, known_form, listing, mapping
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
    ResourceRef,
    StackChange,
    StackDoc,
    StorePlace,
    Unset,
    Where,
)
from kitaru_iac.gateway.http import Json, Query
from kitaru_iac.gateway.rest_documents import (
    PIECE,
    component_change,
    component_doc,
    component_request,
    connector_change,
    connector_doc,
    connector_request,
    filters_of,
    named,
    stack_change,
    stack_doc,
    stack_request,
    verification_request,
)
from kitaru_iac.gateway.session import Session
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.notices import KitaruWarning

__all__ = ["RestGateway"]

_log = logging.getLogger("kitaru_iac.gateway")

_Doc = TypeVar("_Doc", StackDoc, ComponentDoc, ConnectorDoc)

_PATHS: Final[Mapping[Kind, str]] = {
    "stack": "/stacks",
    "component": "/components",
    "connector": "/service_connectors",
}
#: ZenML's `SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT`, in seconds: the server asks the cloud.
_VERIFYING: Final = 120
_NOT_FOUND: Final = 404
#: In place of an answer.
_WAS_GONE: Final = "was gone already"


class RestGateway:
    """A store on a server. Implements `Gateway`; for several threads at once.

    Args:
        session: The server, and the login for it.
        local_server_id: The id that a server has which this machine itself started.
    """

    def __init__(self, session: Session, *, local_server_id: str | None = None) -> None:
        self._session = session
        self._local_server_id = local_server_id
        self._schemas: dict[tuple[str, str], Mapping[str, Any]] = {}

    @classmethod
    def open(cls, store: RestStore, local_server_id: str | None = None) -> RestGateway:
        """Make the gateway to a server; it is asked nothing yet.

        Raises:
            UnreadableError: Only ZenML knows the way to it.
        """
        return cls(Session(store), local_server_id=local_server_id)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    # -- the store -------------------------------------------------------------------------------

    @cached_property
    def _info(self) -> Mapping[str, Any]:
        found = self._ask("GET", "/info")
        with known_form(self._session.shown):
            info = mapping(found)
            return {"id": str(info["id"]), "version": str(info["version"])}

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        own = canonical_id(self._local_server_id or "")
        is_here = own is not None and canonical_id(self._info["id"]) == own
        return StorePlace("server", self._session.shown, is_on_this_machine=is_here)

    @property
    def version(self) -> str:
        """See `Reads.version`."""
        return str(self._info["version"])

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """See `Reads.warnings`."""
        return []

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        filters = filters_of(where, component_id=where.uses_component)
        return self._listing("stack", filters, where, stack_doc)

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        filters = filters_of(where, stack_id=where.in_stack, connector_id=where.uses_connector)
        return self._listing("component", filters, where, component_doc)

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        filters = {**filters_of(where), "expand_secrets": False}
        return self._listing("connector", filters, where, connector_doc)

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        path = f"{_PATHS['connector']}/{quote(id, safe='')}"
        plain = self._ask("GET", path, {"expand_secrets": False}, gone=None)
        whole = self._ask("GET", path, {"expand_secrets": True}, gone=None)
        if plain is None or whole is None:
            return None
        with known_form(self._session.shown):
            return connector_doc(mapping(plain), with_secrets=mapping(whole))

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        found: list[FlavorDoc] = []
        wanted = filters_of(Where(names=tuple(sorted(names))))
        for item in self._items("/flavors", {**wanted, "size": PIECE}):
            with known_form(self._session.shown):
                kind, name = str(item["body"]["type"]), str(item["name"])
                schema = item["metadata"]["config_schema"]
                fields = frozenset(schema.get("properties", {}))
            self._schemas[kind, name] = schema
            found.append(FlavorDoc(kind, name, fields))
        return found

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """See `Gateway.field_errors`."""
        from kitaru_iac.gateway.flavor_schema import field_errors

        return field_errors(self._schemas[flavor.type, flavor.name], configuration)

    # -- connectors ------------------------------------------------------------------------------

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`."""
        found = self._ask("GET", "/service_connector_types")
        with known_form(self._session.shown):
            return frozenset(str(mapping(item)["connector_type"]) for item in listing(found))

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        query: dict[str, str | int | bool | Sequence[str]] = {
            "list_resources": resource.type is not None
        }
        path = _PATHS["connector"]
        try:
            if isinstance(connector, str):
                if resource.type:
                    query["resource_type"] = resource.type
                if resource.id:
                    query["resource_id"] = resource.id
                path = f"{path}/{quote(connector, safe='')}/verify"
                body = self._ask("PUT", path, query, patience=_VERIFYING)
            else:
                document = verification_request(connector, resource)
                body = self._ask("POST", f"{path}/verify", query, document, patience=_VERIFYING)
            with known_form(self._session.shown):
                return _verdict(mapping(body), resource.type)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this resource's result)
            return ConnectorVerdict(error=_words(error))

    # -- creating --------------------------------------------------------------------------------

    def create_stack(self, new: NewStack) -> StackDoc:
        """See `Gateway.create_stack`. A server takes back what it made when a later part fails."""
        made = self._ask("POST", _PATHS["stack"], document=stack_request(new))
        with known_form(self._session.shown):
            return stack_doc(mapping(made))

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Gateway.create_component`."""
        made = self._ask("POST", _PATHS["component"], document=component_request(new))
        with known_form(self._session.shown):
            return component_doc(mapping(made))

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        made = self._ask("POST", _PATHS["connector"], document=connector_request(new))
        with known_form(self._session.shown):
            return connector_doc(mapping(made))

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        self._put("stack", id, stack_change(change))

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        stored: ComponentDoc | None = None
        if change.connector_id is UNSET or change.connector_resource_id is UNSET:
            found = self._ask("GET", f"{_PATHS['component']}/{quote(id, safe='')}")
            with known_form(self._session.shown):
                stored = component_doc(mapping(found))
        self._put("component", id, component_change(change, stored))

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        self._put("connector", id, connector_change(change))

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        done = self._ask("DELETE", f"{_PATHS[kind]}/{quote(id, safe='')}", gone=_WAS_GONE)
        if done is _WAS_GONE:
            _log.debug("%s %s was gone already", kind, id)
        return done is not _WAS_GONE

    # -- asking ----------------------------------------------------------------------------------

    def _put(self, kind: Kind, id: str, document: Json) -> None:
        self._ask("PUT", f"{_PATHS[kind]}/{quote(id, safe='')}", document=document)

    def _listing(
        self, kind: Kind, filters: Query, where: Where, read: Callable[[Mapping[str, Any]], _Doc]
    ) -> list[_Doc]:
        found: list[_Doc] = []
        for item in self._items(_PATHS[kind], filters):
            with known_form(self._session.shown):
                document = read(item)
            if named(document.name, where):
                found.append(document)
            if where.limit is not None and len(found) >= where.limit:
                break
        return found

    def _items(self, path: str, filters: Query) -> Iterator[dict[str, Any]]:
        """What a listing holds, the oldest first, page after page."""
        number, last = 1, 1
        while number <= last:
            query = {**filters, "hydrate": True, "page": number, "sort_by": "asc:created"}
            page = self._ask("GET", path, query)
            with known_form(self._session.shown):
                body = mapping(page)
                items = [mapping(item) for item in listing(body["items"])]
                last = int(body["total_pages"])
            yield from items
            number += 1

    def _ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        document: Json = None,
        *,
        patience: float | None = None,
        gone: Json | Unset = UNSET,
    ) -> Json:
        """The document of the answer; `gone`, if it is given, where there is no such thing."""
        response = self._session.request(
            method, path, query=query, document=document, patience=patience
        )
        if response.status == _NOT_FOUND and gone is not UNSET:
            return gone
        return answered(response, self._session.shown)


def _verdict(body: Mapping[str, Any], resource_type: str | None) -> ConnectorVerdict:
    resources = [r for r in body.get("resources") or () if r["resource_type"] == resource_type]
    error = body.get("error") or next((r["error"] for r in resources if r.get("error")), None)
    ids = [str(name) for resource in resources for name in resource.get("resource_ids") or ()]
    return ConnectorVerdict(tuple(ids), error)


def _words(error: Exception) -> str:
    what, why = getattr(error, "what", None), getattr(error, "why", None)
    return str(why or what or (error.args[0] if error.args else "")) or type(error).__name__
