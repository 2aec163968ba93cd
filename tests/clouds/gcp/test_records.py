"""What a description on Google Cloud becomes, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.spec.model import KubernetesSpec, LocalSpec, VertexSpec
from kitaru_iac.stacks.desired import desired_records
from tests.spec.test_credentials import ACCOUNT, external_account, saved, service_account

REGISTRY = "us-central1-docker.pkg.dev/my-project/my-repo"
MANAGED = {"kitaru.managed": "true"}

VERTEX = {
    "name": "prod-vertex",
    "artifact_store": "gs://my-bucket/kitaru",
    "container_registry": REGISTRY,
    "region": "us-central1",
}
KUBERNETES = {**VERTEX, "name": "prod-gke", "cluster": "prod-cluster", "namespace": "ml"}


def vertex(**changes: Any) -> Records:
    return desired_records(VertexSpec(**{**VERTEX, **changes}))


def own(kind: str, id: str | None, labels: dict[str, str] = MANAGED) -> dict[str, Any]:
    return {"labels": labels, "uses_connector": True, "resource_type": kind, "resource_id": id}


def test_vertex() -> None:
    name = "prod-vertex"
    assert vertex() == Records(
        stack=name,
        stack_type="vertex",
        labels=MANAGED,
        components=(
            ComponentRecord(
                "orchestrator",
                name,
                "vertex",
                {"location": "us-central1"},
                **own("gcp-generic", None),
            ),
            ComponentRecord(
                "artifact_store",
                name,
                "gcp",
                {"path": "gs://my-bucket/kitaru"},
                **own("gcs-bucket", "gs://my-bucket"),
            ),
            ComponentRecord(
                "container_registry",
                name,
                "gcp",
                {"uri": REGISTRY},
                **own("docker-registry", REGISTRY),
            ),
        ),
        connector=ConnectorRecord(
            name, "gcp", "implicit", {"project_id": "my-project"}, labels=MANAGED
        ),
    )


def test_kubernetes_keeps_its_region_in_a_label() -> None:
    records = desired_records(KubernetesSpec(**KUBERNETES))
    labels = {**MANAGED, "kitaru.region": "us-central1"}
    assert records.labels == labels
    assert records.components[0] == ComponentRecord(
        "orchestrator",
        "prod-gke",
        "kubernetes",
        {"kubernetes_namespace": "ml"},
        **own("kubernetes-cluster", "prod-cluster", labels),
    )
    assert records.connector == ConnectorRecord(
        "prod-gke", "gcp", "implicit", {"project_id": "my-project"}, labels=labels
    )


def test_the_page_example_with_extras() -> None:
    records = vertex(
        **{
            "async": True,
            "extra": {
                "orchestrator": {"pipeline_root": "gs://my-bucket/vertex-root"},
                "container_registry": {"default_repository": "agents"},
            },
        }
    )
    assert records.components[0].configuration == {
        "location": "us-central1",
        "synchronous": False,
        "pipeline_root": "gs://my-bucket/vertex-root",
    }
    assert records.components[2].configuration == {"uri": REGISTRY, "default_repository": "agents"}


@pytest.mark.parametrize("uri", ["eu.gcr.io/old-project/images", "gcr.io/old-project"])
def test_the_old_registry_tells_the_project(uri: str) -> None:
    records = vertex(container_registry=uri)
    assert records.components[2].configuration == {"uri": uri}
    assert records.components[2].resource_id == uri
    assert records.connector is not None
    assert records.connector.configuration == {"project_id": "old-project"}


def test_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = saved(tmp_path / "key.json", service_account())
    federated = saved(tmp_path / "wif.json", external_account())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(federated))
    impersonated = {"target_principal": ACCOUNT}
    for text, method, configuration, secret in (
        ("implicit", "implicit", {}, None),
        (f"gcp-service-account:{key}", "service-account", {}, "service_account_json"),
        (f"gcp-workload-identity:{federated}", "external-account", {}, "external_account_json"),
        (
            f"gcp-impersonate:{ACCOUNT}:{key}",
            "impersonation",
            impersonated,
            "service_account_json",
        ),
        (f"gcp-impersonate:{ACCOUNT}", "external-account", {}, "external_account_json"),
    ):
        connector = vertex(credentials=text).connector
        assert connector is not None
        assert connector.auth_method == method, text
        assert connector.configuration == {"project_id": "my-project", **configuration}
        assert list(connector.secrets) == ([secret] if secret else [])


def test_an_impersonating_login_is_implicit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
    login = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": url,
        "source_credentials": {},
    }
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(saved(tmp_path / "adc", login)))
    connector = vertex(credentials=f"gcp-impersonate:{ACCOUNT}").connector
    assert connector is not None
    assert (connector.auth_method, dict(connector.secrets)) == ("implicit", {})


def test_a_local_runner_takes_the_project_from_the_key(tmp_path: Path) -> None:
    key = saved(tmp_path / "key.json", service_account())
    records = desired_records(
        LocalSpec(
            name="dev",
            artifact_store="gs://my-bucket",
            credentials=f"gcp-service-account:{key}",
            project="my-project",
        )
    )
    assert records.connector is not None
    assert records.connector.configuration == {"project_id": "my-project"}
    assert json.loads(records.connector.secrets["service_account_json"])["type"]
    assert records.components[1].resource_id == "gs://my-bucket"


def test_an_existing_connector_is_taken_as_it_is() -> None:
    records = vertex(connector="shared")
    assert records.connector == ConnectorRecord("shared", "gcp", "", existing=True)
    assert records.labels == {**MANAGED, "kitaru.reused_service_connectors": "true"}
