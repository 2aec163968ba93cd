"""Whose what exists is, asked through Google's own SDKs of the loopback; and what holds data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from kitaru_iac.clouds.gcp.provision.account import Account
from kitaru_iac.clouds.gcp.provision.labels import described
from kitaru_iac.clouds.gcp.provision.labels import labels as labelled
from kitaru_iac.clouds.gcp.provision.layout import services_of
from kitaru_iac.clouds.gcp.provision.own_policy import provision_policy
from kitaru_iac.clouds.gcp.provision.ownership import (
    ACCOUNT,
    BUCKET,
    REPOSITORY,
    account_claim,
    repository_claim,
)
from kitaru_iac.clouds.gcp.provision.target import account_for, target
from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import DescriptionError, KitaruError, NotAllowedError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

REGION = "europe-west1"
OWN = marks("kitaru", "prod")
ALL = "managed-by=kitaru-iac, kitaru-stack=prod, pulumi-project=kitaru, pulumi-stack=prod"
OTHERS = {**OWN, "pulumi-stack": "dev"}
EMAIL = f"kitaru-prod-run@{PROJECT}.iam.gserviceaccount.com"


@pytest.fixture
def account(world: World) -> Account:
    return Account.open(None, PROJECT, REGION)


def bucket(world: World, labels: Mapping[str, str] | None = None, **settings: Any) -> str:
    world.gcp.bucket(world.bucket, labels=dict(labels or {}), **settings)
    return world.bucket


def seen(account: Account, name: str) -> tuple[str, str | None, bool] | None:
    found = account.sight(BUCKET, {"name": name}, OWN)
    return (found.id, found.foreign, found.hidden) if found else None


def test_a_bucket_is_ours_with_our_labels_in_our_project(world: World, account: Account) -> None:
    assert seen(account, world.bucket) is None
    name = bucket(world, OWN | {"team": "ml"})
    assert seen(account, name) == (name, None, False)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({}, f"it lacks the labels {ALL}"),
        (OTHERS, "it lacks the labels pulumi-stack=prod"),
    ],
)  # fmt: skip
def test_a_namesake_is_not(
    world: World, account: Account, labels: dict[str, str], why: str
) -> None:
    name = bucket(world, labels)
    assert seen(account, name) == (name, why, False)


def test_a_bucket_of_another_project_is_not_ours_whatever_its_labels(
    world: World, account: Account
) -> None:
    name = bucket(world, OWN, projectNumber="999999999999")
    assert seen(account, name) == (name, "it is in the project 999999999999", False)


def test_a_strangers_bucket_is_told_from_none(world: World, account: Account) -> None:
    """Google answers 403 for both; its test of permissions tells them apart."""
    world.state.strangers.add("taken")
    found = seen(account, "taken")
    assert found is not None
    assert found[1] is not None
    assert found[1].startswith("it is another project's, or may not be seen")
    assert found[2]

    world.gcp.deny("storage.buckets.get")
    assert seen(account, "nobodys-bucket") is None
    world.fault("storage.buckets.testIamPermissions", "down")
    unsure = seen(account, "nobodys-bucket")
    assert unsure is not None
    assert unsure[2], "what cannot be told is never free"


def test_a_repository_is_ours_with_our_labels(world: World, account: Account) -> None:
    claim = repository_claim(PROJECT, REGION, world.repository)
    assert account.sight(claim.type, claim.inputs, OWN) is None
    world.gcp.repository(world.repository, labels=OTHERS)
    found = account.sight(claim.type, claim.inputs, OWN)
    assert found is not None
    assert found.id == world.repository_name
    assert found.foreign == "it lacks the labels pulumi-stack=prod"
    world.gcp.repository(world.repository, labels=OWN)
    ours = account.sight(claim.type, claim.inputs, OWN)
    assert ours is not None
    assert ours.foreign is None


@pytest.mark.parametrize(
    ("description", "foreign"),
    [
        (described(OWN, REGION), None),
        (described(OTHERS, REGION), "it lacks the words in its description pulumi-stack=prod"),
        (described(OWN, "us-central1"), "it is for the region us-central1"),
        (" ".join(f"{k}={v}" for k, v in OWN.items()), "it is for the region None"),
        ("Default compute service account",
         f"it lacks the words in its description {ALL}"),
    ],
)  # fmt: skip
def test_an_account_is_ours_by_its_description(
    world: World, account: Account, description: str, foreign: str | None
) -> None:
    claim = account_claim(PROJECT, "kitaru-prod-run")
    assert account.sight(claim.type, claim.inputs, OWN) is None
    world.gcp.service_account("kitaru-prod-run")
    world.state.descriptions[EMAIL] = description
    found = account.sight(claim.type, claim.inputs, OWN)
    assert found is not None
    assert found.id == f"projects/{PROJECT}/serviceAccounts/{EMAIL}"
    assert found.foreign == foreign


@pytest.mark.parametrize(
    ("permission", "type", "inputs"),
    [
        ("artifactregistry.repositories.get", REPOSITORY,
         repository_claim(PROJECT, REGION, "images").inputs),
        ("iam.serviceAccounts.get", ACCOUNT, account_claim(PROJECT, "steps").inputs),
    ],
)  # fmt: skip
def test_what_is_denied_is_not_free(
    world: World, account: Account, permission: str, type: str, inputs: Mapping[str, object]
) -> None:
    world.gcp.deny(permission)
    with pytest.raises(KitaruError, match="cannot be told") as error:
        account.sight(type, inputs, OWN)
    assert permission in str(error.value.why)


def test_what_an_api_that_is_off_has_is_nothing_yet(world: World, account: Account) -> None:
    claim = account_claim(PROJECT, "steps")
    off = {"service": "iam.googleapis.com", "consumer": f"projects/{PROJECT_NUMBER}"}
    world.fault("iam.serviceAccounts.get", "denied", reason="SERVICE_DISABLED", metadata=off)
    # A deletion enables nothing.
    with pytest.raises(KitaruError, match="cannot be told") as error:
        account.sight(claim.type, claim.inputs, OWN)
    assert "gcloud services enable iam.googleapis.com" in str(error.value.remedy)
    account = replace(account, services=services_of(StackType.VERTEX))
    assert account.sight(claim.type, claim.inputs, OWN) is None
    # Off in another project, that of the credentials: nothing is known of ours.
    elsewhere = {**off, "consumer": "projects/999999999999"}
    world.fault("iam.serviceAccounts.get", "denied", reason="SERVICE_DISABLED", metadata=elsewhere)
    with pytest.raises(KitaruError, match="cannot be told"):
        account.sight(claim.type, claim.inputs, OWN)


def test_settings_are_not_looked_up(account: Account) -> None:
    assert account.sight("gcp:projects/iAMMember:IAMMember", {"role": "x"}, OWN) is None


# -- everything that carries the marks -------------------------------------------------------------


def test_what_carries_the_marks_is_found_under_any_name(world: World, account: Account) -> None:
    bucket(world, OWN)
    world.gcp.repository(world.repository, labels=OWN)
    world.gcp.repository("theirs", labels=OTHERS)
    for name, whose in (("steps-of-prod", OWN), ("steps-of-dev", OTHERS)):
        email = world.gcp.service_account(name)
        world.state.descriptions[email] = described(whose, REGION)
    found = account.marked(OWN)
    assert found.unseen == ()
    assert {sight.name for sight in found.found} == {
        f"bucket {world.bucket}",
        f"repository {world.repository}",
        f"service account steps-of-prod@{PROJECT}.iam.gserviceaccount.com",
    }


def test_what_could_not_be_listed_is_said(world: World, account: Account) -> None:
    world.gcp.deny("iam.serviceAccounts.list")
    found = account.marked(OWN)
    assert found.found == ()
    assert any("iam.serviceAccounts.list" in why for why in found.unseen)


@pytest.mark.parametrize(
    ("call", "service", "unseen"),
    [
        ("storage.buckets.list", "storage", True),
        ("artifactregistry.repositories.list", "artifactregistry", True),
        ("artifactregistry.repositories.get", "artifactregistry", True),
        ("iam.serviceAccounts.get", "iam", True),
        # A stack on Vertex AI has no cluster: this one was never on.
        ("container.clusters.list", "container", False),
        ("compute.networks.list", "compute", False),
    ],
)
def test_what_an_api_that_is_off_has_may_still_be_there(
    world: World, account: Account, call: str, service: str, unseen: bool
) -> None:
    used = services_of(StackType.VERTEX)
    off = {"service": f"{service}.googleapis.com", "consumer": f"projects/{PROJECT_NUMBER}"}
    world.fault(call, "denied", reason="SERVICE_DISABLED", metadata=off)
    found = replace(account, services=used).marked(OWN)
    assert any(f"{service}.googleapis.com" in why for why in found.unseen) is unseen, found.unseen


def test_zones_of_which_gke_tells_nothing_are_not_empty(world: World, account: Account) -> None:
    world.state.missing_zones = ("europe-west1-b",)
    found = account.marked(OWN)
    assert found.unseen == ("GKE did not tell the clusters of europe-west1-b",)


# -- data ------------------------------------------------------------------------------------------


def put(world: World, name: str) -> None:
    url = f"{world.gcp.env()['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{world.bucket}/o"
    answer = requests.post(
        url,
        params={"uploadType": "media", "name": name},
        data=b"1",
        headers={"Authorization": f"Bearer {world.gcp.access_token()}"},
        timeout=10,
    )
    answer.raise_for_status()


def test_a_bucket_with_objects_is_not_empty_until_it_is_emptied(
    world: World, account: Account
) -> None:
    assert account.holds(BUCKET, world.bucket) is None, "what is gone holds nothing"
    name = bucket(world, OWN)
    assert account.holds(BUCKET, name) is None
    for key in ("a", "b/c", "d e"):
        put(world, key)
    assert account.holds(BUCKET, name) == "it holds objects"
    account.empty(BUCKET, name)
    assert account.holds(BUCKET, name) is None
    account.empty(BUCKET, name)


def test_what_may_not_be_listed_may_hold_data(world: World, account: Account) -> None:
    name = bucket(world, OWN)
    world.gcp.deny("storage.objects.get")
    holds = account.holds(BUCKET, name)
    assert holds is not None
    assert holds.startswith("it may hold data: ")
    with pytest.raises(KitaruError, match="could not be emptied"):
        account.empty(BUCKET, name)


def test_a_repository_with_images_holds_data(world: World, account: Account) -> None:
    assert account.holds(REPOSITORY, world.repository_name) is None
    world.gcp.repository(world.repository)
    assert account.holds(REPOSITORY, world.repository_name) is None
    world.state.full.add(world.repository_name)
    assert account.holds(REPOSITORY, world.repository_name) == "it holds images"


# -- the project -----------------------------------------------------------------------------------


def test_a_project_that_is_not_seen_is_refused(world: World) -> None:
    with pytest.raises(NotAllowedError) as error:
        Account.open(None, "other-project", REGION)
    assert "other-project" in error.value.what
    world.state.project_state = "DELETE_REQUESTED"
    with pytest.raises(KitaruError, match="DELETE_REQUESTED"):
        Account.open(None, PROJECT, REGION)


def test_the_plugin_is_who_was_asked(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = account.environment()
    assert (told.pop("GOOGLE_PROJECT"), told.pop("GOOGLE_REGION")) == (PROJECT, REGION)
    # The plugin would take these, and Google's libraries, which asked, do not.
    assert set(told.values()) == {""}
    key = world.local().credentials
    own = Account.open(key, PROJECT, REGION).environment()
    assert world.gcp.owner in own["GOOGLE_CREDENTIALS"]
    assert own["GOOGLE_OAUTH_ACCESS_TOKEN"] == ""


def test_vertex_has_to_be_in_the_region(world: World, account: Account) -> None:
    assert account.unfit(vertex()) == []
    world.state.vertex_regions = ("us-central1",)
    (problem,) = account.unfit(vertex())
    assert problem.field == "region"
    assert account.unfit(local()) == []
    world.fault("aiplatform.locations.list", "denied")
    assert account.unfit(vertex()) == [], "who may not look is not stopped"


def vertex(**more: Any) -> Any:
    keys = {"name": "prod", "type": "vertex", "region": REGION, "project": PROJECT}
    return from_mapping({**keys, "infra": "provision", **more})


def local() -> Any:
    return vertex(type="local", artifact_store="gs://team-data")


@pytest.mark.parametrize("kind", ["vertex", "local", "kubernetes"])
def test_whoever_provisions_may_ask_what_a_run_asks(world: World, kind: str) -> None:
    """What carries the marks is looked for before anything goes, whatever the stack is of."""
    more = {
        "vertex": {"artifact_store": "gs://team-data"},
        "local": {"artifact_store": "gs://team-data"},
        "kubernetes": {"cluster": "team", "artifact_store": "gs://team-data"},
    }
    registry = {} if kind == "local" else {
        "container_registry": f"{REGION}-docker.pkg.dev/{PROJECT}/team"
    }  # fmt: skip
    spec = vertex(type=kind, **more[kind], **registry)
    asked = set()
    state = world.state
    world.gcp.cluster("left", resource_labels=labelled(OWN))
    state.require = lambda permission, _on: asked.add(permission)  # type: ignore[method-assign]
    try:
        account = account_for(spec)
        account.marked(OWN)
        for claim in target(spec).claims:
            account.sight(claim.type, claim.inputs, OWN)
    finally:
        del state.require
    roles = provision_policy(spec)["roles"].values()
    allowed = {permission for role in roles for permission in role["includedPermissions"]}
    assert asked <= allowed
    assert {"iam.serviceAccounts.get", "artifactregistry.repositories.get"} <= asked


def test_the_late_agent_is_granted_once_it_is_there(world: World, account: Account) -> None:
    agent = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
    repository = f"projects/{PROJECT}/locations/{REGION}/repositories/kitaru-prod"
    assert account.has_custom_code_agent(repository) is False
    assert any("after the first run" in note for note in target(vertex()).notes)
    world.gcp.bind(PROJECT, "roles/aiplatform.customCodeServiceAgent", agent)
    assert account.has_custom_code_agent(repository) is True
    assert not any("agent" in note for note in target(vertex()).notes)


def test_what_the_late_agent_was_granted_is_not_taken_away_by_silence(
    world: World, account: Account
) -> None:
    agent = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
    # Its role on the project is gone, and the one that we gave it is there.
    world.gcp.repository(world.repository)
    world.gcp.bind(world.repository_name, "roles/artifactregistry.reader", agent)
    assert account.has_custom_code_agent(world.repository_name) is True
    world.gcp.deny("artifactregistry.repositories.getIamPolicy")
    assert account.has_custom_code_agent(world.repository_name) is None
    world.gcp.deny("resourcemanager.projects.getIamPolicy")
    assert any("may not be looked up" in note for note in target(vertex()).notes)
    world.fault("cloudresourcemanager.projects.getIamPolicy", "down")
    with pytest.raises(KitaruError, match="cannot be told"):
        target(vertex())


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    world.state.vertex_regions = ("us-central1",)
    with pytest.raises(DescriptionError) as error:
        target(vertex(infrastructure={"tags": {"Team": "ml"}}))
    assert {one.field for one in error.value.problems} == {"region", "infrastructure.tags.Team"}
