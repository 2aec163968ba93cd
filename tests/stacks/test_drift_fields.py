"""A stack that is as described has not drifted, whichever fields its description uses."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.stacks.drift import drift_of
from tests.stacks.test_drift_rules import view_of

UUID = "00000000-0000-0000-0000-000000000123"
GAR = "us-central1-docker.pkg.dev/my-project/my-repo"
GKE = {"type": "kubernetes", "cluster": "c", "region": "us-central1", "project": "my-project"}


@pytest.mark.parametrize(
    "given",
    [
        {"type": "vertex", "container_registry": GAR, "region": "us-central1"},
        # The registry tells the project too, and the store gives neither back as it was written.
        {**GKE, "container_registry": GAR},
        {**GKE, "container_registry": "ghcr.io/me"},
        {
            "type": "vertex",
            "container_registry": GAR,
            "region": "us-central1",
            "project": "my-project",
        },
        {"type": "local", "project": "my-project", "credentials": "implicit"},
        {"type": "local", "project": "my-project", "connector": "shared"},
    ],
    ids=["vertex", "gke", "gke-other", "vertex-project", "local", "local-connector"],
)
def test_on_google_cloud(given: dict[str, Any]) -> None:
    given = {"name": "prod", "artifact_store": "gs://my-bucket/kitaru", **given}
    found = drift_of(given, view_of(given))
    assert not found, found


@pytest.mark.parametrize(
    "given",
    [
        {"artifact_store": "s3://my-bucket/kitaru", "region": "eu-west-1", "connector": "shared"},
        {"artifact_store": "s3://my-bucket/k", "region": "eu-west-1", "credentials": "implicit"},
        {
            "artifact_store": "az://my-container/kitaru",
            "subscription_id": UUID,
            "resource_group": "ml",
            "credentials": "implicit",
        },
        {"artifact_store": "s3://my-bucket/k", "region": "eu-west-1", "infra": "verify"},
    ],
    ids=["connector", "credentials", "azure", "infra"],
)
def test_of_a_local_stack(given: dict[str, Any]) -> None:
    given = {"name": "dev", "type": "local", **given}
    found = drift_of(given, view_of(given))
    assert not found, found


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SAGEMAKER = {
    "name": "prod",
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifact_store": "s3://my-bucket/kitaru",
    "execution_role": "arn:aws:iam::123456789012:role/Runtime",
}


@pytest.mark.parametrize(
    "given",
    [
        {"container_registry": f"{ECR}/agents"},
        {
            "container_registry": ECR,
            "extra": {"container_registry": {"default_repository": "agents"}},
        },
        {
            "container_registry": f"{ECR}/agents",
            "extra": {"container_registry": {"default_repository": "agents"}},
        },
        {"container_registry": ECR, "extra": {"orchestrator": {"synchronous": False}}},
        {"container_registry": ECR, "async": True},
        {"container_registry": ECR, "extra": {"artifact_store": {"client_kwargs": {"a": 1}}}},
    ],
    ids=["in the uri", "in extra", "in both", "synchronous", "async", "nested"],
)
def test_on_amazon(given: dict[str, Any]) -> None:
    given = {**SAGEMAKER, **given}
    found = drift_of(given, view_of(given))
    assert not found, found


def test_a_registrys_repository_that_somebody_changed_is_told() -> None:
    given = {
        **SAGEMAKER,
        "container_registry": ECR,
        "extra": {"container_registry": {"default_repository": "agents"}},
    }
    other = {**given, "extra": {"container_registry": {"default_repository": "others"}}}
    assert drift_of(given, view_of(other))
    assert drift_of(given, view_of({**given, "extra": {}}))
    found = drift_of({**given, "container_registry": f"{ECR}/agents"}, view_of(other))
    assert found
