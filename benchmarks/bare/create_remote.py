"""Register a stack on AWS with its service connector in one call and make it active."""

from __future__ import annotations

import sys
from typing import Any

from zenml.client import Client
from zenml.enums import StackComponentType as Kind
from zenml.models import ComponentInfo, ServiceConnectorInfo, StackRequest

name = sys.argv[1]
host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def component(flavor: str, resource: str, **configuration: Any) -> list[ComponentInfo]:
    """One that reaches its resource through the connector."""
    info = ComponentInfo(
        flavor=flavor,
        service_connector_index=0,
        service_connector_resource_id=resource,
        configuration=configuration,
    )
    return [info]


client = Client()
connector = ServiceConnectorInfo(
    type="aws",
    auth_method="secret-key",
    configuration={
        "region": "eu-west-1",
        "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key": "x" * 40,
    },
)
client.zen_store.create_stack(
    StackRequest(
        name=name,
        service_connectors=[connector],
        components={
            Kind.ORCHESTRATOR: component("kubernetes", "cluster", kubernetes_namespace="default"),
            Kind.ARTIFACT_STORE: component("s3", "s3://my-bucket", path="s3://my-bucket/kitaru"),
            Kind.CONTAINER_REGISTRY: component("aws", host, uri=host),
        },
        labels={"kitaru.managed": "true"},
    )
)
client.activate_stack(name)
