"""An AWS on loopback for tests of users: what it refuses, what is seen of it, and that it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kitaru_iac as kitaru
from kitaru_iac.machine import packages
from kitaru_iac.testing import LocalAws, aws, local_aws
from kitaru_iac.testing.aws import seen

NOBODY = LocalAws("http://127.0.0.1:9", "123456789012", "eu-west-1")
BUCKET = {"name": "x", "type": "local", "artifact_store": "s3://my-bucket", "region": "eu-west-1"}


def test_what_is_of_another_account_or_cloud_is_not_made() -> None:
    other = {**BUCKET, "type": "sagemaker"}
    other["container_registry"] = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/agents"
    other["execution_role"] = "arn:aws:iam::210987654321:role/runner"
    with pytest.raises(kitaru.UsageError, match="account 210987654321, and this AWS is 1234"):
        NOBODY.create(other)
    for nothing in ({"name": "x"}, {**BUCKET, "artifact_store": "gs://my-bucket"}):
        with pytest.raises(kitaru.UsageError, match="names nothing in AWS"):
            NOBODY.create({key: nothing[key] for key in nothing if key != "region"})
    with pytest.raises(kitaru.UsageError, match="a mapping or a path, not str"):
        NOBODY.create("stack.yaml")
    with pytest.raises(kitaru.DescriptionError):
        NOBODY.create({"name": "x", "type": "sagemaker"})


@pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901x", "١" * 12])
def test_an_account_has_12_digits(account: str) -> None:
    with pytest.raises(kitaru.UsageError, match="12 digits"), local_aws(account):
        pass


def test_without_moto_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "unmet", lambda **_: ["moto (not installed)"])
    with pytest.raises(kitaru.MissingPackages) as refused, local_aws():
        pass
    assert refused.value.why == "moto (not installed)"
    assert "'kitaru-iac[aws,testing]'" in str(refused.value.remedy)


def test_a_moto_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "moto.py"
    broken.write_text("raise SystemExit('there is no flask')")
    monkeypatch.setattr(aws, "_PROGRAM", broken)
    with pytest.raises(kitaru.KitaruError, match="moto does not start") as failed, local_aws():
        pass
    assert failed.value.why == "there is no flask"
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_inside_nothing_of_the_user_is_seen_and_afterwards_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in {
        "AWS_PROFILE": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "HTTPS_PROXY": "http://proxy.example.com",
        "no_proxy": "example.com",
    }.items():
        monkeypatch.setenv(name, text)
    before = dict(os.environ)
    with contextlib.suppress(ZeroDivisionError), seen(NOBODY):
        inside = dict(os.environ)
        assert NOBODY.environment() == inside
        raise ZeroDivisionError
    assert dict(os.environ) == before
    assert not inside.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"}
    assert inside["no_proxy"] == inside["NO_PROXY"] == "example.com,127.0.0.1"
    assert inside["AWS_CONFIG_FILE"] == os.devnull


_KILLED = """
import os, sys
from kitaru_iac.testing import local_aws
with local_aws() as aws:
    print(aws.url, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.clouds
def test_moto_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """A start of moto costs 2 s of CPU."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    port = int(done.stdout.strip().rpartition(":")[2])
    end = time.monotonic() + 30
    while f"127.0.0.1:{port:04X}" in _listening():
        assert time.monotonic() < end
        time.sleep(0.05)


def _listening() -> set[str]:
    """The loopback ports that somebody listens on, as Linux tells them."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = [line.split()[1] for line in table if line.split()[3] == "0A"]
    return {f"127.0.0.1:{address.partition(':')[2]}" for address in local}
