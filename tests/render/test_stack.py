"""The document and the lines of one stack."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.render.stack import show_item, show_lines


def component(
    role: str, flavor: str, connector: str | None = None, **fields: Any
) -> dict[str, Any]:
    resource = fields.pop("resource", None)
    labels = fields.pop("labels", {"kitaru.managed": "true"})
    return {
        "role_type": role,
        "id": f"id-{role}",
        "name": "prod",
        "flavor": flavor,
        "configuration": fields,
        "labels": labels,
        "environment": {},
        "secrets": [],
        "connector_id": "id-connector" if connector else None,
        "connector_name": connector,
        "connector_resource_id": resource,
    }


def stack(*components: dict[str, Any], **connector: Any) -> dict[str, Any]:
    return {
        "id": "id-stack",
        "name": "prod",
        "description": "",
        "labels": {"kitaru.managed": "true"},
        "is_active": True,
        "is_managed": True,
        "components": list(components),
        "connectors": [
            {
                "id": "id-connector",
                "name": "prod",
                "type": "aws",
                "auth_method": "implicit",
                "resource_types": ["s3-bucket"],
                "resource_id": None,
                "configuration": connector,
                "labels": {},
                "expires_at": None,
            }
        ]
        if connector
        else [],
        "environment": {},
        "secrets": [],
        "spec_path": None,
        "created": "2026-01-02T03:04:05",
        "updated": "2026-01-02T03:04:05",
        "user": "admin",
    }


@pytest.mark.parametrize(
    ("runner", "connector", "details"),
    [
        (
            component(
                "orchestrator",
                "kubernetes",
                "prod",
                kubernetes_namespace="ml",
                resource="cluster-1",
            ),
            {"region": "eu-west-1"},
            {"cluster": "cluster-1", "region": "eu-west-1", "namespace": "ml"},
        ),
        (
            component("orchestrator", "vertex", location="us-central1", synchronous=False),
            {},
            {"location": "us-central1", "synchronous": False},
        ),
        (
            component("orchestrator", "sagemaker", "prod", execution_role="arn:aws:iam::1:role/r"),
            {"region": "eu-west-1"},
            {"region": "eu-west-1", "execution_role": "arn:aws:iam::1:role/r"},
        ),
        (
            component(
                "orchestrator",
                "azureml",
                subscription_id="sub",
                resource_group="group",
                workspace="ws",
                location="westeurope",
            ),
            {},
            {
                "subscription_id": "sub",
                "resource_group": "group",
                "workspace": "ws",
                "location": "westeurope",
            },
        ),
        (component("orchestrator", "local"), {}, {}),
    ],
    ids=["kubernetes", "vertex", "sagemaker", "azureml", "local"],
)
def test_the_runner_reports_what_the_page_promises(runner, connector, details):
    item = show_item(stack(runner, **connector))
    assert item["stack_type"] == runner["flavor"]
    assert item["components"][0]["details"] == details
    text = "\n".join(show_lines(item, lambda text, *_: text))
    for key in details:
        assert f"  {key.replace('_', ' ').replace(' id', '')}:" in text


def test_a_region_that_no_field_holds_is_read_from_the_label():
    gke = stack(component("orchestrator", "kubernetes", resource="c"))
    gke["labels"]["kitaru.region"] = "europe-west4"
    assert show_item(gke)["components"][0]["details"] == {"cluster": "c", "region": "europe-west4"}


def test_a_cluster_on_azure_has_its_group_and_subscription():
    aks = stack(
        component("orchestrator", "kubernetes", "prod", resource="group/c"), subscription_id="sub"
    )
    assert show_item(aks)["components"][0]["details"] == {
        "cluster": "c",
        "subscription_id": "sub",
        "resource_group": "group",
    }


def test_all_that_is_stored_is_shown():
    item = show_item(
        stack(
            component("orchestrator", "vertex", location="l", pipeline_root="gs://b/root"),
            component("artifact_store", "gcp", "prod", path="gs://b/p", resource="gs://b"),
            component("container_registry", "gcp", uri="host/p", default_repository="agents"),
            component("deployer", "local"),
            component("image_builder", "local"),
            project_id="p",
        )
    )
    assert [c["role"] for c in item["components"]] == [
        "runner",
        "storage",
        "image_registry",
        "additional_component",
        "image_builder",
    ]
    text = "\n".join(show_lines(item, lambda text, *_: text))
    for said in (
        "Stack: prod (active)",
        "pipeline_root: gs://b/root",
        "connector: prod → gs://b",
        "repository: agents",
        "Deployer: prod (local)",
        "Service connector: prod (aws, implicit)",
        "project_id:     p",
        "kitaru.managed=true",
        "2026-01-02T03:04:05 by admin",
    ):
        assert said in " ".join(text.split()) or said in text, said


def test_an_unknown_runner_makes_a_custom_stack():
    assert show_item(stack(component("orchestrator", "airflow")))["stack_type"] == "custom"
