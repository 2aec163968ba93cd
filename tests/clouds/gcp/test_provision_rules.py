"""What is made on Google Cloud, under which names, and whose what exists is; without the engine."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.probes import Denied
from kitaru_iac.clouds import registry
from kitaru_iac.clouds.gcp.permissions import vertex_agents
from kitaru_iac.clouds.gcp.provision import marked, names
from kitaru_iac.clouds.gcp.provision.account import Account
from kitaru_iac.clouds.gcp.provision.args import OUTPUTS, InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.labels import (
    described,
    labels,
    read_description,
    unfit_tags,
    words,
)
from kitaru_iac.clouds.gcp.provision.layout import (
    Layout,
    layout,
    project_of,
    repository_in,
    services_of,
)
from kitaru_iac.clouds.gcp.provision.marked import claim_of
from kitaru_iac.clouds.gcp.provision.own_policy import provision_policy
from kitaru_iac.clouds.gcp.provision.ownership import (
    ACCOUNT,
    BUCKET,
    REPOSITORY,
    account_claim,
    claims,
    repository_claim,
)
from kitaru_iac.clouds.gcp.provision.target import account_for, passing, place_of, told_by
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.clouds.provider import Claim, marks
from kitaru_iac.errors import DescriptionError, KitaruError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.names import gcs_bucket
from tests.spec.test_credentials import saved, service_account

PROJECT, NUMBER, REGION = "my-project", "123456789012", "europe-west1"
OURS = f"kitaru-prod-run@{PROJECT}.iam.gserviceaccount.com"
REGISTRY = f"{REGION}-docker.pkg.dev/{PROJECT}/kitaru-prod"
OWN = marks("kitaru", "prod")


def vertex(**more: Any) -> StackSpec:
    keys = {"name": "prod", "type": "vertex", "region": REGION, "project": PROJECT}
    given = {**keys, "infra": "provision", **more}
    return from_mapping({k: v for k, v in given.items() if v is not None})


def gke(**more: Any) -> StackSpec:
    return vertex(**{"type": "kubernetes", "cluster": "team", **more})


def local(**more: Any) -> StackSpec:
    keys = {"name": "prod", "type": "local", "region": REGION, "project": PROJECT}
    given = {**keys, "artifact_store": "gs://team", "infra": "provision", **more}
    return from_mapping({k: v for k, v in given.items() if v is not None})


def steps_as(email: str) -> dict[str, Any]:
    return {"extra": {"orchestrator": {"workload_service_account": email}}}


def planned(spec: StackSpec, **more: Any) -> Layout:
    return replace(layout(spec, PROJECT, NUMBER, REGION), **more)


def refused(spec: StackSpec) -> dict[str, str]:
    with pytest.raises(DescriptionError) as error:
        planned(spec)
    return {problem.field: problem.what for problem in error.value.problems}


# -- names -----------------------------------------------------------------------------------------

STACKS = ["prod", "Prod", "a", "prod-5f5635", "x" * 100, "team.ml_2", "-".join(["ab"] * 30)]
#: The longest region that Google has.
LONG = "northamerica-northeast1"


@pytest.mark.parametrize("stack", STACKS)
def test_names_are_what_google_takes(stack: str) -> None:
    bucket = names.bucket_name(stack, NUMBER, LONG)
    assert gcs_bucket(bucket) == bucket
    assert len(bucket) <= 63
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", names.workload_id(stack))
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", names.repository_name(stack))


def test_two_stacks_have_no_name_in_common() -> None:
    for name in (names.workload_id, names.repository_name):
        assert len({name(stack) for stack in STACKS}) == len(STACKS)
    assert len({names.bucket_name(stack, NUMBER, REGION) for stack in STACKS}) == len(STACKS)


def test_names_stay_as_they_are() -> None:
    assert names.bucket_name("prod", NUMBER, REGION) == f"kitaru-prod-{NUMBER}-{REGION}"
    assert names.repository_name("prod") == "kitaru-prod"
    assert names.workload_id("prod") == "kitaru-prod-run"
    assert names.workload_id("a-name-that-is-too-long") == "kitaru-a-name-that-c8400d-run"


# -- data ------------------------------------------------------------------------------------------


class _Closed:
    """Google that lets nobody look into a bucket."""

    def storage(self, *_: object, **__: object) -> Any:
        raise Denied("no", permission="storage.objects.list")


def test_no_command_is_given_that_deletes_by_a_name_of_the_world() -> None:
    access: Any = _Closed()
    with pytest.raises(KitaruError, match="could not be emptied") as refused:
        Account(access, None, PROJECT, REGION, NUMBER).empty(BUCKET, "team-data")
    assert "gcloud" not in str(refused.value.remedy)


# -- labels ----------------------------------------------------------------------------------------


def test_marks_are_labels_and_what_is_no_label_is_told_apart() -> None:
    assert labels(OWN) == OWN
    found = labels(marks("Platform.Team", "prod", "Prod"))
    assert all(re.fullmatch(r"[a-z0-9_-]{0,63}", text) for text in found.values())
    assert found["kitaru-stack"] != labels(OWN)["kitaru-stack"]
    assert found["pulumi-project"].startswith("platform-team-")


@pytest.mark.parametrize("stack", STACKS)
def test_a_description_says_whose_an_account_is(stack: str) -> None:
    own = marks("p" * 100, stack, stack)
    text = described(own, LONG)
    assert len(text.encode()) <= 256
    assert read_description(text) == {**words(own), "region": LONG}


@pytest.mark.parametrize("text", ["", "Default compute service account", "a = b"])
def test_other_descriptions_say_nothing(text: str) -> None:
    assert not words(OWN).items() <= read_description(text).items()


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ({"team": "ml", "cost-centre": "", "a_b": "1_2"}, {}),
        ({"Team": "ml"}, {"infrastructure.tags.Team": "`Team` cannot be the key of a label"}),
        ({"1st": "ml"}, {"infrastructure.tags.1st": "`1st` cannot be the key of a label"}),
        ({"team": "M L"}, {"infrastructure.tags.team": "`M L` cannot be the value of a label"}),
        ({"team": "m" * 64}, {"infrastructure.tags.team": f"`{'m' * 64}` cannot be the value of a "
                              "label"}),
    ],
)  # fmt: skip
def test_tags_have_to_be_labels(tags: dict[str, str], wrong: dict[str, str]) -> None:
    assert {one.field: one.what for one in unfit_tags(tags, 4)} == wrong


def test_there_are_not_too_many_labels() -> None:
    assert unfit_tags({f"t{number}": "" for number in range(60)}, 4) == []
    (problem,) = unfit_tags({f"t{number}": "" for number in range(61)}, 4)
    assert problem.field == "infrastructure.tags"


# -- layout ----------------------------------------------------------------------------------------


def test_a_stack_that_names_nothing_gets_everything() -> None:
    found = planned(vertex())
    assert found.new_bucket == names.bucket_name("prod", NUMBER, REGION)
    assert (found.new_repository, found.repository_location) == ("kitaru-prod", REGION)
    assert (found.new_workload, found.workload_service_account) == ("kitaru-prod-run", OURS)
    assert found.artifact_store == f"gs://{found.new_bucket}"
    assert found.container_registry == REGISTRY
    assert found.services == (
        *("aiplatform.googleapis.com", "artifactregistry.googleapis.com"),
        *("iam.googleapis.com", "storage.googleapis.com"),
    )
    assert set(found.args()) - {"tags"} <= set(InfrastructureArgs.__annotations__)


def test_a_filled_description_stays_the_same_one() -> None:
    first = planned(vertex())
    outputs = {key: getattr(first, key) for key in OUTPUTS}
    again = planned(filled(vertex(), outputs))
    assert again == first


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        (vertex(), {"bucket", "repository", "workload"}),
        (vertex(artifact_store="gs://team/kitaru"), {"repository", "workload"}),
        (vertex(artifact_store="gs://team", resources={"bucket": "create"}),
         {"bucket", "repository", "workload"}),
        (vertex(container_registry=f"{REGION}-docker.pkg.dev/{PROJECT}/team"),
         {"bucket", "workload"}),
        (vertex(container_registry="eu.gcr.io/my-project/images"), {"bucket", "workload"}),
        (vertex(**steps_as("steps@other-project.iam.gserviceaccount.com")),
         {"bucket", "repository"}),
        (vertex(resources={"role": "skip"}), {"bucket", "repository"}),
        (vertex(**steps_as(f"steps@{PROJECT}.iam.gserviceaccount.com"),
                resources={"role": "create"}), {"bucket", "repository", "workload"}),
        (gke(), {"bucket", "repository"}),
        (local(resources={"bucket": "create"}), {"bucket"}),
        (local(), set()),
    ],
)  # fmt: skip
def test_what_is_not_named_is_made(spec: StackSpec, made: set[str]) -> None:
    found = planned(spec)
    new = {"bucket": found.new_bucket, "repository": found.new_repository,
           "workload": found.new_workload}  # fmt: skip
    assert {name for name, given in new.items() if given} == made
    assert found.makes_anything is bool(made)
    assert {claim.type for claim in claims(found)} == {
        {"bucket": BUCKET, "repository": REPOSITORY, "workload": ACCOUNT}[name] for name in made
    }


def test_a_given_repository_is_made_where_its_uri_says() -> None:
    uri = f"europe-docker.pkg.dev/{PROJECT}/team/flows"
    found = planned(vertex(container_registry=uri, resources={"registry": "create"}))
    assert (found.new_repository, found.repository_location) == ("team", "europe")
    assert found.container_registry == uri


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (vertex(**steps_as("steps@other-project.iam.gserviceaccount.com"),
                resources={"role": "create"}),
         {"extra.orchestrator.workload_service_account": "the service account cannot be made under "
          "the address `steps@other-project.iam.gserviceaccount.com`"}),
        (vertex(name="google-prod"),
         {"artifact_store": "no bucket can be named after the stack"}),
        (gke(cluster=None), {"cluster": "no cluster is named, and none is made unasked"}),
        (gke(resources={"role": "create"}),
         {"resources.role": "a service account is made for Vertex, and together with a cluster"}),
        (vertex(infrastructure={"tags": {"Team": "ml"}}),
         {"infrastructure.tags.Team": "`Team` cannot be the key of a label"}),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(spec: StackSpec, wrong: dict[str, str]) -> None:
    assert refused(spec) == wrong


def test_all_that_is_wrong_is_said_at_once() -> None:
    spec = vertex(
        name="google-prod",
        **steps_as("steps@other-project.iam.gserviceaccount.com"),
        resources={"role": "create"},
        infrastructure={"tags": {"Team": "ml"}},
    )
    assert len(refused(spec)) == 3


def test_the_project_has_to_be_told() -> None:
    assert project_of(vertex()) == PROJECT
    spec = vertex().having(project=None)
    with pytest.raises(DescriptionError, match="project"):
        project_of(spec)


def test_the_late_agent_is_known_where_it_should_pull() -> None:
    late = vertex_agents(NUMBER)[1]
    assert planned(vertex()).late_agent == late
    assert planned(vertex(), custom_code_agent=True).late_agent is None
    assert planned(vertex(container_registry="eu.gcr.io/my-project/images")).late_agent is None
    assert planned(gke()).late_agent is None


class _Policies:
    """Google to whom the project's policy is closed: a repository's has these members."""

    def __init__(self, *members: str) -> None:
        self.members = members

    def rest(self, *_: object, **__: object) -> Any:
        raise Denied("no", permission="resourcemanager.projects.getIamPolicy")

    def registry(self, *_: object, **__: object) -> Any:
        return SimpleNamespace(bindings=[SimpleNamespace(members=self.members)])


def test_what_the_late_agent_has_is_not_taken_away_by_who_may_not_read_the_project() -> None:
    """Told as absent, its grant would leave the program, and the plugin would remove it."""
    agent = vertex_agents(NUMBER)[1]
    for members, there in (((agent,), True), ((), None)):
        access: Any = _Policies(*members)
        account = Account(access, None, PROJECT, REGION, NUMBER)
        assert account.has_custom_code_agent("projects/p/locations/l/repositories/r") is there


def test_a_repository_of_another_project_is_not_ours_to_grant() -> None:
    assert str(repository_in(PROJECT, REGISTRY)) == (
        f"projects/{PROJECT}/locations/{REGION}/repositories/kitaru-prod"
    )
    for uri in (None, "eu.gcr.io/my-project/x", "europe-docker.pkg.dev/other-project/x"):
        assert repository_in(PROJECT, uri) is None


def test_a_repository_elsewhere_is_looked_for_where_the_description_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Repositories are listed in the stack's region alone: one in `us` would be said to be gone."""
    opened = Account(GcpAccess(None, PROJECT), None, PROJECT, REGION, NUMBER)
    monkeypatch.setattr(Account, "open", lambda *_: opened)
    uri = f"us-docker.pkg.dev/{PROJECT}/images/flow"
    spec = vertex(container_registry=uri, resources={"registry": "create"})
    assert account_for(spec).named == (repository_claim(PROJECT, "us", "images"),)
    assert account_for(vertex()).named == ()
    assert account_for(local()).named == ()
    asked: list[object] = []
    monkeypatch.setattr(marked, "sight", lambda *given: asked.append(dict(given[3])))
    monkeypatch.setattr(marked, "_told", lambda *_: ([], None))
    account_for(spec).marked(OWN)
    assert {"repositoryId": "images", "location": "us", "project": PROJECT} in asked


def test_a_local_stack_needs_storage_alone() -> None:
    assert services_of(StackType.LOCAL) == ("storage.googleapis.com",)


# -- ownership -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        Claim(BUCKET, {"name": "team-data"}),
        repository_claim(PROJECT, REGION, "images"),
        account_claim(PROJECT, "steps"),
    ],
)
def test_an_id_of_a_state_means_the_claim_that_it_was_made_for(claim: Claim) -> None:
    given = claim.inputs
    known = {
        BUCKET: "{name}",
        REPOSITORY: "projects/{project}/locations/{location}/repositories/{repositoryId}",
        ACCOUNT: "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
    }[claim.type].format(**given)
    assert claim_of(known) == claim


def test_other_ids_mean_nothing() -> None:
    assert claim_of("projects/p/locations/l/keyRings/c") is None


def test_a_deployment_is_where_its_provider_is() -> None:
    assert place_of({"project": PROJECT, "region": REGION, "more": "x"}) == {
        "project": PROJECT,
        "region": REGION,
    }
    assert place_of({}) == {"project": "", "region": ""}


# -- what passes by itself -------------------------------------------------------------------------


GOOGLE = "Error applying IAM policy: googleapi: Error"
FIRST = f"service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("failure", "waits"),
    [
        (f"stack-agent-pull (gcp:x): {GOOGLE} 400: Service account {FIRST} does not exist., bad",
         f"Google does not know {FIRST} yet"),
        (f"{GOOGLE} 403: The API has not been used in project 12 before or it is disabled.",
         "An API is not ready yet"),
        ('"reason": "SERVICE_DISABLED"', "An API is not ready yet"),
        ("googleapi: Error 403: Permission 'storage.buckets.create' denied", None),
        ("googleapi: Error 409: The requested bucket name is not available., conflict", None),
        ("googleapi: Error 404: The bucket does not exist.", None),
    ],
)  # fmt: skip
def test_only_what_google_makes_late_is_waited_for(failure: str, waits: str | None) -> None:
    assert passing(failure) == waits


# -- who provisions --------------------------------------------------------------------------------


def test_the_own_policy_speaks_of_what_is_made() -> None:
    found = provision_policy(vertex())
    ends = ("Project", "Bucket", "Policy")
    assert list(found["roles"]) == [f"kitaruProdProvision{end}" for end in ends]
    permissions = set(found["roles"]["kitaruProdProvisionProject"]["includedPermissions"])
    assert {"storage.buckets.create", "iam.serviceAccounts.create",
            "artifactregistry.repositories.create"} <= permissions  # fmt: skip
    # Whoever may change the project's policy may grant these roles, and no other one.
    _, condition = [one["condition"] for one in found["bindings"] if "condition" in one]
    assert condition["expression"].endswith(
        ".hasOnly(['roles/aiplatform.user', 'roles/logging.logWriter', "
        "'roles/aiplatform.serviceAgent'])"
    )
    assert not any("Key" in one or one.endswith("actAs") for one in permissions)


@pytest.mark.parametrize(
    ("spec", "lacks"),
    [
        (vertex(artifact_store="gs://team"), "storage.buckets.create"),
        (vertex(resources={"role": "skip"}), "iam.serviceAccounts.create"),
        (local(resources={"bucket": "create"}), "artifactregistry.repositories.create"),
        (gke(), "resourcemanager.projects.setIamPolicy"),
        (gke(), "aiplatform.locations.list"),
    ],
)
def test_it_has_nothing_for_what_is_not_made(spec: StackSpec, lacks: str) -> None:
    found = provision_policy(spec)
    assert lacks not in {p for role in found["roles"].values() for p in role["includedPermissions"]}


TEAM = "projects/_/buckets/team"


@pytest.mark.parametrize(
    ("spec", "expression", "more"),
    [
        # The name of one that is made has the project's number in it, which nobody asked for.
        (vertex(), "resource.name.startsWith('projects/_/buckets/kitaru-prod-')", True),
        (gke(artifact_store="gs://team"), None, False),
        (
            vertex(artifact_store="gs://team"),
            f"resource.name == '{TEAM}' || resource.name.startsWith('{TEAM}/')",
            False,
        ),
        (vertex(artifact_store="gs://team", resources={"role": "skip"}), None, False),
    ],
)
def test_what_it_may_do_with_buckets_is_about_the_stacks_own(
    spec: StackSpec, expression: str | None, more: bool
) -> None:
    found = provision_policy(spec)
    roles = {name: set(one["includedPermissions"]) for name, one in found["roles"].items()}
    anywhere = {"storage.buckets.get", "storage.buckets.list"}
    anywhere |= {"storage.buckets.create"} if more else set()
    of_project = roles.pop("kitaruProdProvisionProject")
    assert {one for one in of_project if one.startswith("storage.")} == anywhere
    roles.pop("kitaruProdProvisionPolicy", None)
    by_role = {one["role"].rsplit("/", 1)[1]: one for one in found["bindings"]}
    assert set(by_role) == set(found["roles"])
    if expression is None:
        assert roles == {}
        return
    ((name, permissions),) = roles.items()
    assert by_role[name]["condition"]["expression"] == expression
    grants = {"storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"}
    assert (permissions == grants, grants <= permissions) == (not more, True)
    assert ("storage.objects.delete" in permissions) is more


def test_it_changes_who_may_become_an_account_only_where_somebody_submits(tmp_path: Path) -> None:
    """That is on all accounts of the project: whoever has it may become any."""
    changes = "iam.serviceAccounts.setIamPolicy"
    file = saved(tmp_path / "key.json", service_account())
    submits = {"credentials": f"gcp-service-account:{file}"}
    without = {"artifact_store": "gs://team", "resources": {"role": "skip"}}
    for spec, may in (
        (vertex(), False),
        (vertex(**submits), True),
        (vertex(**submits, **without), False),
        (gke(**submits), False),
    ):
        roles = provision_policy(spec)["roles"].values()
        assert any(changes in one["includedPermissions"] for one in roles) is may


def test_the_roles_that_it_limits_are_those_that_are_granted() -> None:
    from kitaru_iac.clouds.gcp.provision import own_policy, roles

    assert set(own_policy._GRANTED) == set(roles.OF_PROJECT.values())
    assert own_policy._GRANTED_TO_AGENT == (roles.OF_AGENT,)


def test_the_registry_knows_it() -> None:
    found = registry.provisioning(Cloud.GCP)
    assert found.component.outputs == OUTPUTS
    assert found.pulumi_provider == "gcp"
    assert dict(found.load().plugins()).keys() == {"gcp"}


def test_a_record_always_tells_its_project() -> None:
    """Nothing of the place is taken from credentials, so that nothing is to be compared."""
    assert told_by(vertex()) == {}
