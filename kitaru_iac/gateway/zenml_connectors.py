"""Service connectors through ZenML's client: which types there are, registering, verifying."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.calls import asked_server
from kitaru_iac.gateway.documents import ConnectorVerdict, NewConnector, ResourceRef
from kitaru_iac.gateway.errors import translated
from kitaru_iac.gateway.quiet import quiet

if TYPE_CHECKING:
    from zenml.models import ServiceConnectorRequest, ServiceConnectorResponse
    from zenml.service_connectors.service_connector_registry import ServiceConnectorRegistry
    from zenml.zen_stores.base_zen_store import BaseZenStore

__all__ = ["connector_types", "installed_connector_types", "register", "verify"]

#: Where ZenML logs an error that it did not expect, instead of raising it, and how it begins.
_CONNECTOR_LOGGER = "zenml.service_connectors.service_connector"
_UNEXPECTED = "verification failed with unexpected error: "


def connector_types(zen: BaseZenStore, *, is_local: bool) -> frozenset[str]:
    """Give the connector types whose packages are installed where the store's process is.

    On a server its API is called directly, here and in `verify`: ZenML's client would first import
    every cloud's packages that are installed here, which takes seconds and decides nothing.
    """
    if is_local:
        return installed_connector_types()
    from zenml.constants import SERVICE_CONNECTOR_TYPES

    body = _rest(zen).get(SERVICE_CONNECTOR_TYPES)
    return frozenset(str(item["connector_type"]) for item in body)


def installed_connector_types() -> frozenset[str]:
    """Give the connector types whose packages are installed here. No store is asked."""
    found = _registry().list_service_connector_types()
    return frozenset(str(one.connector_type) for one in found)


def verify(
    zen: BaseZenStore | None,
    connector: NewConnector | str,
    resource: ResourceRef,
    *,
    is_local: bool,
) -> ConnectorVerdict:
    """Let the store try a connector. What goes wrong is the verdict.

    Args:
        zen: The store. None for a local one that is not there yet; it has no connector.
        connector: A new connector, or the id of a stored one.
        resource: What it is to reach.
        is_local: Whether the store is this process's own.

    Raises:
        NotConnectedError: The server did not answer.
    """
    with _overheard() as heard:
        try:
            with quiet():
                if isinstance(connector, str):
                    assert zen is not None
                    body = _verify_stored(zen, connector, resource, is_local=is_local)
                else:
                    body = _verify_new(zen, connector, resource, is_local=is_local)
        except Exception as error:  # whatever it is, it is this resource's result
            if not is_local and isinstance(translated(error), NotConnectedError):
                raise translated(error, asked_server()) from error
            return ConnectorVerdict(error=heard.get(_text(error)))
    verdict = _verdict(body, resource.type)
    if verdict.error is None:
        return verdict
    return ConnectorVerdict(verdict.resource_ids, heard.get(verdict.error))


def register(
    zen: BaseZenStore, request: ServiceConnectorRequest, *, is_local: bool
) -> ServiceConnectorResponse:
    """Register a connector; on a server, without importing the clouds' SDKs here.

    `RestZenStore` does so after the server has answered, to describe the connector's type: more
    than two seconds for what nobody asked. A registry that is filled already it leaves alone.
    """
    if is_local:
        return zen.create_service_connector(request)
    registry = _registry()
    with registry.lock:
        filled = registry.initialized
        registry.initialized = True
        try:
            return zen.create_service_connector(request)
        finally:
            registry.initialized = filled


def _registry() -> ServiceConnectorRegistry:
    from zenml.service_connectors.service_connector_registry import service_connector_registry

    return service_connector_registry


def _verify_new(
    zen: BaseZenStore | None, new: NewConnector, resource: ResourceRef, *, is_local: bool
) -> Mapping[str, Any]:
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
    if is_local or zen is None:  # as ZenML's own store does, which may not be there yet
        found = _registry().instantiate_connector(model=request).verify(list_resources=every)
        return found.model_dump(include={"error", "resources"})
    body: Mapping[str, Any] = _rest(zen).post(
        f"{SERVICE_CONNECTORS}{SERVICE_CONNECTOR_VERIFY}",
        body=request,
        params={"list_resources": every},
        timeout=_patience(zen),
    )
    return body


def _verify_stored(
    zen: BaseZenStore, id: str, resource: ResourceRef, *, is_local: bool
) -> Mapping[str, Any]:
    from zenml.constants import SERVICE_CONNECTOR_VERIFY, SERVICE_CONNECTORS

    every = resource.type is not None
    if is_local:
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
