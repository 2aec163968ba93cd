"""What is in a written repository: names, rights, pins, and what linters say of it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac._version import __version__
from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.engine.project import Project
from kitaru_iac.errors import UsageError
from kitaru_iac.repository import contents
from kitaru_iac.repository.write import write
from kitaru_iac.spec import from_mapping
from tests.repository import linters

ROOT = Path(__file__).parents[2]
CLOUDS = (None, *contents.CLOUDS)


def jobs(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["jobs"]
    return found


def github(**asked: Any) -> dict[str, dict[str, Any]]:
    written = contents.files(**asked)
    return {
        **jobs(written[".github/workflows/stacks.yml"]),
        **jobs(written[".github/workflows/drift.yml"]),
    }


def gitlab(**asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(contents.files(ci="gitlab", **asked)[".gitlab-ci.yml"])
    return found


class TestTheProject:
    def test_it_is_the_one_at_the_root_of_this_repository(self) -> None:
        written = contents.files()
        for name in ("Pulumi.yaml", "programs/__main__.py"):
            assert written[name] == (ROOT / name).read_text()

    def test_the_engine_is_the_one_that_the_tests_use(self) -> None:
        required = (ROOT / "tools" / "engine" / "go.mod").read_text()
        assert f"github.com/pulumi/pulumi/pkg/v3 v{contents.ENGINE}" in required

    def test_the_name_and_the_cloud_go_where_they_belong(self) -> None:
        written = contents.files("ml", "aws")
        project = yaml.safe_load(written["Pulumi.yaml"])
        assert project["name"] == "ml"
        assert project["main"] == "programs"
        package = tomllib.loads(written["pyproject.toml"])
        assert package["project"]["name"] == "ml"
        assert package["project"]["dependencies"] == [f"kitaru-iac[aws]~={__version__}"]
        assert not any("kitaru-stacks" in text for text in written.values())

    @pytest.mark.parametrize(
        "name", ["on", "No", "null", "007", "1.0", "1e3", "0x1F", "1_000", "12.34.56", "true", "ml"]
    )
    def test_a_name_that_yaml_reads_as_something_else_stays_one(
        self, name: str, tmp_path: Path
    ) -> None:
        folder = write(tmp_path / "r", project=name).path
        assert yaml.safe_load((folder / "Pulumi.yaml").read_text())["name"] == name
        assert Project(folder, FoundEngine(Path("pulumi"), contents.ENGINE), print).name == name

    @pytest.mark.parametrize("ci", contents.CIS)
    def test_nothing_is_left_to_be_filled_in(self, ci: str) -> None:
        for cloud in CLOUDS:
            for name, text in contents.files(cloud=cloud, ci=ci).items():
                assert not re.search(r"@[A-Z_]+@", text), (name, text)
                assert text.endswith("\n")
                assert "\n\n\n" not in text, name

    @pytest.mark.parametrize("ci", contents.CIS)
    def test_each_ci_has_its_own_files_alone(self, ci: str) -> None:
        written = contents.files(ci=ci)
        assert any(name.startswith(".github/") for name in written) is (ci == "github")
        assert (".gitlab-ci.yml" in written) is (ci == "gitlab")
        assert ("## In CI" in written["README.md"]) is (ci != "none")

    def test_each_environment_has_its_stack_and_its_description(self) -> None:
        written = contents.files(environments=["dev", "staging", "prod"])
        for name in ("dev", "staging", "prod"):
            config = yaml.safe_load(written[f"Pulumi.{name}.yaml"])
            assert config == {"config": {"kitaru:file": f"stacks/{name}.yaml"}}
            assert f"stacks/{name}.yaml" in written

    def test_a_stack_is_local_and_every_example_in_it_is_right(self) -> None:
        text = contents.files()["stacks/dev.yaml"]
        assert yaml.safe_load(text) == {"type": "local"}
        examples = [yaml.safe_load(text)]
        for block in text.split("\n\n")[2:]:
            head, *lines = block.splitlines()
            assert head.startswith("# ")
            examples.append(yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines)))
        assert len(examples) == 5
        for example in examples:
            from_mapping({"name": "prod", **example})


class TestWhereThePackageIsFrom:
    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        def set_to(document: object) -> dict[str, Any]:
            monkeypatch.setattr(contents, "_direct_url", lambda: document)
            return tomllib.loads(contents.files()["pyproject.toml"])["tool"]["uv"]

        return set_to

    @pytest.mark.parametrize(
        "url", ["file:///home/somebody/kitaru-iac", "file:///tmp/kitaru_iac-1-py3-none-any.whl"]
    )
    def test_no_path_of_this_machine_is_written(self, installed: Any, url: str) -> None:
        assert "sources" not in installed({"url": url, "dir_info": {}})
        assert contents.is_from_here()

    def test_a_git_repository_on_this_machine_is_none_that_others_reach(
        self, installed: Any
    ) -> None:
        git = {"vcs": "git", "commit_id": "a" * 40}
        assert "sources" not in installed({"url": "file:///srv/kitaru.git", "vcs_info": git})

    @pytest.mark.parametrize(
        ("url", "written"),
        [
            ("https://git.example.com/o/kitaru-iac", "https://git.example.com/o/kitaru-iac"),
            ("https://me:ghp_secret@git.example.com/o/k", "https://git.example.com/o/k"),
            ("https://ghp_secret@git.example.com/o/k?x=ghp_secret", "https://git.example.com/o/k"),
            ("ssh://git@git.example.com:22/o/k", "ssh://git@git.example.com:22/o/k"),
        ],
    )
    def test_a_git_repository_is_written_without_its_login(
        self, installed: Any, url: str, written: str
    ) -> None:
        git = {"vcs": "git", "commit_id": "a" * 40}
        found = installed({"url": url, "vcs_info": git})["sources"]["kitaru-iac"]
        assert found == {"git": written, "rev": "a" * 40}
        assert not contents.is_from_here()


class TestNames:
    @pytest.mark.parametrize("name", ["", "a b", "-a", "kitaru-iac", "Kitaru_IAC", "a" * 101, "é"])
    def test_no_name_of_a_project(self, name: str) -> None:
        with pytest.raises(UsageError):
            contents.files(name)

    @pytest.mark.parametrize(
        "names",
        [
            [],
            [""],
            ["dev", ""],
            ["a b"],
            ["-a"],
            ["a-"],
            ["'"],
            ['"'],
            ["${{ secrets.X }}"],
            ["$(id)"],
            ["../x"],
            ["a.b"],
            ["é"],
            ["a\nb"],
            ["a" * 41],
            ["dev", "dev"],
            ["dev", "DEV"],
            ["dev", "dev-preview"],
            ["Dev", "dev-Preview"],
            [f"e{number}" for number in range(21)],
        ],
        ids=repr,
    )
    def test_no_names_of_environments(self, names: list[str]) -> None:
        with pytest.raises(UsageError) as told:
            contents.files(environments=names)
        assert told.value.where == "--environments"

    @pytest.mark.parametrize("name", ["on", "null", "1e3", "007", "0x1F", "No", "true", "PROD_1"])
    def test_a_name_that_yaml_reads_as_something_else_stays_one(self, name: str) -> None:
        assert github(environments=[name])["up"]["strategy"]["matrix"]["stack"] == [name]
        pipeline = gitlab(environments=["dev", name])
        assert pipeline[f"up {name}"]["variables"] == {"STACK": name}
        assert pipeline[f"up {name}"]["environment"] == {"name": name}


class TestGitHub:
    def test_no_job_has_a_right_that_it_does_not_need(self) -> None:
        written = contents.files()
        for name in (".github/workflows/stacks.yml", ".github/workflows/drift.yml"):
            workflow = yaml.safe_load(written[name])
            assert workflow["permissions"] == {}
            events = set(workflow[True])  # YAML 1.1 reads `on` so
            assert not {"pull_request_target", "workflow_run", "issue_comment"} & events
        rights = {name: set(job["permissions"]) - {"contents"} for name, job in github().items()}
        assert rights == {
            "preview": {"pull-requests"},
            "up": {"pull-requests"},
            "up-digest": set(),
            "drift": {"issues"},
        }
        for job in github(cloud="aws").values():
            assert job["permissions"]["id-token"] == "write"
            assert job["permissions"]["contents"] == "read"

    def test_what_looks_and_what_writes_have_environments_of_their_own(self) -> None:
        found = {name: job["environment"] for name, job in github().items()}
        assert found == {
            "preview": "${{ matrix.stack }}-preview",
            "drift": "${{ matrix.stack }}-preview",
            "up": "${{ matrix.stack }}",
            "up-digest": "${{ inputs.stack }}",
        }

    def test_no_up_is_cancelled_or_shares_its_group_with_a_preview(self) -> None:
        found = {name: job["concurrency"] for name, job in github().items()}
        assert found["up"] == {"group": "up-${{ matrix.stack }}", "cancel-in-progress": False}
        assert found["up-digest"] == {
            "group": "up-${{ inputs.stack }}",
            "cancel-in-progress": False,
        }
        for name in ("preview", "drift"):
            assert found[name]["group"].startswith(f"{name}-")

    def test_stacks_come_one_after_the_other_and_stop_at_a_failure(self) -> None:
        strategy = github(environments=["a", "b", "c"])["up"]["strategy"]
        assert strategy == {
            "fail-fast": True,
            "max-parallel": 1,
            "matrix": {"stack": ["a", "b", "c"]},
        }

    def test_a_fork_gets_no_job_and_nothing_runs_before_it_is_switched_on(self) -> None:
        for job in github().values():
            assert "vars.STACKS_CI == 'on'" in job["if"]
        assert "head.repo.full_name == github.repository" in github()["preview"]["if"]
        for name in ("up-digest", "drift"):
            assert "github.ref == 'refs/heads/main'" in github()[name]["if"]

    def test_actions_are_pinned_and_no_value_is_a_part_of_a_script(self) -> None:
        texts = [
            text
            for cloud in CLOUDS
            for name, text in contents.files(cloud=cloud).items()
            if name.startswith(".github/workflows/")
        ]
        for text in texts:
            uses = re.findall(r"uses: (\S+)( # v[\d.]+)?\n", text)
            assert len(uses) == text.count("uses:")
            assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action, _ in uses)
            assert all(version for _, version in uses)
            for job in jobs(text).values():
                assert not any("${{" in step.get("run", "") for step in job["steps"])

    def test_the_engine_is_pinned(self) -> None:
        for job in github().values():
            (step,) = (step for step in job["steps"] if "pulumi/actions" in step.get("uses", ""))
            assert step["with"] == {"pulumi-version": contents.ENGINE}

    @pytest.mark.parametrize("cloud", CLOUDS)
    def test_linters_have_nothing_to_say(self, tmp_path: Path, cloud: str | None) -> None:
        write(tmp_path / "r", cloud=cloud)
        assert linters.actionlint(tmp_path / "r") == ""
        assert linters.zizmor(tmp_path / "r") == ""

    def test_the_linters_are_not_blind(self, tmp_path: Path) -> None:
        write(tmp_path / "r")
        workflow = tmp_path / "r" / ".github" / "workflows" / "stacks.yml"
        text = workflow.read_text()
        workflow.write_text(text.replace('"$STACK"', "${{ github.head_ref }}", 1))
        assert "template-injection" in linters.zizmor(tmp_path / "r")
        workflow.write_text(text.replace("matrix.stack", "matrix.stak", 1))
        assert "stak" in linters.actionlint(tmp_path / "r")

    def test_dependabot_reads_its_file(self, tmp_path: Path) -> None:
        write(tmp_path / "r")
        assert linters.schema("dependabot", tmp_path / "r" / ".github" / "dependabot.yml") == ""


class TestGitLab:
    def test_what_looks_and_what_writes_have_environments_of_their_own(self) -> None:
        pipeline = gitlab()
        for name in ("preview", "drift"):
            # `access` makes no deployment.
            looks = {"name": "$STACK-preview", "action": "access"}
            assert pipeline[name]["environment"] == looks
        assert pipeline["up dev"]["environment"] == {"name": "dev"}
        assert pipeline["up digest"]["environment"] == {"name": "$STACK"}

    def test_one_up_at_a_time_and_none_is_cancelled(self) -> None:
        pipeline = gitlab()
        assert pipeline[".up"]["interruptible"] is False
        # By default GitLab cancels what has not begun, interruptible or not.
        assert pipeline["workflow"]["auto_cancel"] == {"on_new_commit": "interruptible"}
        assert pipeline["up prod"]["resource_group"] == "up-prod"
        assert pipeline["up digest"]["resource_group"] == "up-$STACK"
        assert "resource_group" not in pipeline["preview"]

    def test_the_next_stack_waits_for_the_one_before_and_for_somebody(self) -> None:
        pipeline = gitlab(environments=["a", "b", "c"])
        assert "needs" not in pipeline["up a"]
        assert "when" not in pipeline["up a"]["rules"][0]
        for before, name in (("a", "b"), ("b", "c")):
            assert pipeline[f"up {name}"]["needs"] == [f"up {before}"]
            (rule,) = pipeline[f"up {name}"]["rules"]
            assert (rule["when"], rule["allow_failure"]) == ("manual", False)

    def test_a_fork_gets_no_job_and_nothing_runs_before_it_is_switched_on(self) -> None:
        pipeline = gitlab()
        assert pipeline["workflow"]["rules"][0] == {"if": '$STACKS_CI != "on"', "when": "never"}
        (rule,) = pipeline["preview"]["rules"]
        assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]

    def test_the_token_of_each_cloud_is_a_file_that_the_sdk_is_told_of(self) -> None:
        assert "id_tokens" not in gitlab()[".stack"]
        stack = gitlab(cloud="all")[".stack"]
        assert set(stack["id_tokens"]) == {"AWS_ID_TOKEN", "GCP_ID_TOKEN", "AZURE_ID_TOKEN"}
        script = "\n".join(stack["before_script"])
        for file in stack["variables"].values():
            assert f"> {file})" in script
        assert stack["image"] == f"pulumi/pulumi-python:{contents.ENGINE}"

    def test_the_widget_is_handed_what_the_command_writes(self) -> None:
        from kitaru_iac.hosts.gitlab import COUNTS

        assert gitlab()["preview"]["artifacts"]["reports"] == {"terraform": COUNTS}

    @pytest.mark.parametrize("cloud", [None, "all"])
    def test_the_schemas_have_nothing_to_say(self, tmp_path: Path, cloud: str | None) -> None:
        write(tmp_path / "r", cloud=cloud, ci="gitlab")
        assert linters.schema("gitlab-ci", tmp_path / "r" / ".gitlab-ci.yml") == ""
        assert linters.schema("renovate", tmp_path / "r" / "renovate.json") == ""
        broken = tmp_path / "r" / "broken.yml"
        broken.write_text((tmp_path / "r" / ".gitlab-ci.yml").read_text() + "x: {script: 1}\n")
        assert "script" in linters.schema("gitlab-ci", broken)
        assert json.loads((tmp_path / "r" / "renovate.json").read_text())["enabledManagers"]
