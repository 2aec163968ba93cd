"""From nothing to a stack and back, both layers: the real engine, ZenML, and AWS on loopback."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from pulumi.automation import PulumiCommand

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.stored import Store
from tests.cli.conftest import Kitaru
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.records.snapshots import everything

pytestmark = pytest.mark.engine

BUCKET = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
PROD = ["prod", "--type", "sagemaker", "--region", REGION, "--infra", "provision"]
EXISTING = [
    *("prod", "--type", "sagemaker", "--region", REGION, "--infra", "verify"),
    *("--artifact-store", "s3://data/kitaru"),
    *("--container-registry", f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com"),
    *("--execution-role", f"arn:aws:iam::{ACCOUNT_ID}:role/Runner"),
]


def test_provisioned_registered_converged_and_taken_down(
    kitaru: Kitaru, workshop: EngineRoom
) -> None:
    with quiet():
        before = everything(Store.open())
    shown = kitaru("stack", "create", *PROD, "--dry-run", "-o", "json")
    assert shown.code == 0, shown.err
    (entry,) = shown.document["item"]["stacks"]
    layers = {change["layer"] for change in entry["changes"]}
    assert layers == {"infrastructure", "records", "machine"}
    assert shown.document["item"]["complete"]
    assert workshop.aws.client("s3").list_buckets()["Buckets"] == []

    unasked = kitaru("stack", "create", *PROD)
    assert unasked.code == 1
    assert BUCKET in unasked.err.partition("has to be confirmed")[0]  # the plan is shown before
    assert workshop.aws.client("s3").list_buckets()["Buckets"] == []

    made = kitaru("stack", "create", *PROD, "--yes", "-o", "json")

    assert made.code == 0, made.err
    assert made.document["item"]["state"] == workshop.state.as_uri()
    item = made.document["item"]
    assert item["resources"]["artifact_store"] == f"s3://{BUCKET}"
    assert {check["status"] for check in item["checks"]} == {"ok"}
    with quiet():
        stored = Store.open().read("prod")
    assert stored is not None
    assert stored.labels["kitaru.pulumi.stack"] == "prod"
    assert workshop.aws.client("s3").list_buckets()["Buckets"][0]["Name"] == BUCKET
    for component in stored.components:
        assert set(component.labels) == {"kitaru.managed"}

    preview = kitaru("stack", "preview", *PROD, "--detailed-exitcode")
    assert preview.code == 0, preview.out
    again = kitaru("stack", "apply", *PROD, "--yes", "-o", "json")
    assert again.document["item"]["changed"] is False
    verified = kitaru("stack", "verify", "prod", "-o", "json")
    assert verified.code == 0, verified.out

    refused = kitaru("stack", "delete", "prod", "--recursive", "--infra", "--yes")
    assert refused.code == 1
    assert "active" in refused.err
    unanswered = kitaru("stack", "delete", "prod", "--recursive", "--force", "--infra")
    assert unanswered.code == 1
    assert workshop.aws.client("iam").list_roles()["Roles"]

    gone = kitaru(
        *("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes", "-o", "json")
    )

    assert gone.code == 0, gone.err
    item = gone.document["item"]
    assert any(BUCKET in kept["name"] for kept in item["kept"])
    assert [kept for kept in item["kept"] if kept["kind"] == "infrastructure"] == []
    assert workshop.aws.client("ecr").describe_repositories()["repositories"] == []
    assert workshop.aws.client("iam").list_roles()["Roles"] == []
    with quiet():
        assert everything(Store.open()) == before


def test_a_failed_up_and_a_failed_registration_go_on_with_the_same_command(
    kitaru: Kitaru, workshop: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.fault("before", "aws:iam/role:Role", fail="AccessDenied: not today")
    failed = kitaru("stack", "create", *PROD, "--yes")
    assert failed.code == 1
    with quiet():
        assert Store.open().read("prod") is None
    workshop.no_faults()

    with monkeypatch.context() as patch:
        with quiet():
            from zenml.zen_stores.sql_zen_store import SqlZenStore

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the disk is full")

        patch.setattr(SqlZenStore, "create_stack", fail)
        failed = kitaru("stack", "create", *PROD, "--yes")
        assert failed.code == 1
        assert "the disk is full" in failed.err

    done = kitaru("stack", "create", *PROD, "--yes")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "Created stack: prod"


def test_what_would_stay_is_never_left_in_silence(kitaru: Kitaru, workshop: EngineRoom) -> None:
    """Without --infra, without the state, without the record: what there is, and a way on."""
    assert kitaru("stack", "create", *PROD, "--no-activate", "--yes").code == 0
    refused = kitaru("stack", "delete", "prod", "--recursive", "-o", "json")
    assert refused.code == 1
    assert refused.error["code"] == "infrastructure_remains"
    assert refused.error["left"] == [f"deployment kitaru/prod in {workshop.state.as_uri()}"]
    both = kitaru("stack", "delete", "prod", "--infra", "--keep-infra")
    assert both.code == 64
    owned = kitaru("infra", "delete", "prod", "--yes", "-o", "json")
    assert owned.error["code"] == "stack_protected"

    # The state folder is deleted, or this is a colleague's machine.
    away = workshop.state.rename(workshop.home / "away")
    lost = kitaru("stack", "delete", "prod", "--recursive", "--infra", "--yes", "-o", "json")
    assert lost.code == 1
    assert lost.error["code"] == "infrastructure_remains"
    assert set(lost.error["left"]) == {
        f"bucket {BUCKET}",
        "ECR repository kitaru/prod",
        f"IAM role kitaru-prod-sagemaker-{REGION}",
    }
    assert "--take-back" in lost.error["remedy"]
    assert kitaru("stack", "show", "prod").code == 0
    (missed,) = kitaru("infra", "list", "-o", "json").document["items"]
    assert (missed["name"], missed["stack"], missed["holds"]) == ("prod", "prod", [])
    assert missed["problem"].startswith("its state is not there")
    rmtree(workshop.state, ignore_errors=True)
    away.rename(workshop.state)

    # The record goes alone where that is said, and the same name finds its infrastructure again.
    done = kitaru("stack", "delete", "prod", "--recursive", "--keep-infra", "-o", "json")
    kept = next(part for part in done.document["item"]["kept"] if part["kind"] == "infrastructure")
    assert kept["name"] == "kitaru/prod"
    again = kitaru("stack", "create", *PROD, "--no-activate", "--yes", "-o", "json")
    assert again.code == 0, again.err
    assert {tuple(c["actions"]) for c in again.document["item"]["infrastructure"]} == {("no-op",)}
    (listed,) = kitaru("infra", "list", "-o", "json").document["items"]
    assert (listed["name"], listed["stack"]) == ("prod", "prod")
    assert {part["name"] for part in listed["holds"]} >= {BUCKET, "kitaru/prod"}

    # A protected bucket is kept, and can be finished later by the deployment's name.
    first = kitaru("stack", "delete", "prod", "--recursive", "--infra", "--yes")
    assert first.code == 0, first.err
    assert "Take the rest down with: kitaru infra delete prod" in first.out
    (left,) = kitaru("infra", "list", "-o", "json").document["items"]
    assert left["stack"] is None
    assert [part["name"] for part in left["holds"]] == [BUCKET]
    unanswered = kitaru("infra", "delete", "prod", "--include-protected")
    assert unanswered.code == 1
    assert workshop.aws.client("s3").list_buckets()["Buckets"]
    # Somebody else's by now: it stays, which is no success, until it is forgotten.
    s3 = workshop.aws.client("s3")
    tags = s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    s3.delete_bucket_tagging(Bucket=BUCKET)
    copytree(workshop.state, away)
    foreign = kitaru("infra", "delete", "prod", "--include-protected", "--yes", "-o", "json")
    assert foreign.code == 1, foreign.err
    assert [part["name"] for part in foreign.document["item"]["kept"]] == [BUCKET]
    assert "not made for this stack" in foreign.document["item"]["kept"][0]["reason"]
    gone = kitaru("infra", "delete", "prod", "--forget-foreign", "--yes", "-o", "json")
    assert gone.code == 0, gone.err
    assert [part["name"] for part in gone.document["item"]["forgotten"]] == [BUCKET]
    assert s3.list_buckets()["Buckets"]
    assert kitaru("infra", "list", "-o", "json").document["items"] == []
    rmtree(workshop.state)
    away.rename(workshop.state)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})

    end = kitaru("infra", "delete", "prod", "--include-protected", "--yes", "-o", "json")
    assert end.code == 0, end.err
    assert end.document["item"]["kept"] == []
    assert workshop.aws.client("s3").list_buckets()["Buckets"] == []
    assert kitaru("infra", "list", "-o", "json").document["items"] == []


def test_verify_stops_a_creation_before_anything_is_written(
    kitaru: Kitaru, workshop: EngineRoom
) -> None:
    with quiet():
        before = everything(Store.open())
    done = kitaru("stack", "create", *EXISTING, "-o", "json")
    assert done.code == 3, done.err
    assert "data" in done.err
    with quiet():
        assert everything(Store.open()) == before


def _described_twice(folder: Path, words: list[str]) -> Path:
    """A folder with two descriptions of what these words of a command say."""
    keys = (option.removeprefix("--").replace("-", "_") for option in words[1::2])
    described = dict(zip(keys, words[2::2], strict=True))
    found = folder / "stacks"
    found.mkdir()
    for name in ("one", "two"):
        (found / f"{name}.yaml").write_text(json.dumps({"name": name, **described}))
    return found


def test_a_plan_has_what_the_checks_found_failed_or_beside_what_would_be_made(
    kitaru: Kitaru, workshop: EngineRoom, tmp_path: Path
) -> None:
    stacks, plan = _described_twice(tmp_path, EXISTING), tmp_path / "plan.json"
    failed = kitaru("stack", "preview", "-f", str(stacks), "--out", str(plan))

    assert failed.code == 3, failed.err
    found = json.loads(plan.read_text())
    entry = found["stacks"][1]
    statuses = [check["status"] for check in entry["checks"]]
    assert found["summary"]["checks_failed"] == 2 * statuses.count("fail") > 0
    assert (entry["complete"], entry["applyable"]) == (False, False)

    workshop.aws.bucket("data")
    beside = kitaru(
        *("stack", "preview", *PROD, "--artifact-store", "s3://data/kitaru", "-o", "json")
    )

    assert beside.code == 0, beside.err
    found = beside.document["item"]
    (entry,) = found["stacks"]
    used = {check["id"]: check["status"] for check in entry["checks"]}
    assert used["aws.bucket.exists"] == "ok"
    assert "aws.role.exists" not in used
    unknown = list(used.values()).count("unknown")
    assert found["summary"]["checks_unknown"] == unknown
    assert entry["complete"] is (unknown == 0)


@pytest.mark.parametrize("more", [("--prune", "--source", "mine"), ("--plan", "reviewed.json")])
def test_yes_agrees_to_the_engine_where_a_plan_comes_first(
    kitaru: Kitaru,
    workshop: EngineRoom,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    more: tuple[str, ...],
) -> None:
    def unreachable(**_: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.chdir(tmp_path)
    _described_twice(tmp_path, PROD)
    monkeypatch.setattr(PulumiCommand, "install", unreachable)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("KITARU_PULUMI", "")
    unplanned = kitaru("stack", "preview", "-f", "stacks", "--out", "reviewed.json")
    said = unplanned.out + unplanned.err  # a look fetches nothing
    assert "Name or service not known" not in said
    assert "Installing the Pulumi engine" not in said

    done = kitaru("stack", "apply", "-f", "stacks", *more, "--yes")

    assert done.code == 1
    assert "Installing the Pulumi engine" in done.err


def test_verify_needs_no_engine(
    kitaru: Kitaru, workshop: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("KITARU_PULUMI", "")
    done = kitaru("stack", "verify", *EXISTING)
    assert done.code == 3
    assert "aws.bucket.exists" in done.out
