"""A stack on Google Cloud in a program of any language: through our plugin and the stand-in's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_gcp as gcp_sdk
import pytest

import kitaru_iac.pulumi as kitaru
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.stored import Store
from tests.clouds.gcp.test_provision import BUCKET, EMAIL, REGION, REGISTRY
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT
from tests.pulumi.aws_site import Remote
from tests.pulumi.room import Room, install_plugin

pytestmark = pytest.mark.engine

OUTPUTS = ("name", "type", "artifactStore", "containerRegistry", "region", "stackId")


@pytest.fixture
def site(registering: World, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A platform team's project; the fixture `registering` is its account and its store."""
    del registering
    install_plugin(Path(os.environ["PULUMI_HOME"]))
    return Room(tmp_path_factory.mktemp("site"))


def test_the_components_are_built_by_the_plugin(site: Room, registering: World) -> None:
    key = registering.gcp.credentials_file

    def both() -> None:
        provider = gcp_sdk.Provider("mine", project=PROJECT, region="us-central1")
        options = pulumi.ResourceOptions(providers=[provider])
        inputs: dict[str, Any] = {"type": "vertex", "region": REGION, "project": PROJECT}
        inputs["credentials"] = pulumi.Output.secret(f"gcp-service-account:{key}")
        prod = Remote("kitaru:index:ProvisionedStack", "prod", inputs, OUTPUTS, options)
        named = {"stack": "data", "type": "local", "region": REGION, "newBucket": "team-data-1",
                 "artifactStore": "gs://team-data-1/kitaru", "tags": {"team": "ml"}}  # fmt: skip
        data = Remote("kitaru:gcp:Infrastructure", "data", named, ("artifactStore",), options)
        for name in OUTPUTS:
            pulumi.export(name, getattr(prod, name))
        pulumi.export("data", data.artifactStore)  # type: ignore[attr-defined]

    seen = site.preview(both)
    assert {"prod", "data"} <= set(seen.ops)
    assert f'"{REGISTRY}"' in seen.text
    assert registering.state.buckets == {}

    made = site.up(both)
    with quiet():
        stored = Store.open().read("prod")
    assert stored is not None
    assert {name: made.outputs.get(name) for name in OUTPUTS} == {
        "name": "prod",
        "type": "vertex",
        "artifactStore": f"gs://{BUCKET}",
        "containerRegistry": REGISTRY,
        "region": REGION,
        "stackId": str(stored.id),
    }
    assert made.outputs["data"] == "gs://team-data-1/kitaru"
    assert registering.state.buckets["team-data-1"]["labels"]["team"] == "ml"
    assert EMAIL in registering.state.service_accounts
    private = json.loads(Path(key).read_text())["private_key"]
    assert private not in json.dumps(site.resources())

    again = site.up(both)
    assert set(again.ops.values()) == {"same"}, again.text


def test_the_plugin_looks_at_what_is_there(site: Room, registering: World) -> None:
    registering.fit()

    def run() -> None:
        found = registering.vertex()
        report = kitaru.verify(
            name="prod",
            type="vertex",
            region=REGION,
            artifact_store=str(found.artifact_store),
            container_registry=str(found.container_registry),
            credentials=f"gcp-service-account:{registering.gcp.credentials_file}",
            extra={"orchestrator": {"workload_service_account": "nobody@" + EMAIL.split("@")[1]}},
            allow_failures=True,
        )
        pulumi.export("statuses", {result.id: result.status for result in report.results})

    statuses = site.up(run).outputs["statuses"]
    assert statuses["gcp.bucket.exists"] == statuses["gcp.vertex.pull"] == "ok"
    assert statuses["gcp.workload.exists"] == "fail"
