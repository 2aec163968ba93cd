"""Provisioning on Google Cloud: the real engine and the real SDK, over the stand-in.

Each of these costs some ten seconds of CPU: what needs no engine is in `test_provision_rules`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Kitaru
from tests.cli.test_ci import Job, job  # noqa: F401 - the job
from tests.clouds.gcp.world import AGENTS, World
from tests.clouds.reviewed import no_other_change_is_made, review_and_make
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

REGION = "europe-west1"
BUCKET = f"kitaru-prod-{PROJECT_NUMBER}-{REGION}"
REPOSITORY = f"projects/{PROJECT}/locations/{REGION}/repositories/kitaru-prod"
REGISTRY = f"{REGION}-docker.pkg.dev/{PROJECT}/kitaru-prod"
EMAIL = f"kitaru-prod-run@{PROJECT}.iam.gserviceaccount.com"
AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
LABELS = {
    "managed-by": "kitaru-iac",
    "kitaru-stack": "prod",
    "pulumi-project": "kitaru",
    "pulumi-stack": "prod",
}


def members(world: World, where: str) -> dict[str, list[str]]:
    return {one["role"]: one["members"] for one in world.state.policy(where)["bindings"]}


def test_provisioned_registered_converged_and_taken_down(
    kitaru: Kitaru, registering: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = registering
    monkeypatch.setattr("kitaru_iac.engine.patience.PAUSES", (0, 0, 0))
    world.state.enabled_services.discard("aiplatform.googleapis.com")
    world.gcp.bind(PROJECT, "roles/owner", f"serviceAccount:{world.gcp.owner}")
    theirs = members(world, PROJECT)
    known = [
        *("prod", "--type", "vertex", "--region", REGION, "--project", PROJECT),
        *("--credentials", f"gcp-service-account:{world.gcp.credentials_file}"),
    ]
    prod = [*known, "--infra", "provision"]

    unasked = kitaru("stack", "create", *prod)
    assert unasked.code == 1
    plan = unasked.err.partition("has to be confirmed")[0]
    assert all(name in plan for name in (BUCKET, "kitaru-prod", EMAIL, "aiplatform.googleapis.com"))
    assert world.state.buckets == {}
    assert "aiplatform.googleapis.com" not in world.state.enabled_services

    # Google does not know the account for a while after it was made.
    world.state.late[EMAIL] = 2
    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    assert f"Google does not know {EMAIL} yet: again in" in made.err
    assert "Google makes Vertex's agent for custom code after the first run" in made.err
    assert f"Made artifact_store: gs://{BUCKET}" in made.out
    assert "Made container_registry: " in made.out
    look_at_what_was_made(world)
    assert members(world, PROJECT)["roles/owner"] == theirs["roles/owner"]
    used = world.gcp.made_as()
    assert all(set(one) == {"GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"} for one in used)
    assert {json.loads(one["GOOGLE_CREDENTIALS"])["client_email"] for one in used} == {
        world.gcp.owner
    }

    found = [
        *("--artifact-store", f"gs://{BUCKET}", "--container-registry", REGISTRY),
        *("--extra", f"orchestrator.workload_service_account={EMAIL}"),
    ]
    verified = kitaru("stack", "verify", *known, *found, "-o", "json")
    assert verified.code == 0, verified.out
    by_id = {check["id"]: check for check in verified.document["item"]["results"]}
    for check in ("bucket.exists", "repository.exists", "workload.exists", "workload.trust"):
        assert by_id[f"gcp.{check}"]["status"] == "ok", by_id[f"gcp.{check}"]
    assert not [one for one in by_id.values() if one["status"] == "fail"]

    again = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert again.code == 0, again.out

    # Drift is shown: a setting, a label and a member of ours are gone.
    world.state.buckets[BUCKET]["iamConfiguration"]["publicAccessPrevention"] = "inherited"
    world.state.policy(REPOSITORY)["bindings"].clear()
    shown = kitaru("stack", "preview", *prod, "--detailed-exitcode", "-o", "json")
    assert shown.code == 2
    assert "publicAccessPrevention" in shown.out
    assert "Vertex's agent may pull from kitaru-prod" in shown.out
    mended = kitaru("stack", "apply", *prod, "--yes", "-o", "json")
    assert mended.code == 0, mended.err
    look_at_what_was_made(world)

    gone = kitaru(
        *("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes", "-o", "json")
    )
    assert gone.code == 0, gone.err
    kept = [one["name"] for one in gone.document["item"]["kept"]]
    assert any(BUCKET in name for name in kept)
    assert any(REPOSITORY in name for name in kept), "Google would delete it with its images"
    assert BUCKET in world.state.buckets
    assert list(world.state.repositories) == [REPOSITORY]
    assert EMAIL not in world.state.service_accounts
    # What Vertex's agent works with, everybody's runs there go by.
    assert members(world, PROJECT) == {**theirs, "roles/aiplatform.serviceAgent": [AGENTS[0]]}
    assert "agent-role" not in json.dumps(gone.document["item"]["infrastructure_deleted"])
    # APIs are the project's: they stay, and are not told as deleted.
    assert "aiplatform.googleapis.com" in world.state.enabled_services
    assert "googleapis.com" not in json.dumps(gone.document["item"]["infrastructure_deleted"])


def test_a_job_makes_what_was_reviewed_and_no_cloud_that_moved(
    registering: World,
    kitaru: Kitaru,
    job: Job,  # noqa: F811
) -> None:
    buckets = registering.state.buckets
    registering.gcp.bind(PROJECT, "roles/owner", f"serviceAccount:{registering.gcp.owner}")
    description = f"name: prod\ntype: vertex\nregion: {REGION}\nproject: {PROJECT}\n"
    description += f"credentials: gcp-service-account:{registering.gcp.credentials_file}\n"
    review_and_make(job, lambda: BUCKET in buckets, BUCKET, f"{description}infra: provision\n")

    def kept_for(seconds: int | None = None) -> int:
        policy = buckets[BUCKET]["softDeletePolicy"]
        if seconds is not None:
            policy["retentionDurationSeconds"] = str(seconds)
        return int(policy["retentionDurationSeconds"])

    values = (604800, 0, 864000)
    no_other_change_is_made(kitaru, kept_for, values, "softDeletePolicy.retentionDurationSeconds")


def look_at_what_was_made(world: World) -> None:
    bucket = world.state.buckets[BUCKET]
    assert bucket["iamConfiguration"] == {
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "enforced",
    }
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["softDeletePolicy"] == {"retentionDurationSeconds": "604800"}
    assert bucket["location"] == REGION.upper()
    assert bucket["labels"] == LABELS
    repository = world.state.repositories[REPOSITORY]
    assert dict(repository.labels) == LABELS
    assert (repository.format_.name, repository.docker_config.immutable_tags) == ("DOCKER", False)
    words = " ".join(f"{key}={value}" for key, value in LABELS.items())
    assert world.state.descriptions[EMAIL] == f"{words} region={REGION}"
    steps = f"serviceAccount:{EMAIL}"
    assert members(world, f"buckets/{BUCKET}") == {
        "roles/storage.objectUser": [steps],
        "roles/storage.legacyBucketReader": [steps],
    }
    assert members(world, REPOSITORY) == {"roles/artifactregistry.reader": [AGENT]}
    on_project = members(world, PROJECT)
    assert on_project["roles/aiplatform.user"] == on_project["roles/logging.logWriter"] == [steps]
    assert members(world, EMAIL) == {
        "roles/iam.serviceAccountUser": [f"serviceAccount:{world.gcp.owner}"]
    }


def test_the_bucket_of_a_local_runner_lives_and_ends(
    kitaru: Kitaru, registering: World, tmp_path: Path
) -> None:
    world, file = registering, tmp_path / "stack.yaml"
    described = f"name: prod\ntype: local\nregion: {REGION}\nproject: {PROJECT}\n"
    described += "artifact_store: gs://team-data/kitaru\n"
    described += f"credentials: gcp-service-account:{world.gcp.credentials_file}\n"
    made = "infra: provision\nresources: {bucket: create}\n"
    file.write_text(described + made)
    prod = ["--file", str(file)]
    created = kitaru("stack", "create", *prod, "--yes")
    assert created.code == 0, created.err
    assert "Made artifact_store: gs://team-data" in created.out
    assert (list(world.state.buckets), world.state.repositories) == (["team-data"], {})

    file.write_text(described)
    verified = kitaru("stack", "verify", *prod, "-o", "json")
    assert verified.code == 0, verified.out
    found = {one["id"]: one["status"] for one in verified.document["item"]["results"]}
    assert found["gcp.bucket.exists"] == found["gcp.connector.bucket"] == "ok"
    assert "fail" not in found.values()

    file.write_text(described + made)
    again = kitaru("stack", "preview", *prod, "--detailed-exitcode")
    assert again.code == 0, again.out
    world.state.buckets["team-data"]["versioning"] = {"enabled": False}
    drifted = kitaru("stack", "drift", "prod", "--detailed-exitcode")
    assert drifted.code == 2, drifted.out + drifted.err
    assert "versioning" in drifted.out
    mended = kitaru("stack", "apply", *prod, "--yes")
    assert mended.code == 0, mended.err
    assert world.state.buckets["team-data"]["versioning"] == {"enabled": True}

    gone = kitaru(
        *("stack", "delete", "prod", "--recursive", "--force", "--infra", "--include-protected"),
        *("--yes", "-o", "json"),
    )
    assert gone.code == 0, gone.err
    assert (gone.document["item"]["kept"], world.state.buckets) == ([], {})
