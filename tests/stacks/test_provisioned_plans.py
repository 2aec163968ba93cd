"""Provisioned as it was reviewed, and not otherwise: the real engine, and AWS on loopback."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Kitaru
from tests.cli.test_ci import COMMIT, Job, job  # noqa: F401 - the job
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom

pytestmark = pytest.mark.engine

BUCKET = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
PROD = f"name: prod\ntype: sagemaker\nregion: {REGION}\ninfra: provision\n"


def test_a_job_makes_what_was_reviewed_and_no_cloud_that_moved(
    workshop: EngineRoom,
    kitaru: Kitaru,
    job: Job,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", (workshop.home / "shared").as_uri())
    (workshop.home / "shared").mkdir()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-all-jobs")
    s3, ecr = workshop.aws.client("s3"), workshop.aws.client("ecr")
    job.describe(prod=PROD)

    # On the request, and after its merge.
    seen = job.run("preview", "-f", "stacks")
    assert seen.code == 0, seen.err
    assert BUCKET in job.comments[-1]
    assert s3.list_buckets()["Buckets"] == []
    job.world.merges = {COMMIT: [(7, True, COMMIT)]}
    job.event("push")
    done = job.run("apply", "-f", "stacks")
    assert done.code == 0, done.err
    assert "1 applied" in job.comments[-1]
    assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == [BUCKET]
    assert kitaru("stack", "show", "prod").code == 0

    # Something is taken away in the cloud, and that it comes back is reviewed; then more moves.
    words, plan = ("-f", "stacks/prod.yaml"), ("--plan", "plan.json")
    s3.delete_public_access_block(Bucket=BUCKET)
    seen = kitaru("stack", "preview", *words, "--out", "plan.json")
    assert seen.code == 0, seen.err
    scanning = {
        "repositoryName": "kitaru/prod",
        "imageScanningConfiguration": {"scanOnPush": False},
    }
    ecr.put_image_scanning_configuration(**scanning)
    moved = kitaru("stack", "apply", *words, *plan, "-o", "json")
    assert moved.error["code"] == "plan_moved"
    (line,) = moved.error["differs"]
    assert "infrastructure/aws:ecr/repository:Repository" in line
    assert "reviewed was nothing; now it is update" in line
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchPublicAccessBlock"):
        s3.get_public_access_block(Bucket=BUCKET)

    # Both are reviewed, and done.
    assert kitaru("stack", "preview", *words, "--out", "plan.json").code == 0
    done = kitaru("stack", "apply", *words, *plan)
    assert done.code == 0, done.err
    assert s3.get_public_access_block(Bucket=BUCKET)
    (found,) = ecr.describe_repositories()["repositories"]
    assert found["imageScanningConfiguration"]["scanOnPush"] is True
    again = kitaru("stack", "preview", *words, "--detailed-exitcode", "-o", "json")
    assert again.code == 0, again.out
    assert (
        json.loads((job.folder / "plan.json").read_text())["digest"]
        != again.document["item"]["digest"]
    )
