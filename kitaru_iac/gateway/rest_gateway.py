"""The adapter that works through a ZenML server's REST API, without ZenML.

What is sent is what every server from 0.85 on knows; which fields a component has and which types
a connector has is what *that* server says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import quote

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.gateway import answers
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
from kitaru_iac.gateway.guards import EndlessListing, read_through
from kitaru_iac.gateway.http import Json, Query, Response
from kitaru_iac.gateway.rest_documents import (
    component_change,
    component_doc,
    component_request,
    connector_change,
    connector_doc,
    connector_request,
    filters_of,
    named,
    secret_fields,
    stack_change,
    stack_doc,
    stack_request,
    verification_request,
)
from kitaru_iac.gateway.session import Session
from kitaru_iac.gateway.versions import check_server, could_be_version
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.notices import KitaruWarning

__all__ = ["RestGateway"]


_Doc = TypeVar("_Doc", StackDoc, ComponentDoc, ConnectorDoc)

_PATHS: Final[Mapping[Kind, str]] = {
    "stack": "/stacks",
    "component": "/components",
    "connector": "/service_connectors",
}
#: ZenML's `SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT`, in seconds: the server asks the cloud.
_VERIFYING: Final = 120


class RestGateway:
    """A store on a server. Implements `Gateway`; for several threads at once.

    Args:
        session: The server, and the login for it.
        local_server_id: The id that a server has which this machine itself started.
    """

    def __init__(self, session: Session, *, local_server_id: str | None = None) -> None:
        self._session = session
        self._local_server_id = local_server_id
        self._warnings: Sequence[KitaruWarning] = ()
        self._schemas: dict[tuple[str, str], Mapping[str, Any]] = {}
        #: What the server is set up with, asked once for a connection, whoever asks.
        self._set_up = threading.Lock()
        self._flavors: dict[frozenset[str], list[FlavorDoc]] = {}
        self._types: frozenset[str] | None = None

    @classmethod
    def open(cls, store: RestStore, local_server_id: str | None = None) -> RestGateway:
        """Make the gateway to a server, which is asked who it is.

        Raises:
            UnreadableError: Only ZenML knows the way to it.
            NotConnectedError: It does not answer, is no ZenML server, or is too old.
        """
        opened = cls(Session(store), local_server_id=local_server_id)
        opened._warnings = check_server(opened._session.shown, opened.version)
        return opened

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    # -- the store -------------------------------------------------------------------------------

    @cached_property
    def _info(self) -> Mapping[str, str]:
        response = self._ask("GET", "/info")
        try:
            found = answers.mapping(response)
        except NotFoundError as error:
            raise answers.always_there(response, error) from error
        version = found.get("version")
        if not could_be_version(version):
            raise answers.not_an_answer(response, "It did not say which version it is")
        with _read(response):
            return {"id": str(found["id"]), "version": str(version)}

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        own, theirs = canonical_id(self._local_server_id or ""), canonical_id(self._info["id"])
        is_here = own is not None and theirs == own
        return StorePlace("server", self._session.shown, is_on_this_machine=is_here, id=theirs)

    @property
    def version(self) -> str:
        """See `Reads.version`."""
        return self._info["version"]

    def now(self) -> datetime:
        """See `Reads.now`."""
        return self._session.now()

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """See `Reads.warnings`."""
        return self._warnings

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
        path = _path("connector", id)
        response = self._ask("GET", path, {"expand_secrets": True})
        try:
            whole = answers.mapping(response)
        except NotFoundError:
            return None
        with _read(response):
            secret = secret_fields(whole)
            if secret is None:  # then they are the fields that come only when they are asked for
                plain = answers.mapping(self._ask("GET", path, {"expand_secrets": False}))
                known = _mapping(_mapping(plain["metadata"])["configuration"])
                secret = frozenset(_mapping(_mapping(whole["metadata"])["configuration"])) - set(
                    known
                )
            return connector_doc(whole, secret, asked=True)

    def connectors_with_secrets(self, ids: Collection[str]) -> list[ConnectorDoc]:
        """See `Gateway.connectors_with_secrets`: one request, where the server knows the types."""
        where = Where(ids=tuple(ids))
        found: list[ConnectorDoc] = []
        filters = {**filters_of(where), "expand_secrets": True}
        for response, item in self._items(_PATHS["connector"], filters):
            with _read(response):
                secret = secret_fields(item)
                doc = connector_doc(item, secret or (), asked=True)
            if secret is None:
                alone = self.connector_with_secrets(doc.id)
                found += [] if alone is None else [alone]
            else:
                found.append(doc)
        return found

    def orphaned_secrets(
        self,
        connectors: Collection[str] | None = None,  # noqa: ARG002
    ) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`: none."""
        return []

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        wanted = frozenset(names)
        with self._set_up:
            if wanted not in self._flavors:
                self._flavors[wanted] = self._ask_flavors(wanted)
            return self._flavors[wanted]

    def _ask_flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        found: list[FlavorDoc] = []
        for response, item in self._items(
            "/flavors", filters_of(Where(names=tuple(sorted(names))))
        ):
            with _read(response):
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
        with self._set_up:
            if self._types is None:
                response = self._ask("GET", "/service_connector_types")
                found = answers.document(response)
                with _read(response):
                    kinds = (_mapping(item)["connector_type"] for item in _list(found))
                    self._types = frozenset(map(str, kinds))
            return self._types

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        response = self._verification(connector, resource)
        try:
            found = answers.mapping(response)
            with _read(response):
                return _verdict(found, resource.type)
        except KitaruError as error:
            if not answers.is_of_the_request(response):
                raise
            return ConnectorVerdict(error=error.why or error.what)

    def _verification(self, connector: NewConnector | str, resource: ResourceRef) -> Response:
        query: dict[str, str | int | bool | Sequence[str]] = {
            "list_resources": resource.type is not None
        }
        if not isinstance(connector, str):
            return self._ask(
                "POST",
                f"{_PATHS['connector']}/verify",
                query,
                verification_request(connector, resource),
                patience=_VERIFYING,
                is_read=True,
            )
        if resource.type:
            query["resource_type"] = resource.type
        if resource.id:
            query["resource_id"] = resource.id
        path = f"{_path('connector', connector)}/verify"
        return self._ask("PUT", path, query, patience=_VERIFYING, is_read=True)

    # -- creating --------------------------------------------------------------------------------

    def create_stack(self, new: NewStack) -> StackDoc:
        """See `Gateway.create_stack`. A server takes back what it made when a later part fails."""

        def made(document: Mapping[str, Any]) -> StackDoc:
            doc = stack_doc(document)
            for kind, of_kind in new.members.items():
                if len(doc.members[kind]) != len(of_kind):
                    raise ValueError(f"{len(doc.members[kind])} of {kind} in the stack")
            return doc

        return self._made("stack", stack_request(new), made)

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Gateway.create_component`."""
        return self._made("component", component_request(new), component_doc)

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        return self._made("connector", connector_request(new), connector_doc)

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        self._change("stack", id, stack_change(change))

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        stored: ComponentDoc | None = None
        if change.connector_id is UNSET or change.connector_resource_id is UNSET:
            response = self._ask("GET", _path("component", id))
            found = answers.mapping(response)
            with _read(response):
                stored = component_doc(found)
        self._change("component", id, component_change(change, stored))

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        response = self._ask("GET", _path("connector", id), {"expand_secrets": False})
        found = answers.mapping(response)
        with _read(response):
            document = connector_change(change, found)
        self._change("connector", id, document)

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        if kind == "secret":
            return False  # the API hides a connector's secret
        response = self._ask("DELETE", _path(kind, id))
        try:
            answers.document(response)
        except NotFoundError:
            import logging  # seldom needed, and slow to import

            logging.getLogger("kitaru_iac.gateway").debug("%s %s was gone already", kind, id)
            return False
        return True

    # -- asking ----------------------------------------------------------------------------------

    def _made(self, kind: Kind, document: Json, read: Callable[[Mapping[str, Any]], _Doc]) -> _Doc:
        response = self._ask("POST", _PATHS[kind], document=document)
        made = answers.mapping(response)
        with _read(response):
            return read(made)

    def _change(self, kind: Kind, id: str, document: Json) -> None:
        answers.mapping(self._ask("PUT", _path(kind, id), document=document))

    def _listing(
        self, kind: Kind, filters: Query, where: Where, read: Callable[[Mapping[str, Any]], _Doc]
    ) -> list[_Doc]:
        found: list[_Doc] = []
        for response, item in self._items(_PATHS[kind], filters):
            with _read(response):
                document = read(item)
            if named(document.name, where):
                found.append(document)
            if where.limit is not None and len(found) >= where.limit:
                break
        return found

    def _items(self, path: str, filters: Query) -> Iterator[tuple[Response, Mapping[str, Any]]]:
        """What a listing holds, the oldest first, page after page, with the answer it came in."""
        response: Response | None = None

        def page(
            number: int, may_be_gone: bool
        ) -> tuple[dict[str, tuple[Response, Mapping[str, Any]]], int, int] | None:
            query = {**filters, "hydrate": True, "page": number, "sort_by": "asc:created"}

            def ask() -> Response:
                nonlocal response
                response = self._ask("GET", path, query)
                return response

            found = answers.page(
                ask,
                number,
                int(str(filters["size"])),
                lambda answer: may_be_gone and answers.is_of_the_request(answer),
            )
            if found is None:
                return None
            answer, items, total, pages = found
            with _read(answer):
                return {str(item["id"]): (answer, item) for item in items}, total, pages

        try:
            for piece in read_through(page):
                yield from piece
        except EndlessListing as error:
            assert response is not None
            raise answers.not_an_answer(response, f"It answered with {error}") from error

    def _ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        document: Json = None,
        *,
        patience: float | None = None,
        is_read: bool | None = None,
    ) -> Response:
        return self._session.request(
            method, path, query=query, document=document, patience=patience, is_read=is_read
        )


def _path(kind: Kind, id: str) -> str:
    return f"{_PATHS[kind]}/{quote(id, safe='')}"


@contextmanager
def _read(response: Response) -> Iterator[None]:
    """Turn what reading a document of another form raises into an error."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"It answered in another form ({type(error).__name__}: {error})"
        raise answers.not_an_answer(response, why) from error


def _mapping(found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise TypeError("not a mapping")
    return found


def _list(found: object) -> list[object]:
    if not isinstance(found, list):
        raise TypeError("not a list")
    return found


def _verdict(body: Mapping[str, Any], resource_type: str | None) -> ConnectorVerdict:
    resources = [r for r in body.get("resources") or () if r["resource_type"] == resource_type]
    error = body.get("error") or next((r["error"] for r in resources if r.get("error")), None)
    if error is None and resource_type is not None and not resources:
        raise ValueError(f"nothing about {resource_type}")  # which says nothing of what was asked
    ids = [str(name) for resource in resources for name in resource.get("resource_ids") or ()]
    return ConnectorVerdict(tuple(ids), error)
