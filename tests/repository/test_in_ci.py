"""A written repository on GitHub, as its workflows run it: with their own commands.

The engine and the store are real, the backend is a folder, the code host is on loopback.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.repository.write import write
from tests.cli.test_ci import COMMIT
from tests.docs.test_platform_teams import stand_for_uv_sync
from tests.doubles.code_hosts import TOKEN, Conversation, code_host
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.room import PASSPHRASE
from tests.warm.client import commands

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(900)]

#: `uv run --locked COMMAND`: the environment of the tests stands for the one of the lock.
UV = '#!/bin/sh\nshift 2\nexec "$@"\n'


class Runner:
    """Runs the last step of a job, with what its workflow gives it."""

    def __init__(self, home: Home, repository: Path, work: Path, url: str) -> None:
        self.home = home
        self.repository = repository
        self.state = work / "state"
        self.state.mkdir()
        (work / "bin").mkdir()
        uv = work / "bin" / "uv"
        uv.write_text(UV)
        uv.chmod(0o755)
        self.event = work / "event.json"
        self.summary = work / "summary.md"
        here = (work / "bin", commands(), Path(sys.executable).parent, os.environ["PATH"])
        self.environment = {
            "PATH": os.pathsep.join(map(str, here)),
            "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(work / "pulumi")),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_GRAPHQL_URL": f"{url}/graphql",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_SHA": COMMIT,
        }
        self.given = {
            "matrix.stack": "dev",
            "inputs.stack": "dev",
            "github.token": TOKEN,
            "vars.PULUMI_BACKEND_URL": self.state.as_uri(),
            "secrets.PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        }

    def job(self, name: str, **inputs: str) -> Any:
        request = {end: {"repo": {"full_name": "o/r"}} for end in ("head", "base")}
        event = {"pull_request": {"number": 7, **request}} if name == "preview" else {}
        self.event.write_text(json.dumps(event))
        file = "drift.yml" if name == "drift" else "stacks.yml"
        workflow = self.repository / ".github" / "workflows" / file
        step = yaml.safe_load(workflow.read_text())["jobs"][name]["steps"][-1]
        given = {**self.given, **{f"inputs.{key}": value for key, value in inputs.items()}}
        variables = {
            key: given.get(text.removeprefix("${{ ").removesuffix(" }}"), "")
            for key, text in step["env"].items()
        }
        return self.run(step["run"], **variables)

    def run(self, script: str, **variables: str) -> Any:
        return self.home.run(
            *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script),
            cwd=self.repository,
            **self.environment,
            **variables,
        )

    def locked(self) -> Path:
        """A colleague's update under way, as a file backend holds it."""
        folder = self.state / ".pulumi" / "locks" / "organization" / "kitaru-stacks" / "dev"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "colleague.json"
        holder = {"pid": 4711, "username": "alice", "hostname": f"not-{socket.gethostname()}"}
        file.write_text(json.dumps({**holder, "timestamp": "2026-11-26T10:00:00Z"}))
        return file


def merge(world: Conversation) -> None:
    world.merges = {COMMIT: [(7, True, COMMIT)]}


def test_from_a_pull_request_to_a_repaired_drift(home: Home, tmp_path: Path) -> None:
    repository = write(tmp_path / "repository").path
    stand_for_uv_sync(repository / ".venv")
    with code_host("github") as (url, world):
        runner = Runner(home, repository, tmp_path, url)
        own = {
            "PULUMI_BACKEND_URL": runner.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        }
        made = runner.run("pulumi stack init dev", **own)
        assert made.returncode == 0, made.stderr

        shown = runner.job("preview")
        assert shown.returncode == 0, shown.stderr
        (comment,) = world.comments
        assert "kitaru:index:Stack" in comment["body"]
        assert stored.records("dev") is None

        # What is merged is another description than the one that was reviewed.
        merge(world)
        description = repository / "stacks" / "dev.yaml"
        reviewed = description.read_text()
        description.write_text(f"type: local\nartifact_store: {tmp_path / 'other'}\n")
        moved = runner.job("up")
        assert moved.returncode == 1
        assert "not what was reviewed" in moved.stderr
        assert stored.records("dev") is None

        description.write_text(reviewed)
        lock = runner.locked()
        busy = runner.job("up")
        assert busy.returncode == 1
        assert "alice" in busy.stderr
        assert stored.records("dev") is None
        lock.unlink()
        done = runner.job("up")
        assert done.returncode == 0, done.stderr
        assert stored.records("dev") is not None

        # A colleague changes it by hand: the issue says so, and its digest puts it right.
        other = runner.run("zenml artifact-store update dev --path=/tmp/elsewhere")
        assert other.returncode == 0, other.stderr
        looked = runner.job("drift")
        assert looked.returncode == 0, looked.stderr
        (issue,) = world.issues
        assert issue["open"]
        assert "/tmp/elsewhere" in issue["body"]
        digest = issue["body"].rpartition("--digest ")[2].partition("`")[0]
        mended = runner.job("up-digest", digest=digest)
        assert mended.returncode == 0, mended.stderr
        assert runner.job("drift").returncode == 0
        assert not issue["open"]
