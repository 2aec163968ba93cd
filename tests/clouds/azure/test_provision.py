"""Provisioning on Azure: the real engine and the real SDK, over the stand-in, on loopback."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.kinds import ACCOUNT
from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.cli.conftest import Kitaru, kitaru
from tests.cli.test_ci import Job, job
from tests.clouds.aws.test_provision import children, wait_for
from tests.clouds.azure.engine import GROUP, AzureRoom, azure_room
from tests.clouds.reviewed import no_other_change_is_made, review_and_make
from tests.warm.client import begin

__all__ = ["azure_room", "job", "kitaru"]

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
    process = begin([sys.executable, "-c", _PROGRAM.format(given=given(room))], log=log)
    wait_for(begun, process, log)
    everyone = [process.pid]
    for pid in everyone:
        everyone += children(pid)
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    room.no_faults()


def known(room: AzureRoom, **more: str) -> list[str]:
    """The same description as words of the command."""
    words = {**given(room), **more}
    name = words.pop("name")
    options = [(f"--{key.replace('_', '-')}", value) for key, value in words.items()]
    return [name, *(word for option in options for word in option)]


def test_a_whole_life(azure_room: AzureRoom, tmp_path: Path, kitaru: Kitaru) -> None:
    """provision, killed → completed → register → verify → nothing more to do → drift → destroy."""
    azure, spec = azure_room.world.azure, azureml(azure_room)
    place = ("prod", azure.subscription_id, GROUP)
    account, registry = names.account_name(*place), names.registry_name(*place)
    theirs = azure.storage_account("theirs12", GROUP)
    before = dict(azure.resources.resources[theirs.lower()])
    prod = known(azure_room)

    seen = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert seen.code == 2, seen.err
    assert azure_room.there() == {"theirs12"}
    kill_after(azure_room, ACCOUNT, tmp_path)
    assert account in azure_room.there(), "and the state does not know of it"
    azure.resources.writes.slow_roles = 1  # the run waits, says so, and resumes
    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    for line in (
        *("cut off", "keeps its name for 14 days"),
        *("roles do not count yet: again in 5 seconds", ": created ("),
    ):
        assert line in made.err
    shown = kitaru("stack", "show", "prod", "-o", "json").out
    for name in (f"{registry}.azurecr.io", "abfs://kitaru-prod", "kitaru-prod"):
        assert name in shown

    is_fit(kitaru, prod, {"azure.workspace.pull", "azure.bucket.shared_keys"})
    nothing_to_do(kitaru, prod)
    path = f"{azure_room.world.subscription}/resourcegroups/{GROUP}/providers/microsoft.storage"
    kept = azure.resources.resources[f"{path}/storageaccounts/{account}"]
    kept["properties"]["allowBlobPublicAccess"] = True
    mended(kitaru, prod, "allowBlobPublicAccess")
    now = azure.resources.resources[f"{path}/storageaccounts/{account}"]
    assert now["properties"]["allowBlobPublicAccess"] is False

    with quiet():
        stored = Store.open().read("prod")
    assert stored is not None
    labels = stored.labels
    refused = kitaru("stack", "delete", "prod", "--recursive", "--force", "--yes")
    assert refused.code == 1, "it would leave the infrastructure"
    gone = kitaru("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes",
                  "-o", "json")  # fmt: skip
    assert gone.code == 0, gone.err
    reasons = [one["reason"] for one in gone.document["item"]["kept"]]
    assert reasons == ["protected", "protected"]
    assert azure_room.there() == {"theirs12", account, registry}
    azure.blobs.accounts[account]["kitaru-prod"]["artifact"] = b"1"
    end = partial(d.destroy_infrastructure, labels, credentials=spec.credentials)
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


def test_a_group_with_what_others_made_stays_and_the_plan_says_so(azure_room: AzureRoom) -> None:
    """Azure deletes a group with all that is in it: no option says that of a colleague's things."""
    azure = azure_room.world.azure
    spec = azureml(azure_room, resource_group="fresh", resources={"group": "create"})
    labels = p.provision(spec).labels
    azure.storage_account("theirs12", "fresh")
    everything = {"credentials": spec.credentials, "include_protected": True, "delete_data": True}
    would = d.preview_destroy(labels, **everything)
    done = d.destroy_infrastructure(labels, **everything)
    for found in (would, done):
        (kept,) = found.kept
        assert kept.name.endswith("/resourceGroups/fresh")
        assert "has what was not made for this stack" in kept.reason
        assert "theirs12" in kept.reason
    assert changes(would.steps) == changes(done.steps)
    assert changes(done.steps) >= {("delete", "StorageAccount")}
    assert azure_room.there() == {"theirs12"}


def is_fit(kitaru: Kitaru, prod: list[str], checks: set[str]) -> None:
    """What is registered is fit; nothing but the connector's identity has to be told again."""
    at = prod.index("--credentials")
    login = prod[at : at + 2]
    looked = kitaru("stack", "verify", "prod", *login, "--strict", "-o", "json")
    assert looked.code == 0, looked.out + looked.err
    assert looked.document["item"]["worst"] == "ok"
    assert checks < {one["id"] for one in looked.document["item"]["results"]}


def nothing_to_do(kitaru: Kitaru, prod: list[str]) -> None:
    """The second run finds nothing, nor does a look for drift."""
    again = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert again.code == 0, again.out
    drifted = kitaru("stack", "drift", "prod", "--detailed-exitcode")
    assert drifted.code == 0, drifted.out + drifted.err


def mended(kitaru: Kitaru, prod: list[str], field: str) -> None:
    """Drift is shown by its field, and the same command as ever mends it."""
    drifted = kitaru("stack", "drift", "prod", "--detailed-exitcode")
    assert drifted.code == 2, drifted.out + drifted.err
    assert field in drifted.out
    done = kitaru("stack", "apply", *prod, "--yes")
    assert done.code == 0, done.err


# -- a cluster -------------------------------------------------------------------------------------


AKS: dict[str, Any] = {
    "type": "kubernetes", "resources": {"cluster": "create"},
    "infrastructure": {"endpoint_access": ["203.0.113.7/32"]},
}  # fmt: skip


def test_a_cluster_is_made_registered_converged_and_taken_down(
    azure_room: AzureRoom, tmp_path: Path, kitaru: Kitaru
) -> None:
    azure, inside = azure_room.world.azure, azure_room.world.api
    azure.storage_account("theirs12", GROUP)
    file = tmp_path / "stack.yaml"
    file.write_text(yaml.safe_dump({**given(azure_room), **AKS, "namespace": "runs"}))
    prod = ["-f", str(file)]

    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    assert "Made namespace: runs" in made.out
    assert inside.labels["runs"]["kitaru-stack"] == "prod"
    assert "kubectl annotate serviceaccount" in made.err
    lines = {line.partition(": ")[0] for line in made.out.splitlines()}
    new = {f"Made {key}" for key in ("artifact_store", "container_registry", "cluster")}
    assert new | {"Uses resource_group"} <= lines, made.out
    look_at_the_cluster(azure_room)
    looked = kitaru("stack", "verify", "prod", "--credentials", given(azure_room)["credentials"],
                    "-o", "json").document["item"]["results"]  # fmt: skip
    # Nothing takes connections at the stand-in's address.
    assert [one["id"] for one in looked if one["status"] != "ok"] == ["azure.cluster.reachable"]
    assert {"azure.cluster.pull", "azure.connector.cluster_access"} < {one["id"] for one in looked}

    nothing_to_do(kitaru, prod)
    (cluster,) = [
        one
        for one in azure.resources.resources.values()
        if one["type"].endswith("/managedClusters")
    ]
    cluster["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] = ["0.0.0.0/0"]
    inside.namespaces.clear()
    mended(kitaru, prod, "apiServerAccessProfile")
    look_at_the_cluster(azure_room)
    assert inside.namespaces == {"runs"}

    gone = kitaru("stack", "delete", "prod", "--recursive", "--force", "--infra",
                  "--include-protected", "--yes", "-o", "json")  # fmt: skip
    assert gone.code == 0, gone.err
    assert gone.document["item"]["kept"] == []
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


LOCAL: dict[str, Any] = {
    "type": "local",
    "artifact_store": "abfs://artifacts@kitaruprodfresh.dfs.core.windows.net",
    "resources": {"bucket": "create"},
}


@pytest.mark.parametrize("more", [LOCAL, AKS], ids=["local", "AKS"])
def test_a_group_is_made_for_a_stack_of_any_type(
    azure_room: AzureRoom, more: dict[str, Any]
) -> None:
    azure = azure_room.world.azure
    before = azure_room.there()
    wanted = {**more.get("resources", {}), "group": "create"}
    spec = azureml(azure_room, **{**more, "resource_group": "fresh", "resources": wanted})
    done = p.provision(spec)
    assert changes(done.steps) >= {("create", "ResourceGroup"), ("create", "StorageAccount")}
    assert {"fresh", GROUP} <= set(azure.resources.groups)
    assert changes(p.preview_infrastructure(spec).steps) == set()

    everything = {"credentials": spec.credentials, "include_protected": True, "delete_data": True}
    gone = d.destroy_infrastructure(done.labels, **everything)
    assert gone.kept == ()
    assert ("delete", "ResourceGroup") in changes(gone.steps)
    assert "fresh" not in azure.resources.groups
    assert azure_room.there() == before


def test_a_job_makes_what_was_reviewed_and_no_cloud_that_moved(
    azure_room: AzureRoom, kitaru: Kitaru, job: Job
) -> None:
    azure = azure_room.world.azure
    account = names.account_name("prod", azure.subscription_id, GROUP)
    description = yaml.safe_dump(given(azure_room))
    review_and_make(job, lambda: account in azure_room.there(), account, description)

    def oldest_tls(version: str | None = None) -> str:
        found = [one["properties"] for one in azure.resources.resources.values()]
        (properties,) = [one for one in found if "minimumTlsVersion" in one]
        properties.update({"minimumTlsVersion": version} if version else {})
        return str(properties["minimumTlsVersion"])

    values = ("TLS1_2", "TLS1_0", "TLS1_1")
    no_other_change_is_made(kitaru, oldest_tls, values, "minimumTlsVersion")


def test_the_container_of_a_local_runner_lives_and_ends(
    azure_room: AzureRoom, tmp_path: Path, kitaru: Kitaru
) -> None:
    """`az://` names a container alone: its account is called as ours are."""
    azure, file = azure_room.world.azure, tmp_path / "stack.yaml"
    azure.storage_account("theirs12", GROUP)
    account = names.account_name("prod", azure.subscription_id, GROUP)
    local = {**LOCAL, "artifact_store": "az://artifacts/kitaru"}
    file.write_text(yaml.safe_dump({**given(azure_room), **local}))
    prod = ["-f", str(file)]
    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    assert azure_room.there() == {"theirs12", account}
    assert account in made.out

    login = given(azure_room)["credentials"]
    looked = kitaru("stack", "verify", "prod", "--credentials", login, "-o", "json")
    assert looked.code == 0, looked.out + looked.err
    found = {one["id"]: one["status"] for one in looked.document["item"]["results"]}
    assert found["azure.bucket.exists"] == "ok"
    assert "fail" not in found.values()

    nothing_to_do(kitaru, prod)
    (kept,) = [one for one in azure.resources.resources.values() if one["name"] == account]
    kept["properties"]["allowBlobPublicAccess"] = True
    mended(kitaru, prod, "allowBlobPublicAccess")
    (kept,) = [one for one in azure.resources.resources.values() if one["name"] == account]
    assert kept["properties"]["allowBlobPublicAccess"] is False

    gone = kitaru("stack", "delete", "prod", "--recursive", "--force", "--infra",
                  "--include-protected", "--yes", "-o", "json")  # fmt: skip
    assert gone.code == 0, gone.err
    assert gone.document["item"]["kept"] == []
    assert azure_room.there() == {"theirs12"}
