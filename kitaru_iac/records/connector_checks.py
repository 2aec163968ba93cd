"""Verify a connector against the stack's own resources, each by ZenML, all at the same time.

What ZenML's word is worth: it looks the bucket, the registry or the cluster up with the connector's
identity. It does not look whether that may write there, nor at AzureML's workspace, SageMaker's
role, or a repository within ECR: that is for the checks of the infrastructure.
"""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.errors import CheckFailed, NotConnectedError
from kitaru_iac.gateway.documents import ConnectorVerdict, ResourceRef
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records.explanations import Subject, explain
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.requests import new_connector
from kitaru_iac.records.together import asking
from kitaru_iac.values import dataclass

__all__ = ["ConnectorCheck", "require_ok", "verify_connector"]


@dataclass(frozen=True, slots=True)
class ConnectorCheck:
    """What one verification found.

    Attributes:
        component: The type of the component that uses the resource.
        resource_type: ZenML's, as ``s3-bucket``; ``aws-generic`` and the like are the account.
        resource_id: Which one; None for the account.
        status: ``ok`` or ``fail``; ``unknown`` where the store did not answer.
        message: One line. Never holds a secret.
        remedy: A command or an edit, where one is known.
        unanswered: Why it is not known.
    """

    component: str
    resource_type: str
    resource_id: str | None
    status: str
    message: str
    remedy: str | None = None
    unanswered: NotConnectedError | None = None

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


def verify_connector(gateway: Gateway, records: Records) -> list[ConnectorCheck]:
    """Whether the records' connector reaches each component's resource.

    Args:
        gateway: Where it is verified: this process for a local store, else the server.
        records: The desired records; an existing connector has its id.

    Returns:
        One check per component that uses the connector, in their order. A resource that has no
        name yet (it is still to be provisioned) is left out.
    """
    connector = records.connector
    if connector is None:
        return []
    is_local = gateway.place.kind == "local"
    subjects = [
        (c.type, Subject(connector, c.resource_type, c.resource_id, is_local))
        for c in records.components
        if c.uses_connector
        and c.resource_type is not None
        and (c.resource_id is not None or c.resource_type.endswith("-generic"))
    ]
    if not subjects:
        return []
    if is_local:
        gateway.connector_types()  # imports the clouds' packages, once and in one thread
    with asking(len(subjects), "verify-connector") as pool:
        return list(pool.map(lambda pair: _check(gateway, pair[0], pair[1]), subjects))


def require_ok(checks: Sequence[ConnectorCheck]) -> None:
    """Refuse to go on with a connector that does not reach all of its resources.

    Raises:
        CheckFailed: It cannot use one of them.
        NotConnectedError: Whether it can is not known, since the store did not answer.
    """
    wrong = [check for check in checks if check.status != "ok"]
    failed = [check for check in wrong if check.status == "fail"]
    why = "\n".join(f"{check.resource}: {check.message}" for check in wrong)
    remedy = "\n".join(dict.fromkeys(check.remedy for check in wrong if check.remedy)) or None
    if failed:
        raise CheckFailed(
            f"The connector cannot use {len(failed)} of the stack's {len(checks)} resources",
            why=why,
            remedy=remedy,
        )
    for check in wrong:
        raise NotConnectedError(
            "Whether the connector can use the stack's resources is not known; nothing was written",
            where=check.unanswered.where if check.unanswered else None,
            why=why,
            remedy=remedy,
        )


def _check(gateway: Gateway, component: str, subject: Subject) -> ConnectorCheck:
    kind, name = subject.resource_type, subject.resource_id
    try:
        verdict = _ask(gateway, subject.connector, ResourceRef(kind, name))
    except NotConnectedError as error:
        why = f"the server gave no answer: {error.why or error.what}"
        return ConnectorCheck(component, kind, name, "unknown", why, error.remedy, error)
    if verdict.error is not None:
        message, remedy = explain(verdict.error, subject)
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


def _ask(gateway: Gateway, connector: ConnectorRecord, resource: ResourceRef) -> ConnectorVerdict:
    if connector.existing and connector.id is not None:
        return gateway.verify_connector(connector.id, resource)
    return gateway.verify_connector(new_connector(connector), resource)


def _covers(found: tuple[str, ...], wanted: str) -> bool:
    """Whether what ZenML reached is what was asked for; it drops an image's path and the case."""
    asked = wanted.lower()
    return any(asked == name.lower() or asked.startswith(f"{name.lower()}/") for name in found)
