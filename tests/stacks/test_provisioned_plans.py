"""Provisioned as it was reviewed, and not otherwise: the real engine, and AWS on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.hosts.model import marked
from tests.cli.conftest import Kitaru
from tests.cli.test_ci import COMMIT, Job, job  # noqa: F401 - the job
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.faults import AwsFaults
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
    assert f"`{BUCKET}`" in job.comments[-1].partition("<details>")[2]  # what it is given
    assert s3.list_buckets()["Buckets"] == []
    job.world.merges = {COMMIT: [(7, True, COMMIT)]}
    job.event("push")
    done = job.run("apply", "-f", "stacks")
    assert done.code == 0, done.err
    assert "1 applied" in job.comments[-1]
    assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == [BUCKET]
    assert kitaru("stack", "show", "prod").code == 0

    # Something is otherwise in the cloud, and that it is put back is reviewed; then more moves.
    words, plan = ("-f", "stacks/prod.yaml"), ("--plan", "plan.json")
    keep_old_versions(s3, 60)
    seen = kitaru("stack", "preview", *words, "--out", "plan.json", "-o", "json")
    assert seen.code == 0, seen.err
    (change,) = [c for c in seen.document["item"]["stacks"][0]["changes"] if c["changed"]]
    assert change["unknown"] == change["sensitive"] == []
    (rules,) = change["changed"]
    days = [rules[when][1]["noncurrentVersionExpiration"] for when in ("before", "after")]
    assert days == [{"noncurrentDays": 60}, {"noncurrentDays": 30}]
    keep_old_versions(s3, 90)
    scanning = {
        "repositoryName": "kitaru/prod",
        "imageScanningConfiguration": {"scanOnPush": False},
    }
    ecr.put_image_scanning_configuration(**scanning)
    moved = kitaru("stack", "apply", *words, *plan, "-o", "json")
    assert moved.error["code"] == "plan_moved"
    lifecycle, repository = moved.error["differs"]
    assert lifecycle.endswith("the fields that change, or their values, are others")
    assert repository.endswith("reviewed was nothing; now it is update")
    assert old_versions(s3) == 90

    # Both are reviewed, and done.
    assert kitaru("stack", "preview", *words, "--out", "plan.json").code == 0
    done = kitaru("stack", "apply", *words, *plan)
    assert done.code == 0, done.err
    assert old_versions(s3) == 30
    (found,) = ecr.describe_repositories()["repositories"]
    assert found["imageScanningConfiguration"]["scanOnPush"] is True
    again = kitaru("stack", "preview", *words, "--detailed-exitcode")
    assert again.code == 0, again.out


def test_a_job_that_verifies_keeps_one_comment(
    workshop: EngineRoom,
    job: Job,  # noqa: F811
) -> None:
    assert workshop.aws.client("s3").list_buckets()["Buckets"] == []
    job.describe(dev="name: dev\n")
    assert job.run("verify", "-f", "stacks").code == 0
    assert job.comments == []  # nothing needs care

    job.describe(prod=f"name: prod\ntype: local\nregion: {REGION}\nartifact_store: s3://data/k\n")
    job.event("pull_request", fork=True)
    assert job.run("verify", "-f", "stacks").code == 3
    job.event("pull_request")
    assert job.run("verify", "-f", "stacks", "--no-comment").code == 3
    assert job.comments == []
    may_not = "Resource not accessible by integration"
    job.world.instead = [("POST /repos/o/r/issues/7/comments", 403, {}, may_not)]
    done = job.run("verify", "-f", "stacks")
    assert done.code == 3, done.err
    assert "Comment on GitHub: none: " in done.err
    assert "aws.bucket.exists" in done.out
    assert int(job.outputs["checks_failed"]) >= 1
    for outcome in ("created", "unchanged"):
        done = job.run("verify", "-f", "stacks")
        assert done.code == 3, done.err
        assert f"Comment on GitHub: {outcome}" in done.err
    (comment,) = job.comments
    assert comment.startswith(marked("verify/stacks", ""))
    assert "| `prod` |" in comment
    assert "aws.bucket.exists" in comment

    (job.folder / "stacks" / "prod.yaml").unlink()
    assert job.run("verify", "-f", "stacks").code == 0
    (comment,) = job.comments
    assert "Nothing to check" in comment
    job.describe(bad="nam: bad\n")
    assert job.run("verify", "-f", "stacks").code == 64
    (comment,) = job.comments
    assert "### Failed" in comment


def test_who_sees_less_reviews_the_same_plan_and_what_fails_now_stops_it(
    workshop: EngineRoom, kitaru: Kitaru, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = f"type: local\nregion: {REGION}\nartifact_store: s3://data/k\ninfra: verify\n"
    (tmp_path / "two.yaml").write_text(f"name: one\n{keys}---\nname: two\n{keys}verify: false\n")
    words, plan = ("-f", str(tmp_path / "two.yaml")), str(tmp_path / "plan.json")
    workshop.aws.bucket("data")
    with AwsFaults(workshop.aws.url) as proxy:
        for name, value in proxy.env().items():
            monkeypatch.setenv(name, value)
        proxy.deny("s3:GetBucketVersioning")
        seen = kitaru("stack", "preview", *words, "--out", plan, "-o", "json")
        assert seen.code == 0, seen.err + seen.out
        assert seen.document["item"]["complete"] is False
        proxy.reset()

        s3 = workshop.aws.client("s3")
        s3.delete_bucket(Bucket="data")
        moved = kitaru("stack", "apply", *words, "--plan", plan, "-o", "json")
        assert moved.error["code"] == "plan_moved"
        assert any(
            "stack one: check aws.bucket.exists of" in line and "was ok, and is fail" in line
            for line in moved.error["differs"]
        )
        workshop.aws.bucket("data")
        done = kitaru("stack", "apply", *words, "--plan", plan)
        assert done.code == 0, done.err

        # What fails in the review alone is no change where there is nothing to do.
        s3.delete_bucket(Bucket="data")
        seen = kitaru("stack", "preview", *words, "--out", plan, "-o", "json")
        failed = [entry["error"] for entry in seen.document["item"]["stacks"]]
        assert [error["code"] for error in failed] == ["check_failed", "check_failed"]
        workshop.aws.bucket("data")
        again = kitaru("stack", "apply", *words, "--plan", plan)
        assert again.code == 0, again.err


def old_versions(s3: Any) -> int:
    """For how many days the bucket keeps what was overwritten."""
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    (days,) = [
        r["NoncurrentVersionExpiration"]["NoncurrentDays"] for r in rules if "Noncurr" in str(r)
    ]
    return int(days)


def keep_old_versions(s3: Any, days: int) -> None:
    """Let somebody change that."""
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    for rule in rules:
        if "NoncurrentVersionExpiration" in rule:
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"] = days
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})
