"""Provisioning on Azure: the real engine and the real SDK, over the stand-in, on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.kinds import ACCOUNT
from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import InfraMode
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.stacks import operations
from tests.clouds.aws.test_provision import children, wait_for
from tests.clouds.azure.engine import GROUP, AzureRoom, azure_room

__all__ = ["azure_room"]

pytestmark = pytest.mark.engine


def azureml(room: AzureRoom, **more: Any) -> StackSpec:
    return from_mapping({**given(room), **more})


def given(room: AzureRoom) -> dict[str, str]:
    azure = room.world.azure
    return {
        "name": "prod", "type": "azureml", "region": "westeurope", "infra": "provision",
        "subscription_id": azure.subscription_id, "resource_group": GROUP,
        "credentials": f"azure-service-principal:{azure.tenant_id}:{azure.client_id}:"
        f"{azure.client_secret}",
    }  # fmt: skip


def changes(steps: tuple[Step, ...]) -> set[tuple[str, str]]:
    return {
        (step.action.value, step.kind.rsplit(":", 1)[1])
        for step in steps
        if step.action is not Action.KEEP
    }


_PROGRAM = """
import sys
from kitaru_iac.infrastructure import provision
from kitaru_iac.spec import from_mapping
spec = from_mapping({given!r})
provision.provision(spec, progress=lambda line: print(line, file=sys.stderr, flush=True))
"""


def kill_after(room: AzureRoom, token: str, folder: Path) -> None:
    """Run until Azure has made what the state does not know of; then kill run and engine."""
    begun, log = folder / "begun", folder / "log"
    room.fault("after", token, touch=str(begun), sleep=300)
    with log.open("wb") as out:
        program = _PROGRAM.format(given=given(room))
        process = subprocess.Popen([sys.executable, "-c", program], stdout=out, stderr=out)
    wait_for(begun, process, log)
    everyone = [process.pid]
    for pid in everyone:
        everyone += children(pid)
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    room.no_faults()


def test_a_whole_life(azure_room: AzureRoom, tmp_path: Path) -> None:
    """provision, killed → completed → register → verify → nothing more to do → drift → destroy."""
    azure, spec = azure_room.world.azure, azureml(azure_room)
    place = ("prod", azure.subscription_id, GROUP)
    account, registry = names.account_name(*place), names.registry_name(*place)
    store = f"abfs://kitaru-prod@{account}.dfs.core.windows.net"
    theirs = azure.storage_account("theirs12", GROUP)
    before = dict(azure.resources.resources[theirs.lower()])

    seen = p.preview_infrastructure(spec)
    assert azure_room.there() == {"theirs12"}
    kill_after(azure_room, ACCOUNT, tmp_path)
    assert account in azure_room.there(), "and the state does not know of it"
    azure.resources.writes.slow_roles = 1  # the run waits, says so, and resumes
    said: list[str] = []
    made = operations.create(spec, progress=said.append)
    assert any("cut off" in line for line in said), said
    assert any("keeps its name for 14 days" in line for line in said)
    assert any("roles do not count yet: again in 5 seconds" in line for line in said)
    assert any(": created (" in line for line in said), said
    with quiet():
        stored = Store.open().read("prod")
    assert stored is not None
    assert made.name == "prod"
    labels = stored.labels
    described = seen.spec
    assert str(described.artifact_store) == store
    assert str(described.container_registry) == f"{registry}.azurecr.io"
    assert described.workspace == "kitaru-prod"  # type: ignore[union-attr]

    report = verify(described.having(infra=InfraMode.VERIFY))
    ended = {result.id: result.status.value for result in report.results}
    assert {name: status for name, status in ended.items() if status != "ok"} == {}
    assert {"azure.workspace.pull", "azure.bucket.shared_keys"} < set(ended)

    again = p.provision(described)
    assert not again.has_changes
    assert again.spec == described
    path = f"{azure_room.world.subscription}/resourcegroups/{GROUP}/providers/microsoft.storage"
    kept = azure.resources.resources[f"{path}/storageaccounts/{account}"]
    kept["properties"]["allowBlobPublicAccess"] = True
    drifted = p.drift(labels, credentials=spec.credentials)
    assert changes(drifted) == {("update", "StorageAccount")}
    assert [c.field for step in drifted for c in step.changes] == ["allowBlobPublicAccess"]

    end = partial(d.destroy_infrastructure, labels, credentials=spec.credentials)
    ahead = d.preview_destroy(labels, credentials=spec.credentials)
    gone = end()
    assert changes(ahead.steps) == changes(gone.steps)
    assert [k.reason for k in gone.kept] == ["protected", "protected"]
    assert azure_room.there() == {"theirs12", account, registry}
    azure.blobs.accounts[account]["kitaru-prod"]["artifact"] = b"1"
    full = end(include_protected=True).kept
    assert [k.reason for k in full] == ["its container kitaru-prod holds blobs"]
    assert end(include_protected=True, delete_data=True).kept == ()
    assert azure_room.there() == {"theirs12"}

    # What was deleted keeps its name, and that is said before anything is made.
    with pytest.raises(AlreadyExistsError) as taken:
        p.provision(spec)
    assert {"key vault", "AzureML workspace"} <= {
        kind for kind in ("key vault", "AzureML workspace") if kind in taken.value.what
    }
    assert "az keyvault purge" in str(taken.value.why)
    assert azure_room.there() == {"theirs12"}
    assert azure.resources.resources[theirs.lower()] == before


# -- a cluster -------------------------------------------------------------------------------------


AKS: dict[str, Any] = {
    "type": "kubernetes", "resources": {"cluster": "create"},
    "infrastructure": {"endpoint_access": ["203.0.113.7/32"]},
}  # fmt: skip


def test_a_cluster_is_made_and_taken_down(azure_room: AzureRoom) -> None:
    azure, spec = azure_room.world.azure, from_mapping({**given(azure_room), **AKS})
    azure.storage_account("theirs12", GROUP)
    said: list[str] = []
    made = p.provision(spec, progress=said.append)
    assert any("kubectl annotate serviceaccount" in line for line in said), said
    look_at_the_cluster(azure_room)
    looked = verify(made.spec.having(infra=InfraMode.VERIFY, resources={})).results
    # Nothing takes connections at the stand-in's address.
    assert [one.id for one in looked if one.status.value != "ok"] == ["azure.cluster.reachable"]
    assert {"azure.cluster.pull", "azure.connector.cluster_access"} < {one.id for one in looked}
    assert not p.preview_infrastructure(spec).has_changes
    gone = d.destroy_infrastructure(
        made.labels, credentials=spec.credentials, include_protected=True
    )
    assert gone.kept == ()
    assert azure_room.there() == {"theirs12"}
    assert "kitaru-prod-nodes" not in str(list(azure.resources.groups)), "it goes with the cluster"


def look_at_the_cluster(room: AzureRoom) -> None:
    resources = room.world.azure.resources
    names_ = {name: one for name, one in resources.resources.items() if "kitaru-prod" in name}
    (cluster,) = [one for one in names_.values() if one["type"].endswith("/managedClusters")]
    properties = cluster["properties"]
    assert properties["apiServerAccessProfile"]["authorizedIPRanges"] == ["203.0.113.7/32"]
    assert cluster["tags"]["pulumi-stack"] == "prod"
    issuer = properties["oidcIssuerProfile"]["issuerURL"]
    federated = [one["properties"] for name, one in names_.items() if "/federated" in name]
    assert {one["issuer"] for one in federated} == {issuer}
    assert [one["subject"].rsplit(":", 1)[1] for one in federated] == [
        "zenml-service-account", "default",
    ]  # fmt: skip
    node_group = resources.groups[properties["nodeResourceGroup"].lower()]
    assert node_group["tags"]["pulumi-stack"] == "prod", "and it is not taken for ours"
