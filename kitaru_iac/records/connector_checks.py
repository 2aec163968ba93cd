"""Verify a connector against the stack's own resources, each by ZenML, all at the same time.

What ZenML's word is worth: it looks the bucket, the registry or the cluster up with the connector's
identity. It does not look whether that may write there, nor at AzureML's workspace, SageMaker's
role, or a repository within ECR: that is for the checks of the infrastructure.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.connector_types import (
    Verdict,
    connector_types,
    verify_config,
    verify_stored,
)
from kitaru_iac.records.explanations import Subject, explain
from kitaru_iac.records.model import ConnectorRecord, Records

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store

__all__ = ["ConnectorCheck", "verify_connector"]

#: The logger and the words with which ZenML says what its verdict calls "an unexpected error".
_ZENML_LOGGER = "zenml.service_connectors.service_connector"
_UNEXPECTED = "verification failed with unexpected error: "


@dataclass(frozen=True, slots=True)
class ConnectorCheck:
    """What one verification found.

    Attributes:
        component: The type of the component that uses the resource.
        resource_type: ZenML's, as ``s3-bucket``; ``aws-generic`` and the like are the account.
        resource_id: Which one; None for the account.
        status: ``ok`` or ``fail``.
        message: One line. Never holds a secret.
        remedy: A command or an edit, where one is known.
    """

    component: str
    resource_type: str
    resource_id: str | None
    status: str
    message: str
    remedy: str | None = None

    @property
    def resource(self) -> str:
        """``s3-bucket s3://my-bucket``, ``aws-generic``."""
        return (
            f"{self.resource_type} {self.resource_id}" if self.resource_id else self.resource_type
        )

    def to_dict(self) -> dict[str, str]:
        """The check as JSON and YAML output carry it."""
        fields = {
            "component": self.component,
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
            "status": self.status,
            "message": self.message,
            "remedy": self.remedy,
        }
        return {key: value for key, value in fields.items() if value}


def verify_connector(store: Store, records: Records) -> list[ConnectorCheck]:
    """Whether the records' connector reaches each component's resource.

    Args:
        store: Where it is verified: this process for a local store, else the server.
        records: The desired records; an existing connector has its id.

    Returns:
        One check per component that uses the connector, in their order. A resource that has no
        name yet (it is still to be provisioned) is left out.
    """
    connector = records.connector
    if connector is None:
        return []
    subjects = [
        (c.type, Subject(connector, c.resource_type, c.resource_id, store.is_local))
        for c in records.components
        if c.uses_connector
        and c.resource_type is not None
        and (c.resource_id is not None or c.resource_type.endswith("-generic"))
    ]
    if not subjects:
        return []
    with quiet(), _overheard() as heard:
        if store.is_local:
            connector_types(store)  # imports the clouds' packages, once and in one thread
        with ThreadPoolExecutor(len(subjects), "verify-connector") as pool:
            return list(pool.map(lambda pair: _check(store, pair[0], pair[1], heard), subjects))


def _check(store: Store, component: str, subject: Subject, heard: dict[int, str]) -> ConnectorCheck:
    kind, name = subject.resource_type, subject.resource_id
    heard.pop(threading.get_ident(), None)
    verdict = _ask(store, subject.connector, kind, name)
    if verdict.error is not None:
        error = heard.get(threading.get_ident(), verdict.error)
        message, remedy = explain(error, subject)
        return ConnectorCheck(component, kind, name, "fail", message, remedy)
    if name is not None and verdict.resource_ids and not _covers(verdict.resource_ids, name):
        # ZenML takes another account's ECR for its own and is content.
        seen = ", ".join(verdict.resource_ids)
        return ConnectorCheck(
            component,
            kind,
            name,
            "fail",
            f"the connector does not reach {name}: its own is {seen}",
            "Give credentials of that account, or correct the URI.",
        )
    return ConnectorCheck(component, kind, name, "ok", f"the connector reaches the {subject.noun}")


def _ask(store: Store, connector: ConnectorRecord, kind: str, name: str | None) -> Verdict:
    if connector.existing and connector.id is not None:
        return verify_stored(store, connector.id, kind, name)
    return verify_config(store, connector, kind, name)


def _covers(found: tuple[str, ...], wanted: str) -> bool:
    """Whether what ZenML reached is what was asked for; it drops an image's path and the case."""
    asked = wanted.lower()
    return any(asked == name.lower() or asked.startswith(f"{name.lower()}/") for name in found)


@contextlib.contextmanager
def _overheard() -> Iterator[dict[int, str]]:
    """The unexpected errors that ZenML hides in its log, by the thread that met them."""
    heard: dict[int, str] = {}

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _, found, error = record.getMessage().partition(_UNEXPECTED)
            if found and record.thread is not None:
                heard[record.thread] = error

    listener = Listener(logging.WARNING)
    logger = logging.getLogger(_ZENML_LOGGER)
    logger.addHandler(listener)
    try:
        yield heard
    finally:
        logger.removeHandler(listener)
