"""Flows whose artifacts are in a bucket: where they end up, and what is left of the ones killed.

The bucket is moto's, the runner is this machine. The program costs about 45 s of CPU: 2 s for each
run on local files, 3 s for one with the bucket, and there are 17 of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kitaru_iac as kitaru
from kitaru_iac.testing import local_aws
from tests.docs.markdown import ROOT
from tests.flows import packages
from tests.homes import Home

PROGRAM = Path(__file__).with_name("cloud_program.py")
BUCKET = "s3://flows-of-ours/kitaru"

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
CLUSTER = {
    "name": "cluster",
    "type": "kubernetes",
    "region": "eu-west-1",
    "cluster": "prod-cluster",
    "artifact_store": BUCKET,
    "container_registry": f"{REGISTRY}/agents",
    "credentials": "aws-access-keys:AKIAEXAMPLE000000000:any-secret-access-key",
    "activate": False,
}


@kitaru.flow
def agent() -> None:
    """Do nothing."""


@pytest.mark.clouds
@pytest.mark.slow
@pytest.mark.timeout(900)  # on a busy machine
def test_runs_in_threads_in_processes_and_killed_ones_leave_the_active_stack(home: Home) -> None:
    description = {
        "name": "cloud",
        "type": "local",
        "region": "eu-west-1",
        "artifact_store": BUCKET,
        "credentials": "aws-access-keys:AKIAEXAMPLE000000000:any-secret-access-key",
        "activate": False,
    }
    with local_aws() as aws:
        for described in (description, CLUSTER):
            aws.create(described)
            kitaru.apply(described)
        kitaru.create_stack("other", activate=False)
        with pytest.raises(kitaru.MissingPackages) as refused:  # s3fs is in the program's folder
            agent.run(stack="cloud")
        seen = _run(home, aws.environment())
    assert "not installed: s3fs" in str(refused.value.why)
    assert "pip install 's3fs" in str(refused.value.remedy)
    local = f"{home.config}/local_stores/"
    runs = seen["threads"]["runs"]
    assert sorted(stack for stack, _ in runs) == ["cloud", "other"]
    runs += [("default", seen["warm"]), ("other", seen["after"]["flow"])]
    runs += [("cloud", seen["main"]["flow"]), ("cloud", seen["main"]["block"])]
    runs += [(name, seen[name]["flow"]) for name in ("cloud", "other")]
    for stack, run in runs:
        assert (run["stack"], run["status"]) == (stack, "completed")
        assert run["uri"].startswith(BUCKET if stack == "cloud" else local), run
        assert run.get("result", 2) == 2
    assert seen["remote"] == {
        "orchestrator": "KubernetesOrchestrator",
        "connector": "prod-cluster",
        "artifacts": BUCKET,
        "registry": REGISTRY,
        "refused": "Stack 'cluster' cannot run flows from the local store",
        "runs": 3,  # those of before
        "left": None,
    }
    assert seen["same"], "the settings have changed"
    assert len({(stack, moment) for stack, moment, _, _ in seen["kills"]}) == 10
    for stack, moment, done, same in seen["kills"]:
        assert (done, same) == (None, True), (stack, moment)
    assert kitaru.current_stack().name == "default"


def _run(home: Home, cloud: dict[str, str]) -> dict[str, Any]:
    aws = {name: text for name, text in cloud.items() if name.startswith("AWS_")}
    (home.path / "program.py").write_text(PROGRAM.read_text())
    settings = home.config / "config.yaml"
    done = subprocess.run(
        [sys.executable, "program.py", str(settings)],
        env=home.environment(PYTHONPATH=f"{packages.for_s3()}:{ROOT}", **aws),
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    assert line is not None, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    for name in ("main", "remote", "threads", "cloud", "other", "after"):
        assert "error" not in found[name], found[name]["error"]
        assert found[name]["left"] is None
    return found
