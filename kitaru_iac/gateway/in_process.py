"""The adapter that works through ZenML's own client, in this process.

What it owns is the local store; a server it reaches with the login that ZenML has. As ZenML does,
opening may write: a first database, a migration, a new token, the default stack in place of one
that is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
    Member,
    NewComponent,
    NewConnector,
    NewStack,
    ResourceRef,
    StackChange,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.opening import require_answer
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.redaction import SecretText

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import (
        ComponentResponse,
        FlavorResponse,
        ServiceConnectorRequest,
        ServiceConnectorResponse,
        StackResponse,
    )
    from zenml.zen_stores.base_zen_store import BaseZenStore

__all__ = ["InProcess"]

_log = logging.getLogger("kitaru_iac.gateway")

#: So many come in one answer.
_PIECE = 200
#: Where ZenML logs an error that it did not expect, instead of raising it, and how it begins.
_CONNECTOR_LOGGER = "zenml.service_connectors.service_connector"
_UNEXPECTED = "verification failed with unexpected error: "
#: Pydantic's error for a required field that is not there.
_ABSENT = "missing"


class InProcess:
    """A store through ZenML's client. Implements `Gateway`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._heard: dict[KitaruWarning, None] = {}
        self._flavors: dict[tuple[str, str], FlavorResponse] = {}

    @classmethod
    def open(cls) -> InProcess:
        """Connect as ZenML's own configuration says.

        Raises:
            NotConnectedError: No store answers.
            NotAllowedError: The login is not accepted.
        """
        require_answer()
        with quiet() as heard, translate_errors():
            from zenml.client import Client

            client = Client()
            _ = client.zen_store
        opened = cls(client)
        opened._heard.update(dict.fromkeys(heard.warnings))
        return opened

    @contextlib.contextmanager
    def _zenml(self) -> Iterator[BaseZenStore]:
        """ZenML's store, for one call: muted, its errors ours, its warnings kept."""
        with quiet() as heard:
            try:
                with translate_errors():
                    yield self.client.zen_store
            finally:
                self._heard.update(dict.fromkeys(heard.warnings))

    # -- the store -------------------------------------------------------------------------------

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        from kitaru_iac.redaction import url as plain_url

        with self._zenml() as zen:
            is_local = zen.type.value == "sql"
            return StorePlace(
                kind="local" if is_local else "server",
                url=plain_url(zen.url),
                is_on_this_machine=is_local or zen.is_local_store(),
            )

    @cached_property
    def version(self) -> str:
        """See `Reads.version`."""
        with self._zenml() as zen:
            return str(zen.get_store_info().version)

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """See `Reads.warnings`."""
        return list(self._heard)

    @property
    def _is_local(self) -> bool:
        return self.place.kind == "local"

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        with self._zenml() as zen:
            from zenml.models import StackFilter

            filters = _filters(where, component_id=where.uses_component)
            found = _all(
                lambda page: zen.list_stacks(StackFilter(**page), hydrate=True),
                filters,
                where.limit,
            )
            return [_stack(item) for item in found if _is_named(item, where)]

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        with self._zenml() as zen:
            from zenml.models import ComponentFilter

            filters = _filters(where, stack_id=where.in_stack, connector_id=where.uses_connector)
            found = _all(
                lambda page: zen.list_stack_components(ComponentFilter(**page), hydrate=True),
                filters,
                where.limit,
            )
            return [_component(item) for item in found if _is_named(item, where)]

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorFilter

            found = _all(
                lambda page: zen.list_service_connectors(
                    ServiceConnectorFilter(**page), hydrate=True, expand_secrets=False
                ),
                _filters(where),
                where.limit,
            )
            return [_connector(item) for item in found if _is_named(item, where)]

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        with self._zenml() as zen:
            try:
                return _connector(zen.get_service_connector(UUID(id), expand_secrets=True))
            except KeyError:
                return None

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        with self._zenml() as zen:
            from zenml.models import FlavorFilter

            listed = FlavorFilter(name=f"oneof:{json.dumps(sorted(names))}", size=_PIECE)
            self._flavors = {
                (item.type.value, item.name): item
                for item in zen.list_flavors(listed, hydrate=True).items
            }
            return [self._flavor(item) for item in self._flavors.values()]

    def _flavor(self, item: FlavorResponse) -> FlavorDoc:
        # A server's flavors are not imported for it: that takes longer than all else before a
        # write. Its schema names the fields as well.
        model = _flavor_model(item) if self._is_local else None
        fields = model.model_fields if model else item.config_schema.get("properties", {})
        return FlavorDoc(item.type.value, item.name, frozenset(fields))

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """See `Gateway.field_errors`."""
        with self._zenml():
            from pydantic import ValidationError

            model = _flavor_model(self._flavors[flavor.type, flavor.name])
            if model is None:
                return []
            try:
                model(**configuration)
            except ValidationError as error:
                return [
                    FieldError(
                        field=".".join(map(str, detail["loc"])),
                        message=detail["msg"],
                        is_absent=detail["type"] == _ABSENT and len(detail["loc"]) <= 1,
                        is_secret=_is_secret(model, detail["loc"]),
                    )
                    for detail in error.errors(include_url=False, include_input=False)
                ]
            except Exception as error:  # noqa: BLE001 (its validators may raise what they like)
                lines = str(error).strip().splitlines() or [type(error).__name__]
                return [FieldError("", lines[0])]
            return []

    # -- connectors ------------------------------------------------------------------------------

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`.

        On a server its API is called directly, here and in `verify_connector`: ZenML's client would
        first import every cloud's packages that are installed here, which takes seconds and decides
        nothing.
        """
        with self._zenml() as zen:
            if self._is_local:
                return frozenset(
                    str(found.connector_type) for found in zen.list_service_connector_types()
                )
            from zenml.constants import SERVICE_CONNECTOR_TYPES

            body = _rest(zen).get(SERVICE_CONNECTOR_TYPES)
            return frozenset(str(item["connector_type"]) for item in body)

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        with _overheard() as heard:
            try:
                with quiet():
                    body = (
                        self._verify_stored(connector, resource)
                        if isinstance(connector, str)
                        else self._verify_new(connector, resource)
                    )
            except Exception as error:  # noqa: BLE001 (whatever it is, it is this resource's result)
                return ConnectorVerdict(error=heard.get(_text(error)))
        verdict = _verdict(body, resource.type)
        if verdict.error is None:
            return verdict
        return ConnectorVerdict(verdict.resource_ids, heard.get(verdict.error))

    def _verify_new(self, new: NewConnector, resource: ResourceRef) -> Mapping[str, Any]:
        from zenml.constants import SERVICE_CONNECTOR_VERIFY, SERVICE_CONNECTORS
        from zenml.models import ServiceConnectorRequest
        from zenml.models.v2.core.service_connector import ServiceConnectorConfiguration

        secrets = {key: str(value) for key, value in new.secrets.items()}
        request = ServiceConnectorRequest(
            name=new.name,
            connector_type=new.type,
            auth_method=new.auth_method,
            configuration=ServiceConnectorConfiguration(**new.configuration, **secrets),
            resource_types=[resource.type] if resource.type else [],
            resource_id=resource.id,
            supports_instances=resource.type is not None and resource.id is None,
        )
        every = resource.type is not None
        zen = self.client.zen_store
        if self._is_local:
            found = zen.verify_service_connector_config(request, list_resources=every)
            return found.model_dump(include={"error", "resources"})
        body: Mapping[str, Any] = _rest(zen).post(
            f"{SERVICE_CONNECTORS}{SERVICE_CONNECTOR_VERIFY}",
            body=request,
            params={"list_resources": every},
            timeout=_patience(zen),
        )
        return body

    def _verify_stored(self, id: str, resource: ResourceRef) -> Mapping[str, Any]:
        from zenml.constants import SERVICE_CONNECTOR_VERIFY, SERVICE_CONNECTORS

        every = resource.type is not None
        zen = self.client.zen_store
        if self._is_local:
            found = zen.verify_service_connector(
                UUID(id), resource.type, resource.id, list_resources=every
            )
            return found.model_dump(include={"error", "resources"})
        params: dict[str, object] = {"list_resources": every}
        if resource.type:
            params["resource_type"] = resource.type
        if resource.id:
            params["resource_id"] = resource.id
        body: Mapping[str, Any] = _rest(zen).put(
            f"{SERVICE_CONNECTORS}/{id}{SERVICE_CONNECTOR_VERIFY}",
            params=params,
            timeout=_patience(zen),
        )
        return body

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
                components=components,
                labels=dict(new.labels),
                service_connectors=list(links),
            )
            return _stack(zen.create_stack(request))

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
            return _component(zen.create_stack_component(request))

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorRequest

            request = ServiceConnectorRequest(
                name=new.name,
                connector_type=new.type,
                auth_method=new.auth_method,
                configuration=_configuration(new.configuration, new.secrets),
                labels=dict(new.labels),
            )
            return _connector(self._register_connector(zen, request))

    def _register_connector(
        self, zen: BaseZenStore, request: ServiceConnectorRequest
    ) -> ServiceConnectorResponse:
        """Register a connector; on a server, without importing the clouds' SDKs here.

        `RestZenStore` does so after the server has answered, to describe the connector's type: more
        than two seconds for what nobody asked. A registry that is filled already it leaves alone.
        """
        if self._is_local:
            return zen.create_service_connector(request)
        from zenml.service_connectors.service_connector_registry import (
            service_connector_registry as registry,
        )

        with registry.lock:
            filled = registry.initialized
            registry.initialized = True
            try:
                return zen.create_service_connector(request)
            finally:
                registry.initialized = filled

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
                stored = _component(zen.get_stack_component(UUID(id), hydrate=True))
                connector = stored.connector_id if connector is UNSET else connector
                resource = stored.connector_resource_id if resource is UNSET else resource
            given["connector"] = UUID(connector) if connector else None
            given["connector_resource_id"] = resource
            zen.update_stack_component(UUID(id), ComponentUpdate(**given))

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        with self._zenml() as zen:
            from zenml.models import ServiceConnectorUpdate

            given: dict[str, Any] = {}
            if change.name is not UNSET:
                given["name"] = change.name
            if change.auth_method is not UNSET:
                given["auth_method"] = change.auth_method
            if change.configuration is not UNSET:
                secrets = {} if change.secrets is UNSET else change.secrets
                given["configuration"] = _configuration(change.configuration, secrets)
            if change.labels is not UNSET:
                given["labels"] = dict(change.labels)
            zen.update_service_connector(UUID(id), ServiceConnectorUpdate(**given))

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        with self._zenml() as zen:
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


def _filters(where: Where, **more: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if where.names is not None:
        found["name"] = f"oneof:{json.dumps(where.names)}"
    if where.ids is not None:
        found["id"] = f"oneof:{json.dumps(where.ids)}"
    if where.id_prefix is not None:
        found["id"] = f"startswith:{where.id_prefix}"
    found.update({key: UUID(value) for key, value in more.items() if value is not None})
    found["size"] = min(where.limit or _PIECE, _PIECE)
    return found


def _all(
    ask: Callable[[dict[str, Any]], Any], filters: dict[str, Any], limit: int | None
) -> list[Any]:
    """The pages of a listing, one after the other."""
    items: list[Any] = []
    number = 1
    while True:
        page = ask({**filters, "page": number})
        items += page.items
        if number >= page.total_pages or (limit is not None and len(items) >= limit):
            return items[:limit]
        number += 1


def _is_named(item: Any, where: Where) -> bool:
    """A database may compare names without case: only what was asked for counts."""
    return where.names is None or item.name in where.names


def _labels(stored: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (stored or {}).items()}


def _time(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _stack(item: StackResponse) -> StackDoc:
    return StackDoc(
        id=str(item.id),
        name=item.name,
        labels=_labels(item.labels),
        members={
            kind.value: tuple(Member(str(c.id), c.name) for c in components)
            for kind, components in item.components.items()
        },
        updated=_time(item.updated),
    )


def _component(item: ComponentResponse) -> ComponentDoc:
    return ComponentDoc(
        id=str(item.id),
        type=item.type.value,
        name=item.name,
        flavor=item.flavor_name,
        configuration=dict(item.configuration),
        labels=_labels(item.labels),
        connector_id=str(item.connector.id) if item.connector is not None else None,
        connector_resource_id=item.connector_resource_id,
        updated=_time(item.updated),
    )


def _connector(item: ServiceConnectorResponse) -> ConnectorDoc:
    from pydantic import SecretStr

    plain: dict[str, Any] = {}
    hidden: dict[str, SecretText] = {}
    for key, value in (item.configuration or {}).items():
        if isinstance(value, SecretStr):
            hidden[key] = SecretText(value.get_secret_value())
        else:
            plain[key] = value
    kind = item.connector_type
    return ConnectorDoc(
        id=str(item.id),
        name=item.name,
        type=kind if isinstance(kind, str) else kind.connector_type,
        auth_method=item.auth_method,
        configuration=plain,
        secrets=hidden,
        labels=_labels(item.labels),
        updated=_time(item.updated),
    )


def _configuration(plain: Mapping[str, Any], secrets: Mapping[str, SecretText]) -> dict[str, Any]:
    """Plain and secret fields together, as ZenML takes them: it tells them apart by type."""
    from pydantic import SecretStr

    return {**plain, **{key: SecretStr(str(value)) for key, value in secrets.items()}}


def _flavor_model(item: FlavorResponse) -> Any:
    """The flavor's own model; None where its packages are not installed here."""
    from zenml.stack.flavor import Flavor

    try:
        return Flavor.from_model(item).config_class
    except ImportError:
        return None


def _is_secret(model: Any, place: tuple[int | str, ...]) -> bool:
    from zenml.utils.secret_utils import is_secret_field

    field = model.model_fields.get(place[0]) if place else None
    return field is not None and is_secret_field(field)


def _rest(zen: BaseZenStore) -> Any:
    """ZenML's store of a server: `get`, `post` and `put` call its API with the stored login."""
    return zen


def _patience(zen: BaseZenStore) -> int:
    from zenml.constants import SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT

    return max(int(_rest(zen).config.http_timeout), SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT)


def _verdict(body: Mapping[str, Any], resource_type: str | None) -> ConnectorVerdict:
    resources = [r for r in body.get("resources", ()) if r["resource_type"] == resource_type]
    error = body.get("error") or next((r["error"] for r in resources if r.get("error")), None)
    ids = [name for resource in resources for name in resource.get("resource_ids") or ()]
    return ConnectorVerdict(tuple(ids), error)


def _text(error: Exception) -> str:
    return str(error.args[0] if error.args else "") or type(error).__name__


class _Overheard(logging.Handler):
    """The unexpected error that ZenML hides in its log, met by the thread that made this."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._error: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        _, found, error = record.getMessage().partition(_UNEXPECTED)
        if found and threading.get_ident() == self._thread:
            self._error = error

    def get(self, error: str) -> str:
        """What was overheard, or else this."""
        return self._error or error


@contextlib.contextmanager
def _overheard() -> Iterator[_Overheard]:
    heard = _Overheard()
    logger = logging.getLogger(_CONNECTOR_LOGGER)
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
