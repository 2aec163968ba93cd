"""Remote stacks on a real server whose connectors reach clouds on loopback: the page's words."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.records.stored import Store
from tests.cli.conftest import Kitaru
from tests.doubles import LoopbackClouds
from tests.homes import Home
from tests.records.snapshots import everything
from tests.stacks.page import EXAMPLES, MANAGED, YAML

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GAR = "us-central1-docker.pkg.dev/my-project/my-repo"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000123"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecutionRole"

#: The records of facts: per component flavor, configuration that must be there, and resource id.
EXPECTED: dict[str, dict[str, tuple[str, dict[str, Any], str | None]]] = {
    "kubernetes": {
        "orchestrator": ("kubernetes", {"kubernetes_namespace": "default"}, "prod-cluster"),
        "artifact_store": ("s3", {"path": "s3://my-bucket/kitaru"}, "s3://my-bucket"),
        "container_registry": ("aws", {"uri": ECR}, ECR),
    },
    "vertex": {
        "orchestrator": ("vertex", {"location": "us-central1"}, None),
        "artifact_store": ("gcp", {"path": "gs://my-bucket/kitaru"}, "gs://my-bucket"),
        "container_registry": ("gcp", {"uri": GAR}, GAR),
    },
    "sagemaker": {
        "orchestrator": ("sagemaker", {"execution_role": ROLE}, None),
        "artifact_store": ("s3", {"path": "s3://my-bucket/kitaru"}, "s3://my-bucket"),
        "container_registry": ("aws", {"uri": ECR}, ECR),
    },
    "azureml": {
        "orchestrator": (
            "azureml",
            {
                "subscription_id": SUBSCRIPTION,
                "resource_group": "ml-platform",
                "workspace": "team-ml",
                "location": "westeurope",
            },
            None,
        ),
        "artifact_store": ("azure", {"path": "az://my-container/kitaru"}, "az://my-container"),
        "container_registry": ("azure", {}, "demo.azurecr.io"),
    },
}
CONNECTORS = {
    "kubernetes": ("aws", {"region": "eu-west-1"}),
    "vertex": ("gcp", {"project_id": "my-project"}),
    "sagemaker": ("aws", {"region": "eu-west-1"}),
    "azureml": ("azure", {"subscription_id": SUBSCRIPTION}),
}


def records(name: str) -> Any:
    with quiet():
        return Store.open().read(name, secrets=True)


@pytest.mark.parametrize("example", EXPECTED)
def test_the_example_runs_as_printed_and_leaves_the_right_records(
    kitaru: Kitaru, page_home: Home, example: str
) -> None:
    argv = EXAMPLES[example]
    name = argv[2]

    done = kitaru(*argv)

    assert done.code == 0, done.err
    assert done.out.splitlines() == [f"Created stack: {name}", f"Active stack: default → {name}"]
    stored = records(name)
    assert stored.labels["kitaru.managed"] == "true"
    assert stored.stack_type == example
    for kind, (flavor, configuration, resource) in EXPECTED[example].items():
        component = stored.component(kind)
        assert (component.name, component.flavor) == (name, flavor)
        assert configuration.items() <= component.configuration.items()
        assert component.labels["kitaru.managed"] == "true"
        assert component.uses_connector
        if resource is not None:
            assert component.resource_id == resource
    kind, configuration = CONNECTORS[example]
    assert (stored.connector.name, stored.connector.type) == (name, kind)
    assert configuration.items() <= stored.connector.configuration.items()
    assert stored.connector.labels["kitaru.managed"] == "true"
    assert "generate_temporary_tokens" not in stored.connector.configuration

    again = kitaru(*argv)
    assert again.code == 5


def test_show_reports_what_the_page_promises(kitaru: Kitaru, page_home: Home) -> None:
    promised = {
        "vertex": ["us-central1"],
        "sagemaker": ["eu-west-1", ROLE],
        "azureml": [SUBSCRIPTION, "ml-platform", "team-ml", "westeurope"],
    }
    for example, words in promised.items():
        name = EXAMPLES[example][2]
        assert kitaru(*EXAMPLES[example]).code == 0
        shown = kitaru("stack", "show", name)
        assert shown.code == 0
        assert [word for word in words if word not in shown.out] == []
        document = kitaru("stack", "show", name, "-o", "json").document
        runner = next(c for c in document["item"]["components"] if c["role"] == "runner")
        assert [word for word in words if word not in str(runner)] == []


def test_async_and_extra(kitaru: Kitaru, page_home: Home) -> None:
    assert kitaru(*EXAMPLES["vertex-extra"]).code == 0
    runner = records("prod-vertex").component("orchestrator").configuration
    assert runner["synchronous"] is False
    assert runner["pipeline_root"] == "gs://my-bucket/vertex-root"
    assert kitaru("stack", "delete", "prod-vertex", "--recursive", "--force").code == 0

    assert kitaru(*EXAMPLES["vertex-synchronous"]).code == 0
    assert records("prod-vertex").component("orchestrator").configuration["synchronous"] is True


def test_the_yaml_of_the_page_and_flags_over_it(kitaru: Kitaru, page_home: Home) -> None:
    file = page_home.path / "stack.yaml"
    file.write_text(YAML)
    extra = "orchestrator.pipeline_root=gs://my-bucket/other"

    assert kitaru("stack", "create", "-f", str(file), "--extra", extra).code == 0

    stored = records("prod-vertex")
    assert stored.component("orchestrator").configuration["synchronous"] is False
    assert stored.component("orchestrator").configuration["pipeline_root"] == "gs://my-bucket/other"
    assert stored.component("container_registry").configuration["default_repository"] == "agents"


@pytest.mark.parametrize("example", EXPECTED)
def test_recursive_deletion_leaves_nothing(kitaru: Kitaru, page_home: Home, example: str) -> None:
    with quiet():
        before = everything(Store.open())
    name = EXAMPLES[example][2]
    assert kitaru(*EXAMPLES[example]).code == 0

    done = kitaru("stack", "delete", name, "--recursive", "--force", "-o", "json")

    assert done.code == 0
    assert done.document["item"]["kept"] == []
    assert done.document["item"]["service_connectors_deleted"] == [name]
    with quiet():
        assert everything(Store.open()) == before


def test_a_second_stack_does_not_keep_the_firsts_connector(kitaru: Kitaru, page_home: Home) -> None:
    assert kitaru(*EXAMPLES["kubernetes"]).code == 0
    assert kitaru(*EXAMPLES["sagemaker"]).code == 0

    done = kitaru("stack", "delete", "prod-k8s", "--recursive", "-o", "json").document["item"]

    assert done["service_connectors_deleted"] == ["prod-k8s"]
    assert records("prod-sagemaker").connector.name == "prod-sagemaker"


def test_an_existing_connector_is_used_and_outlives_the_stack(
    kitaru: Kitaru, page_home: Home
) -> None:
    assert kitaru(*EXAMPLES["kubernetes"]).code == 0
    other = [*EXAMPLES["sagemaker"], "--connector", "prod-k8s"]

    assert kitaru(*other).code == 0

    stored = records("prod-sagemaker")
    assert stored.connector.name == "prod-k8s"
    assert stored.labels["kitaru.reused_service_connectors"] == "true"
    done = kitaru("stack", "delete", "prod-k8s", "--recursive", "-o", "json").document["item"]
    assert done["service_connectors_deleted"] == []
    assert "used by" in done["kept"][0]["reason"]
    done = kitaru(
        "stack", "delete", "prod-sagemaker", "--recursive", "--force", "-o", "json"
    ).document["item"]
    assert done["service_connectors_deleted"] == []
    assert done["kept"][0]["kind"] == "service_connector"


MISSING = {
    "kubernetes": "prod-cluster",
    "vertex": "my-repo",
    "azureml": "demo",
}


@pytest.mark.parametrize("example", EXPECTED)
def test_a_missing_resource_stops_the_creation_before_anything_is_written(
    kitaru: Kitaru, page_home: Home, clouds: LoopbackClouds, example: str
) -> None:
    clouds.reset()
    with quiet():
        before = everything(Store.open())

    done = kitaru(*EXAMPLES[example], "-o", "json")

    assert done.code == 3, done.err
    assert done.error["type"] == "CheckFailed"
    assert "my-" in done.error["why"]
    with quiet():
        assert everything(Store.open()) == before
    assert kitaru(*EXAMPLES[example], "--no-verify").code == 0


def test_a_server_that_forbids_implicit_authentication_says_the_ways_out(
    kitaru: Kitaru, server_home: Home
) -> None:
    for example in EXPECTED:
        done = kitaru(*EXAMPLES[example], "-o", "json")
        assert done.code == 6, done.err
        assert done.error["type"] == "ImplicitAuthDisabled"
        assert "--credentials" in done.error["remedy"]


def test_apply_and_preview_of_a_remote_stack(kitaru: Kitaru, page_home: Home) -> None:
    flags = EXAMPLES["kubernetes"][3:]
    preview = ["stack", "preview", "prod-k8s", *flags, "--detailed-exitcode"]
    assert kitaru(*preview).code == 2
    assert records("prod-k8s") is None
    assert kitaru("stack", "apply", "prod-k8s", *flags, "--yes").code == 0
    first = records("prod-k8s")
    assert kitaru(*preview).code == 0
    assert kitaru("stack", "apply", "prod-k8s", *flags, "--yes").code == 0
    assert records("prod-k8s") == first

    other = [*flags, "--namespace", "team"]
    shown = kitaru("stack", "preview", "prod-k8s", *other, "-o", "json").document
    assert "kubernetes_namespace" in str(shown)
    assert kitaru("stack", "apply", "prod-k8s", *other, "--yes").code == 0
    second = records("prod-k8s")
    assert second.id == first.id
    assert second.component("orchestrator").configuration["kubernetes_namespace"] == "team"


def test_labels_are_the_others_own(kitaru: Kitaru, page_home: Home) -> None:
    assert kitaru(*EXAMPLES["vertex"]).code == 0
    stored = records("prod-vertex")
    for labels in (stored.connector.labels, *(c.labels for c in stored.components)):
        assert dict(labels) == MANAGED
    assert {**stored.labels, APPLIED_LABEL: ""} == {**MANAGED, APPLIED_LABEL: ""}
