"""What a program registers on Google Cloud: each resource by the real SDK, on Pulumi's mocks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_gcp.iam import WorkloadIdentityServiceAgentArgs

from kitaru_iac.clouds.gcp.permissions import vertex_agents
from kitaru_iac.clouds.gcp.provision import roles, services
from kitaru_iac.clouds.gcp.provision.args import UNCHANGED, InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.layout import layout
from kitaru_iac.clouds.gcp.provision.program import physical_names
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.gcp.programs import Made, made_of
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

REGION = "europe-west1"
BUCKET = f"kitaru-prod-{PROJECT_NUMBER}-{REGION}"
EMAIL = f"kitaru-prod-run@{PROJECT}.iam.gserviceaccount.com"
STEPS = f"serviceAccount:{EMAIL}"
AGENTS = [
    f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-aiplatform{kind}.iam.gserviceaccount.com"
    for kind in ("", "-cc")
]
LABELS = {
    "managed-by": "kitaru-iac",
    "kitaru-stack": "prod",
    "pulumi-project": "kitaru",
    "pulumi-stack": "prod",
}


def vertex(**more: Any) -> StackSpec:
    keys = {"name": "prod", "type": "vertex", "region": REGION, "project": PROJECT}
    return from_mapping({**keys, "infra": "provision", **more})


def only(made: list[Made], type: str) -> dict[str, Any]:
    (found,) = [one.inputs for one in made if one.type == f"gcp:{type}"]
    return dict(found)


def grants(made: list[Made]) -> set[tuple[str, str]]:
    return {
        (str(one.inputs["role"]), str(one.inputs["member"]))
        for one in made
        if one.type.lower().endswith("iammember")
    }


def test_a_description_is_made_with_what_its_project_tells() -> None:
    made, out = made_of(vertex(infrastructure={"tags": {"team": "ml"}, "keep_images": 9}))
    assert out == {
        "artifact_store": f"gs://{BUCKET}",
        "container_registry": f"{REGION}-docker.pkg.dev/{PROJECT}/kitaru-prod",
        "cluster": None,
        "region": REGION,
        "workload_service_account": EMAIL,
    }
    bucket = only(made, "storage/bucket:Bucket")
    assert bucket["labels"] == {"team": "ml", **LABELS}
    assert bucket["publicAccessPrevention"] == "enforced"
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["forceDestroy"] is False
    rules = {rule["action"]["type"]: rule["condition"] for rule in bucket["lifecycleRules"]}
    # What is current is never deleted by a rule.
    assert rules == {
        "AbortIncompleteMultipartUpload": {"age": 7},
        "Delete": {"daysSinceNoncurrentTime": 30},
    }
    longer, _ = made_of(vertex(infrastructure={"keep_versions": 90}))
    (_, deletion) = only(longer, "storage/bucket:Bucket")["lifecycleRules"]
    assert deletion["condition"] == {"daysSinceNoncurrentTime": 90}
    repository = only(made, "artifactregistry/repository:Repository")
    assert repository["labels"] == bucket["labels"]
    keep = {one["action"]: one for one in repository["cleanupPolicies"]}
    assert keep["KEEP"]["mostRecentVersions"] == {"keepCount": 9}
    assert repository["cleanupPolicyDryRun"] is False
    account = only(made, "serviceaccount/account:Account")
    assert account["description"].startswith("managed-by=kitaru-iac kitaru-stack=prod ")


def test_nothing_is_removed_from_a_repository_unasked() -> None:
    made, _ = made_of(vertex())
    repository = only(made, "artifactregistry/repository:Repository")
    assert "cleanupPolicies" not in repository
    assert "dockerConfig" not in repository, "the plugin would tell a change in each run"


def test_members_are_added_and_nothing_is_taken_away() -> None:
    made, _ = made_of(vertex())
    kinds = {one.type for one in made}
    assert not any("Binding" in kind or "Policy" in kind or "Key" in kind for kind in kinds)
    assert grants(made) == {
        ("roles/storage.objectUser", STEPS),
        ("roles/storage.legacyBucketReader", STEPS),
        ("roles/aiplatform.user", STEPS),
        ("roles/logging.logWriter", STEPS),
        ("roles/artifactregistry.reader", AGENTS[0]),
        ("roles/aiplatform.serviceAgent", AGENTS[0]),
    }


def test_the_role_of_googles_agent_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google gives none to an agent that was asked for, and every run on Vertex goes by it."""
    made: dict[str, pulumi.ResourceOptions] = {}
    real = roles.projects.IAMMember

    def noted(name: str, *, opts: pulumi.ResourceOptions, **given: Any) -> object:
        made[name] = opts
        return real(name, opts=opts, **given)

    monkeypatch.setattr(roles.projects, "IAMMember", noted)
    made_of(vertex())
    staying = {name for name, opts in made.items() if opts.retain_on_delete}
    assert staying == {"stack-agent-role"} < set(made)
    assert "gcp:projects/iAMMember:IAMMember::stack-agent-role" in UNCHANGED


def test_what_googles_agents_may_pull_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stacks on one repository have one grant: who goes first must not take the other's."""
    made: dict[str, pulumi.ResourceOptions] = {}
    real = roles.artifactregistry.RepositoryIamMember

    def noted(name: str, *, opts: pulumi.ResourceOptions, **given: Any) -> object:
        made[name] = opts
        return real(name, opts=opts, **given)

    monkeypatch.setattr(roles.artifactregistry, "RepositoryIamMember", noted)
    shared = f"{REGION}-docker.pkg.dev/{PROJECT}/images"
    made_of(arguments(vertex(container_registry=shared), custom_code_agent=True))
    assert set(made) == {"stack-agent-pull", "stack-custom-agent-pull"}
    assert all(opts.retain_on_delete for opts in made.values())
    assert "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember" in UNCHANGED


def arguments(spec: StackSpec, **more: Any) -> InfrastructureArgs:
    return replace(layout(spec, PROJECT, PROJECT_NUMBER, REGION), **more).args()


def test_the_late_agent_and_the_submitter_are_granted_where_they_are_known() -> None:
    given = arguments(vertex(), custom_code_agent=True)
    made, _ = made_of({**given, "submitter": "serviceAccount:zenml@x.iam.gserviceaccount.com"})
    assert {("roles/artifactregistry.reader", agent) for agent in AGENTS} <= grants(made)
    assert (
        *("roles/iam.serviceAccountUser", "serviceAccount:zenml@x.iam.gserviceaccount.com"),
    ) in grants(made)


@pytest.mark.parametrize(
    ("more", "granted"),
    [
        # An account of ours on a bucket that is there: a member of its policy, and no more.
        ({"artifact_store": "gs://team/kitaru"}, {"roles/storage.objectUser"}),
        # Somebody else's account on a bucket of ours.
        ({"extra": {"orchestrator": {"workload_service_account": "steps@x-y-z-1.iam."
                                     "gserviceaccount.com"}}}, {"roles/storage.objectUser"}),
        # Both are there: nobody asked for a change of either.
        ({"artifact_store": "gs://team", "extra": {"orchestrator": {
            "workload_service_account": "steps@x-y-z-1.iam.gserviceaccount.com"}}}, set()),
    ],
)  # fmt: skip
def test_what_exists_is_granted_only_to_what_is_made(
    more: dict[str, Any], granted: set[str]
) -> None:
    made, _ = made_of(vertex(**more))
    roles = {role for role, _ in grants(made) if role == "roles/storage.objectUser"}
    assert roles == granted


def test_a_local_stack_gets_a_bucket_and_nothing_of_vertex() -> None:
    given = {
        "name": "prod",
        "type": "local",
        "region": REGION,
        "project": PROJECT,
        "artifact_store": "gs://team-data/a",
        "infra": "provision",
        "resources": {"bucket": "create"},
    }
    made, out = made_of(from_mapping(given))
    assert out["artifact_store"] == "gs://team-data/a"
    assert {one.type for one in made if one.type.startswith("gcp:")} == {
        "gcp:projects/service:Service",
        "gcp:storage/bucket:Bucket",
    }


def test_apis_stay_enabled() -> None:
    made, _ = made_of(vertex())
    apis = [one.inputs for one in made if one.type == "gcp:projects/service:Service"]
    assert len(apis) == 4
    assert all(one["disableOnDestroy"] is False for one in apis)


def test_every_part_has_the_clouds_name_in_a_plan() -> None:
    """What is not there yet has no id: `stack-bucket` would tell nobody anything."""
    spec = vertex()
    planned = replace(layout(spec, PROJECT, PROJECT_NUMBER, REGION), custom_code_agent=True)
    given = planned.args()
    made, _ = made_of({**given, "submitter": "serviceAccount:zenml@x.iam.gserviceaccount.com"})
    named = physical_names(planned)
    parts = {one.name for one in made if one.type.startswith("gcp:")}
    assert parts <= named.keys()


def test_a_provider_that_cannot_tell_its_project_is_said() -> None:
    with pytest.raises(pulumi.RunError, match="is not known yet"):
        made_of(vertex(), number="")


def test_what_the_guide_says_of_vertexs_agents_is_so() -> None:
    """Which resource asks for which, whom the commands let in, and what no run asks for."""
    guide = Path(__file__).parents[3] / "docs" / "guides" / "google-cloud.md"
    told = guide.read_text().partition("**The agent for custom code**")[2].partition("- **Who")[0]
    told = " ".join(told.split())
    parent = re.search(r"`(projects/PROJECT_NUMBER/\S+)` as `parent`", told)
    assert parent is not None
    WorkloadIdentityServiceAgentArgs(parent=parent[1])  # takes that, and nothing else
    assert parent[1].endswith(f"/serviceProducers/{services.VERTEX}")
    assert "gcp.iam.WorkloadIdentityServiceAgent" in told
    assert f"generate --service={services.VERTEX} --project=PROJECT_NUMBER" in told
    agent = vertex_agents("PROJECT_NUMBER")[1]
    assert f"--member={agent}" in told
    made, _ = made_of(vertex())
    kinds = {one.type for one in made}
    assert "gcp:projects/serviceIdentity:ServiceIdentity" in kinds
    assert not any("WorkloadIdentity" in kind for kind in kinds)
