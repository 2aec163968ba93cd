"""`kitaru stack health`: drift and the checks in one answer, and one exit code."""

from __future__ import annotations

import pytest

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus
from kitaru_iac.errors import KitaruError
from kitaru_iac.labels import APPLIED_LABEL
from tests.cli.conftest import Kitaru
from tests.cli.test_verify import SAGEMAKER
from tests.homes import Home
from tests.stacks.test_watch import move_store, relabel


def test_a_local_stack_is_healthy_until_somebody_changes_it(
    home: Home, kitaru: Kitaru, tmp_path: object
) -> None:
    kitaru("stack", "create", "dev", "--artifact-store", f"{tmp_path}/one")
    healthy = kitaru("stack", "health")
    assert (healthy.code, healthy.out) == (0, "dev: healthy\n1 healthy.\n")
    move_store("dev", f"{tmp_path}/two")
    drift = kitaru("stack", "health", "dev", "-o", "json")
    assert drift.code == 2
    (dev,) = drift.document["items"]
    assert dev["state"] == "drift"
    assert dev["checks"] == []
    assert f"was {tmp_path}/one, is {tmp_path}/two" in kitaru("stack", "health").out
    assert f"was {tmp_path}/one" in kitaru("stack", "health", "-o", "markdown").out


@pytest.mark.parametrize(
    ("status", "kept", "state", "code"),
    [
        (CheckStatus.OK, True, "healthy", 0),
        (CheckStatus.WARN, True, "healthy", 0),
        (CheckStatus.UNKNOWN, True, "unknown", 1),
        (CheckStatus.FAIL, True, "failed", 3),
        (CheckStatus.OK, False, "unknown", 1),
        (CheckStatus.FAIL, False, "failed", 3),
    ],
)
def test_the_worst_decides(
    home: Home,
    kitaru: Kitaru,
    monkeypatch: pytest.MonkeyPatch,
    status: CheckStatus,
    kept: bool,
    state: str,
    code: int,
) -> None:
    def verify(spec: object, **_: object) -> CheckReport:
        result = CheckResult("aws.bucket.exists", status, "s3://my-bucket", "it | was", "look")
        return CheckReport("prod", (result,))

    monkeypatch.setattr("kitaru_iac.infrastructure.verify.verify", verify)
    assert kitaru("stack", "create", *SAGEMAKER, "--no-verify", "--no-activate").code == 0
    if not kept:
        relabel("prod", **{APPLIED_LABEL: None})
    seen = kitaru("stack", "health", "-o", "json")
    assert seen.code == code
    assert seen.document["items"][0]["state"] == state
    told = status is not CheckStatus.OK
    assert ("aws.bucket.exists" in kitaru("stack", "health").out) is told
    assert ("it \\| was" in kitaru("stack", "health", "-o", "markdown").out) is told


def test_checks_that_cannot_be_begun_are_unknown(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(spec: object, **_: object) -> CheckReport:
        raise KitaruError("Packages are missing", remedy="Install them.")

    monkeypatch.setattr("kitaru_iac.infrastructure.verify.verify", verify)
    kitaru("stack", "create", "dev")
    seen = kitaru("stack", "health")
    assert seen.code == 1
    assert "? checks: Packages are missing. Install them." in seen.out


def test_of_several_the_worst_decides_and_a_wrong_name_is_told(home: Home, kitaru: Kitaru) -> None:
    kitaru("stack", "create", "dev")
    seen = kitaru("stack", "health", "dev", "default", "-o", "json")
    assert seen.code == 1
    assert [item["state"] for item in seen.document["items"]] == ["healthy", "unknown"]
    assert kitaru("stack", "health", "nothing").code == 4
