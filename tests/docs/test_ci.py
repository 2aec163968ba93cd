"""The action and the workflows of docs/guides/ci.md: well-formed, modest, and their scripts run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import kitaru_iac
from kitaru_iac.repository.contents import ENGINE
from tests.cli.test_ci import COMMIT
from tests.docs.markdown import ROOT, blocks
from tests.doubles.code_hosts import TOKEN, code_host
from tests.homes import Home
from tests.repository import linters
from tests.warm.client import commands

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
GUIDE = ROOT / "docs" / "guides" / "ci.md"
WORKFLOWS = [block for block in blocks(GUIDE) if "workflow" in block.words]
GITLAB = [block for block in blocks(GUIDE) if "gitlab" in block.words]


def _steps(workflow: str) -> list[tuple[str, dict[str, Any]]]:
    jobs = yaml.safe_load(workflow)["jobs"]
    return [(name, step) for name, job in jobs.items() for step in job["steps"]]


def _run_of(step: dict[str, Any], inputs: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A step's script and variables, as the runner makes them of the inputs."""
    values = {name: str(told.get("default", "")) for name, told in ACTION["inputs"].items()}
    values |= inputs
    variables = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)
        for name, text in step["env"].items()
    }
    return step["run"], variables


def test_each_action_is_pinned_to_one_version_everywhere() -> None:
    """One that was left behind stops with the runtime that GitHub takes away from it."""
    files = Path(kitaru_iac.__file__).parent / "repository/files"
    places = (ROOT / "action.yml", GUIDE, *files.rglob("*.yml"))
    text = "".join(place.read_text() for place in places)
    pins = set(re.findall(r"uses: (?!OWNER)(\S+)@(\w{40} # v\d+\.\d+\.\d+)\n", text))
    assert len(pins) == len({action for action, _ in pins}) > 5


class TestTheAction:
    def test_every_input_is_used_and_no_other(self) -> None:
        text = (ROOT / "action.yml").read_text().partition("\nruns:")[2]
        assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])

    def test_no_input_is_a_part_of_a_script(self) -> None:
        for step in ACTION["runs"]["steps"]:
            assert "${{" not in step.get("run", "")

    def test_its_outputs_are_those_of_the_command(self) -> None:
        from kitaru_iac.cli import ci_drift
        from kitaru_iac.cli.ci_job import OUTPUTS

        assert set(ACTION["outputs"]) == {*OUTPUTS, *ci_drift.OUTPUTS, "checks_unknown"}

    def test_what_it_uses_is_pinned(self) -> None:
        for step in ACTION["runs"]["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        (install,) = (step for step in ACTION["runs"]["steps"] if step.get("name") == "Install")
        assert '--constraints "$GITHUB_ACTION_PATH/requirements.lock"' in install["run"]
        assert (ROOT / "requirements.lock").is_file()


@pytest.mark.parametrize("block", WORKFLOWS, ids=str)
class TestAWorkflow:
    def test_it_gives_the_action_what_it_takes(self, block: Any) -> None:
        used = [step for _, step in _steps(block.text) if "kitaru-iac@" in step.get("uses", "")]
        assert used
        for step in used:
            assert set(step["with"]) <= set(ACTION["inputs"])
            assert step["with"]["command"] in ("preview", "apply", "verify", "drift")

    def test_it_has_no_more_rights_than_it_needs(self, block: Any) -> None:
        workflow = yaml.safe_load(block.text)
        assert workflow["permissions"] == {}
        events = workflow[True]  # YAML 1.1 reads `on` so
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(events)
        for job in workflow["jobs"].values():
            assert set(job["permissions"]) <= {"contents", "pull-requests", "issues", "id-token"}
            assert job["permissions"]["contents"] == "read"

    def test_its_engine_is_the_one_of_a_new_repository(self, block: Any) -> None:
        versions = [step.get("with", {}).get("pulumi-version") for _, step in _steps(block.text)]
        assert set(versions) <= {None, ENGINE}

    def test_linters_have_nothing_to_say(self, block: Any, tmp_path: Path) -> None:
        folder = tmp_path / ".github" / "workflows"
        folder.mkdir(parents=True)
        (folder / "stacks.yml").write_text(block.text)
        (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text())
        assert linters.actionlint(tmp_path) == ""
        assert linters.zizmor(tmp_path) == ""


@pytest.mark.parametrize("block", GITLAB, ids=str)
def test_a_pipeline_hands_on_what_the_command_writes(block: Any) -> None:
    from kitaru_iac.hosts import gitlab

    pipeline = yaml.safe_load(block.text)
    reports = pipeline["preview"]["artifacts"]["reports"]
    assert reports == {"terraform": gitlab.COUNTS, "dotenv": gitlab.OUTPUTS}
    for job in ("preview", "apply"):
        (line,) = pipeline[job]["script"]
        assert line == f"kitaru ci {job} -f stacks"
    assert pipeline["drift"]["script"] == ["kitaru ci drift"]
    for job in ("preview", "apply"):  # a schedule does neither
        (rule,) = pipeline[job]["rules"]
        assert re.search(r'CI_PIPELINE_SOURCE == "(merge_request_event|push)"', rule["if"])


def test_the_actions_script_previews_and_applies(bare_home: Home, tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "dev.yaml").write_text("name: dev\n")
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "kitaru")
    with code_host("github") as (url, world):
        event = {
            "number": 7,
            "head": {"repo": {"full_name": "o/r"}},
            "base": {"repo": {"full_name": "o/r"}},
        }
        (tmp_path / "event.json").write_text(json.dumps({"pull_request": event}))
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_GRAPHQL_URL": f"{url}/graphql",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_OUTPUT": str(tmp_path / "outputs"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_SHA": COMMIT,
            "PATH": f"{commands()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

        def run(**inputs: str) -> subprocess.CompletedProcess[str]:
            script, variables = _run_of(step, {"github-token": TOKEN, **inputs})
            return subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                env=bare_home.environment(**runner, **variables),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )

        done = run(command="preview", files="stacks\n\n")
        assert done.returncode == 0, done.stderr
        assert len(world.comments) == 1
        assert "has_changes<<" in (tmp_path / "outputs").read_text()
        world.merges = {COMMIT: [(7, True, COMMIT)]}
        (tmp_path / "event.json").write_text("{}")
        runner["GITHUB_EVENT_NAME"] = "push"
        done = run(command="apply", files="stacks")
        assert done.returncode == 0, done.stderr
        assert len(world.comments) == 2
        assert bare_home.kitaru("stack", "show", "dev").returncode == 0
        done = run(command="verify", files="stacks", junit="out.xml", strict="true")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out.xml").exists()
        done = run(command="drift", stacks="dev\n\n")
        assert done.returncode == 0, done.stderr
        assert "dev: no drift" in done.stdout
        assert "drifted<<" in (tmp_path / "outputs").read_text()
        assert run(command="drift", stacks="dev\n--no-issue").returncode == 4  # a name, no option
        assert run(command="preview; echo hi", files="stacks").returncode == 64
