"""A stack that was made from a description gives that description back."""

from __future__ import annotations

import pytest

from kitaru_iac.records.describe import describe
from kitaru_iac.spec import from_mapping
from tests.homes import Home

_ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DESCRIPTIONS = {
    "local": {"name": "dev", "type": "local"},
    "eks": {
        "name": "eks",
        "type": "kubernetes",
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": f"{_ECR}/team/agents",
        "cluster": "prod-cluster",
        "region": "eu-west-1",
        "namespace": "ml",
    },
    "gke": {
        "name": "gke",
        "type": "kubernetes",
        "artifact_store": "gs://my-bucket/kitaru",
        "container_registry": "europe-west4-docker.pkg.dev/my-project/my-repo",
        "cluster": "prod-cluster",
        "region": "europe-west4",
        "namespace": "default",
    },
    "aks": {
        "name": "aks",
        "type": "kubernetes",
        "artifact_store": "az://my-container/kitaru",
        "container_registry": "demo1.azurecr.io",
        "cluster": "prod-cluster",
        "namespace": "default",
        "subscription_id": "00000000-0000-0000-0000-000000000123",
        "resource_group": "ml-platform",
    },
    "vertex": {
        "name": "vertex",
        "type": "vertex",
        "artifact_store": "gs://my-bucket/kitaru",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
        "region": "us-central1",
    },
    "sagemaker": {
        "name": "sagemaker",
        "type": "sagemaker",
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": _ECR,
        "region": "eu-west-1",
        "execution_role": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
    },
    "azureml": {
        "name": "azureml",
        "type": "azureml",
        "artifact_store": "az://my-container/kitaru",
        "container_registry": "demo1.azurecr.io/my-team/my-image",
        "subscription_id": "00000000-0000-0000-0000-000000000123",
        "resource_group": "ml-platform",
        "workspace": "team-ml",
        "region": "westeurope",
    },
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_there_and_back(home: Home, kind):
    from kitaru_iac.stacks import operations

    given = DESCRIPTIONS[kind]
    operations.create(from_mapping({**given, "verify": False, "activate": False}))
    back = describe(given["name"])
    connector = back.pop("connector", None)
    assert back == given
    assert connector == (None if kind == "local" else given["name"])
    from_mapping({**back, "connector": connector} if connector else back)
