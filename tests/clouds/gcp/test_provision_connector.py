"""The service account that a connector becomes: made, waited for, registered, drifted, deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds.gcp.provision.connector import becoming, role_of
from kitaru_iac.clouds.gcp.provision.layout import layout
from kitaru_iac.clouds.gcp.provision.own_policy import provision_policy
from kitaru_iac.clouds.gcp.provision.ownership import ACCOUNT, claims
from kitaru_iac.clouds.gcp.provision.program import physical_names
from kitaru_iac.clouds.gcp.provision.target import _late
from kitaru_iac.clouds.gcp.resources import existing, provisioner
from kitaru_iac.errors import DescriptionError
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.cli.conftest import Kitaru
from tests.clouds.gcp.programs import made_of
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

REGION = "europe-west1"
BUCKET = f"kitaru-prod-{PROJECT_NUMBER}-{REGION}"
REPOSITORY = f"projects/{PROJECT}/locations/{REGION}/repositories/kitaru-prod"
EMAIL = f"prod-zenml@{PROJECT}.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
STEPS = f"kitaru-prod-run@{PROJECT}.iam.gserviceaccount.com"
ELSE = "serviceAccount:ci@tools.iam.gserviceaccount.com"
POOL = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/attribute.repo/a"


def described(world: World, kind: str = "vertex", email: str = EMAIL, **more: Any) -> StackSpec:
    known: dict[str, Any] = {
        "name": "prod", "type": kind, "region": REGION, "project": PROJECT, "infra": "provision",
        "credentials": f"gcp-impersonate:{email}:{world.gcp.credentials_file}",
        "resources": {"connector": "create"},
    }  # fmt: skip
    return from_mapping({**known, **more})


def planned(spec: StackSpec) -> Any:
    return layout(spec, PROJECT, PROJECT_NUMBER, REGION)


def grants(spec: StackSpec) -> set[tuple[str, str]]:
    """What the connector's account gets, and who becomes it, in Pulumi's words."""
    made, _ = made_of(planned(spec).args())
    shown = {one.name.removeprefix("stack-") for one in made}
    named = {name.removeprefix("stack-") for name in physical_names(planned(spec))}
    assert {name for name in shown if "connector" in name or "impersonator" in name} <= named
    return {
        (str(one.inputs["role"]), one.name.removeprefix("stack-"))
        for one in made
        if one.type.lower().endswith("iammember")
        and (one.inputs["member"] == MEMBER or "impersonator" in one.name)
    }


def test_each_type_of_stack_grants_what_its_connector_does(world: World) -> None:
    bucket = {
        ("roles/storage.objectUser", "connector-objects"),
        ("roles/storage.legacyBucketReader", "connector-bucket"),
    }
    found = grants(described(world, "local", artifact_store="gs://team-data"))
    (key,) = found - bucket
    assert key[0] == "roles/iam.serviceAccountTokenCreator"
    images = ("roles/artifactregistry.writer", "connector-images")
    assert grants(described(world)) == {
        *bucket, key, images,
        ("roles/aiplatform.user", "connector-project"),
        ("roles/iam.serviceAccountUser", "workload-submitter"),
    }  # fmt: skip
    assert grants(described(world, "kubernetes", cluster="c")) == {
        *bucket, key, images, ("roles/container.clusterViewer", "connector-project"),
    }  # fmt: skip


def test_an_account_of_the_steps_that_exists_may_be_handed_over_in_its_project(
    world: World,
) -> None:
    def extra(email: str) -> dict[str, Any]:
        return {"extra": {"orchestrator": {"workload_service_account": email}}}

    own = f"steps@{PROJECT}.iam.gserviceaccount.com"
    assert ("roles/iam.serviceAccountUser", "workload-submitter") in grants(
        described(world, **extra(own))
    )
    far = described(world, **extra("steps@other-project.iam.gserviceaccount.com"))
    assert planned(far).submitter is None


def test_who_becomes_it_is_the_keys_account_and_who_is_named(world: World, tmp_path: Path) -> None:
    key = f"serviceAccount:{world.gcp.owner}"
    assert becoming(described(world)) == (key,)
    named = described(world, infrastructure={"impersonators": [ELSE, POOL]})
    assert becoming(named) == (key, ELSE, POOL)
    assert role_of(POOL) == "roles/iam.workloadIdentityUser"
    assert planned(named).args()["impersonators"] == [key, ELSE, POOL]
    file = world.gcp.workload_identity_file(tmp_path / "federated.json", EMAIL)
    federated = {"credentials": f"gcp-workload-identity:{file}"}
    with pytest.raises(DescriptionError, match="who may become"):
        planned(described(world, **federated))
    said = described(world, **federated, infrastructure={"impersonators": [POOL]})
    assert planned(said).impersonators == (POOL,)


def test_who_makes_it_is_this_process_and_not_who_becomes_it(world: World) -> None:
    spec = described(world)
    assert provisioner(spec) is None
    assert existing(spec).connector is None
    unasked = spec.having(resources={})
    assert provisioner(unasked) is unasked.credentials
    assert planned(unasked).new_connector is None


@pytest.mark.parametrize(
    ("email", "more", "wrong"),
    [
        ("prod-zenml@other-project.iam.gserviceaccount.com", {}, "cannot be made under"),
        (f"abc@{PROJECT}.iam.gserviceaccount.com", {}, "cannot be made under"),
        (STEPS, {}, "another service account"),
        (EMAIL, {"credentials": None}, "do not say who becomes"),
    ],
)
def test_what_cannot_be_made_is_refused(
    world: World, email: str, more: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(DescriptionError, match=wrong):
        planned(described(world, email=email, **more))


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"infrastructure": {"impersonators": ["allUsers"]}}, "a member of Google's IAM"),
        ({"infrastructure": {"impersonators": [ELSE]}, "resources": {}}, "none is"),
        ({"infra": "verify"}, "needs `infra: provision`"),
    ],
)
def test_what_is_not_to_be_said_is_refused(world: World, more: dict[str, Any], wrong: str) -> None:
    with pytest.raises(DescriptionError, match=wrong):
        described(world, **more)


def test_its_name_is_claimed_and_its_roles_are_among_those_to_be_granted(world: World) -> None:
    spec = described(world, "kubernetes", cluster="c")
    names = [one.inputs["accountId"] for one in claims(planned(spec)) if one.type == ACCOUNT]
    assert names == ["prod-zenml"]
    document = provision_policy(spec)
    held = {one for role in document["roles"].values() for one in role["includedPermissions"]}
    assert {"iam.serviceAccounts.create", "iam.serviceAccounts.setIamPolicy"} <= held
    assert "artifactregistry.repositories.setIamPolicy" in held
    assert "roles/container.clusterViewer" in str(document["bindings"])
    without = provision_policy(replace(spec, resources={}))
    assert "iam.serviceAccounts.create" not in str(without)
    assert planned(spec).makes_anything


def test_it_is_waited_for_until_it_reaches_the_bucket(world: World) -> None:
    spec = described(world, "local", artifact_store="gs://team-data")

    def late() -> str | None:
        return _late(spec, planned(spec))

    assert f"{EMAIL} cannot be used yet" in str(late()), "there is no such account"
    world.gcp.service_account("prod-zenml")
    assert "cannot be used yet" in str(late()), "and no bucket"
    world.gcp.bucket("team-data", REGION)
    assert late() is None
    for permission in ("iam.serviceAccounts.getAccessToken", "storage.buckets.get"):
        world.gcp.deny(permission)
        assert f"{EMAIL} cannot be used yet" in str(late()), permission
        world.state.denied.clear()
    world.fault("storage.buckets.get", "garbage")
    assert late() is None, "that is no matter of time"


@pytest.mark.parametrize("kind", ["vertex", "kubernetes"])
def test_it_is_looked_at_once_it_is_there(
    kind: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, there is nothing to look at; and a run gives it what it lacks."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(world.gcp.credentials_file))
    more = {"cluster": "c", "namespace": "ml"} if kind == "kubernetes" else {}
    spec = described(world, kind, **more, artifact_store="gs://team-data")

    def found(**how: Any) -> dict[str, Any]:
        results = verify(spec, **how).results
        return {one.id: one for one in results if one.id.startswith("gcp.connector.")}

    world.gcp.bucket("team-data", REGION)
    assert found() == {}
    world.gcp.service_account("prod-zenml")
    there = found()
    assert {"gcp.connector.trust", "gcp.connector.bucket"} < set(there)
    assert there["gcp.connector.trust"].subject == EMAIL
    assert MEMBER in there["gcp.connector.bucket"].why
    assert there["gcp.connector.bucket"].status is CheckStatus.UNKNOWN, "nothing is granted"
    assert found(made=False) == {}
    world.gcp.bind("buckets/team-data", "roles/storage.admin", MEMBER)
    assert found()["gcp.connector.bucket"].status is CheckStatus.OK
    # Who may not look whether it is there says so, and of nothing that it is fine.
    world.gcp.deny("iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy")
    assert found()["gcp.connector.trust"].status is CheckStatus.UNKNOWN


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_made_registered_drifted_and_taken_down(
    kitaru: Kitaru, registering: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = registering
    monkeypatch.setattr("kitaru_iac.engine.patience.PAUSES", (0, 0, 0))
    server = world.gcp.service_account("zenml-server")
    key = world.gcp.service_account_file(server, tmp_path / "key.json")
    file = tmp_path / "stack.yaml"
    file.write_text(
        f"name: prod\ntype: vertex\nregion: {REGION}\nproject: {PROJECT}\ninfra: provision\n"
        f"credentials: gcp-impersonate:{EMAIL}:{key}\nresources: {{connector: create}}\n"
    )
    prod = ["--file", str(file)]
    # Who is to become it is not let at once, and Google knows it late.
    world.state.late[EMAIL] = 1
    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    assert EMAIL in made.out + made.err
    owner = f"serviceAccount:{server}"
    assert members(world, EMAIL) == {"roles/iam.serviceAccountTokenCreator": [owner]}
    assert members(world, STEPS) == {"roles/iam.serviceAccountUser": [MEMBER]}
    assert members(world, REPOSITORY)["roles/artifactregistry.writer"] == [MEMBER]
    assert MEMBER in members(world, f"buckets/{BUCKET}")["roles/storage.objectUser"]
    # Made as this process: whose key ZenML keeps may do nothing but become the account.
    assert {tuple(one) for one in world.gcp.made_as()} == {("GOOGLE_APPLICATION_CREDENTIALS",)}
    everywhere = json.dumps(list(world.state.policies.values()))
    assert everywhere.count(owner) == 1
    shown = kitaru("stack", "show", "prod", "-o", "json").out
    assert EMAIL in shown
    assert "impersonation" in shown

    again = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert again.code == 0, again.out
    world.state.policy(EMAIL)["bindings"].clear()
    drifted = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert drifted.code == 2
    assert f"roles/iam.serviceAccountTokenCreator on {EMAIL}" in drifted.out
    mended = kitaru("stack", "apply", *prod, "--yes")
    assert mended.code == 0, mended.err
    assert members(world, EMAIL) == {"roles/iam.serviceAccountTokenCreator": [owner]}

    gone = kitaru("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes")
    assert gone.code == 0, gone.err
    assert EMAIL not in world.state.service_accounts
    left = json.dumps(list(world.state.policies.values()))
    assert MEMBER not in left


def members(world: World, where: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in world.state.policy(where)["bindings"]:
        found[one["role"]] = [*found.get(one["role"], []), *one["members"]]
    return found
