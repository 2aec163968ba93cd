"""Records for tests, and everything a store holds in a form that can be compared."""

from __future__ import annotations

from typing import Any

from kitaru_iac.gateway.documents import Where
from kitaru_iac.labels import MANAGED_LABEL
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.records.owner import Owner
from kitaru_iac.records.stored import Store
from kitaru_iac.redaction import SecretText
from kitaru_iac.stacks.delete import delete_orphans, delete_stack
from kitaru_iac.stacks.results import Deleted

MANAGED = {MANAGED_LABEL: "true"}


def local_records(name: str, **orchestrator: Any) -> Records:
    """A purely local stack's, unlabelled components and all."""
    return Records(
        stack=name,
        stack_type="local",
        components=(
            ComponentRecord("orchestrator", name, "local", orchestrator),
            ComponentRecord("artifact_store", name, "local"),
        ),
        labels=MANAGED,
    )


def aws_records(
    name: str,
    *,
    bucket: str = "data",
    key: str = "AKIAFIRST",
    method: str = "secret-key",
    region: str = "eu-west-1",
    namespace: str = "default",
) -> Records:
    """A kubernetes stack's on AWS."""
    secrets = {
        "aws_access_key_id": SecretText(key),
        "aws_secret_access_key": SecretText(f"{key}-secret"),
    }
    if method == "sts-token":
        secrets["aws_session_token"] = SecretText(f"{key}-token")
    host = f"123456789012.dkr.ecr.{region}.amazonaws.com"
    return Records(
        stack=name,
        stack_type="kubernetes",
        components=(
            ComponentRecord(
                "orchestrator",
                name,
                "kubernetes",
                {"kubernetes_namespace": namespace},
                uses_connector=True,
                resource_type="kubernetes-cluster",
                resource_id="cluster",
                labels=MANAGED,
            ),
            ComponentRecord(
                "artifact_store",
                name,
                "s3",
                {"path": f"s3://{bucket}/kitaru"},
                uses_connector=True,
                resource_type="s3-bucket",
                resource_id=f"s3://{bucket}",
                labels=MANAGED,
            ),
            ComponentRecord(
                "container_registry",
                name,
                "aws",
                {"uri": host},
                uses_connector=True,
                resource_type="docker-registry",
                resource_id=host,
                labels=MANAGED,
            ),
        ),
        connector=ConnectorRecord(
            name, "aws", method, {"region": region}, secrets=secrets, labels=MANAGED
        ),
        labels=MANAGED,
    )


def everything(store: Store) -> dict[str, Any]:
    """All stacks, components, connectors and secrets of a store, without ids and times."""
    gateway = store.gateway
    connectors = gateway.connectors(Where())
    names = {connector.id: connector.name for connector in connectors}
    return {
        "stacks": sorted(
            (
                stack.name,
                sorted(stack.labels.items()),
                sorted(
                    (kind, part.name) for kind, parts in stack.members.items() for part in parts
                ),
            )
            for stack in gateway.stacks(Where())
        ),
        "components": sorted(
            (
                component.type,
                component.name,
                component.flavor,
                sorted(component.labels.items()),
                sorted((key, str(value)) for key, value in component.configuration.items()),
                names.get(component.connector_id or "", ""),
                component.connector_resource_id or "",
            )
            for component in gateway.components(Where())
        ),
        "connectors": sorted(
            (
                connector.name,
                connector.auth_method,
                sorted(connector.labels.items()),
                _configuration(store, connector.id),
            )
            for connector in connectors
        ),
    }


def _configuration(store: Store, connector_id: str) -> list[tuple[str, str]]:
    whole = store.gateway.connector_with_secrets(connector_id)
    assert whole is not None
    return sorted((key, str(v)) for key, v in {**whole.configuration, **whole.secrets}.items())


def delete(
    store: Store, name: str, *, recursive: bool, force: bool, owner: Owner | None = None
) -> Deleted:
    """Delete a stack, or what one left."""
    stack = store.find(name)
    if stack is None:
        return delete_orphans(store, name, recursive=recursive)
    return delete_stack(store, stack, recursive=recursive, force=force, owner=owner)
