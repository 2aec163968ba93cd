"""`kitaru ci`: on the real store, with a code host on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.hosts.model import marked
from tests.cli.conftest import Result
from tests.doubles.code_hosts import OTHER, TOKEN, Conversation, code_host
from tests.homes import Home
from tests.render.test_escaping import REFERENCE, outside_code

COMMIT = "c" * 40
HOSTS = (
    "GITHUB_ACTIONS",
    "GITHUB_API_URL",
    "GITHUB_GRAPHQL_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_EVENT_PATH",
    "GITHUB_EVENT_NAME",
    "GITHUB_TOKEN",
    "GITHUB_SHA",
    "GITHUB_OUTPUT",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_CI",
)


@dataclass
class Job:
    """A job of GitHub Actions on a pull request, in a checkout with descriptions."""

    folder: Path
    world: Conversation
    patch: pytest.MonkeyPatch
    run: Callable[..., Result]
    seen: dict[str, str] = field(default_factory=dict)

    def describe(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / "stacks" / f"{name}.yaml").write_text(text)

    def event(self, name: str, *, fork: bool = False) -> None:
        head = "stranger/r" if fork else "o/r"
        request = {"number": 7, "head": {"repo": {"full_name": head}}}
        request["base"] = {"repo": {"full_name": "o/r"}}
        document: dict[str, Any] = {} if name == "push" else {"pull_request": request}
        (self.folder / "event.json").write_text(json.dumps(document))
        self.patch.setenv("GITHUB_EVENT_NAME", name)

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the last step."""
        found: dict[str, str] = {}
        lines = iter((self.folder / "outputs").read_text().splitlines())
        for line in lines:
            name, _, end = line.partition("<<")
            value = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
        return found

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()

    @property
    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.world.comments]


@pytest.fixture
def job(
    home: Home, kitaru: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Job]:
    folder = tmp_path / "checkout"
    (folder / "stacks").mkdir(parents=True)
    for name in HOSTS:
        monkeypatch.delenv(name, raising=False)
    with code_host("github") as (url, world):
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_GRAPHQL_URL": f"{url}/graphql",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_SHA": COMMIT,
            "GITHUB_OUTPUT": str(folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        made = Job(folder, world, monkeypatch, lambda *words: kitaru("ci", *words))
        made.event("pull_request")
        yield made


DEV = "name: dev\n"


class TestPreview:
    def test_says_on_the_request_what_would_be_done(self, job: Job) -> None:
        job.describe(dev=DEV, team="name: team\n")
        done = job.run("preview", "-f", "stacks")
        assert done.code == 0, done.err
        (comment,) = job.comments
        assert comment.startswith(marked("preview/stacks", ""))
        assert "dev" in comment
        assert "team" in comment
        plan = json.loads((job.folder / "kitaru-plan.json").read_text())
        assert plan["digest"] in comment
        outputs = job.outputs
        assert outputs["has_changes"] == "true"
        assert outputs["plan_digest"] == plan["digest"]
        assert outputs["plan_path"] == str(job.folder / "kitaru-plan.json")
        assert int(outputs["create"]) == plan["summary"]["create"] > 0
        assert outputs["failed"] == "0"
        assert plan["digest"] in job.summary

    def test_what_a_description_says_is_no_markup(self, job: Job) -> None:
        nasty = "'@team #1 | [a](b) <img>'"
        job.describe(dev=f"name: dev\ndescription: {nasty}\nlabels: {{note: {nasty}}}\n")
        assert job.run("preview", "-f", "stacks").code == 0
        job.describe(bad=f"name: bad\ntype: {nasty}\n")
        assert job.run("preview", "-f", "stacks").code != 0
        for text in (job.summary, *job.comments):
            assert "@team" in text
            assert not REFERENCE.search(outside_code(text))
            assert "img" not in outside_code(text)

    def test_writes_nothing_into_the_store(self, job: Job, kitaru: Any) -> None:
        job.describe(dev=DEV)
        before = kitaru("stack", "list", "-o", "json").document["items"]
        job.run("preview", "-f", "stacks")
        assert kitaru("stack", "list", "-o", "json").document["items"] == before

    def test_edits_its_one_comment_and_keeps_silent_without_news(self, job: Job) -> None:
        job.describe(default="name: default\n")
        job.world.add("comments", marked("preview/stacks", "a trap"), OTHER)
        job.describe(dev=DEV)
        (job.folder / "stacks" / "default.yaml").unlink()
        job.run("preview", "-f", "stacks")
        job.run("preview", "-f", "stacks")
        assert len(job.comments) == 2
        assert len(job.world.writes) == 1

    def test_two_jobs_with_ids_have_a_comment_each(self, job: Job) -> None:
        job.describe(dev=DEV)
        job.run("preview", "-f", "stacks", "--id", "one")
        job.run("preview", "-f", "stacks", "--id", "two")
        assert len(job.comments) == 2

    def test_an_id_that_is_none_is_refused_before_anything(self, job: Job) -> None:
        job.describe(dev=DEV)
        for wrong in ("", "a b", "a-->b", "x" * 32, "../x", "a\nb"):
            for command in ("preview", "apply"):
                assert job.run(command, "-f", "stacks", "--id", wrong).code == 64, wrong
        assert job.world.requests == []
        assert not (job.folder / "kitaru-plan.json").exists()

    def test_on_a_fork_nothing_is_written_on_the_request(self, job: Job) -> None:
        job.describe(dev=DEV)
        job.event("pull_request", fork=True)
        done = job.run("preview", "-f", "stacks")
        assert done.code == 0
        assert job.world.requests == []
        assert "dev" in job.summary

    def test_a_strangers_files_are_not_read_where_there_are_secrets(self, job: Job) -> None:
        job.describe(dev="name: dev\ncredentials: env:SECRET\n")
        for event in ("pull_request_target", "workflow_run", "issue_comment"):
            job.event(event, fork=True)
            done = job.run("preview", "-f", "stacks")
            assert done.code == 64, event
            assert "stranger" in done.err
            assert job.outputs["failed"] == "1"
        assert not (job.folder / "kitaru-plan.json").exists()

    def test_after_a_failure_there_are_outputs_too(self, job: Job) -> None:
        job.describe(dev="name: dev\ntpye: local\n")
        done = job.run("preview", "-f", "stacks")
        assert done.code == 64
        assert job.outputs["failed"] == "1"
        assert job.outputs["plan_digest"] == ""
        assert "Failed" in job.summary
        assert job.comments == []

    def test_after_a_failure_the_comment_shows_no_plan_of_before(self, job: Job) -> None:
        job.describe(dev=DEV)
        job.run("preview", "-f", "stacks")
        assert "plan: sha256" in job.comments[0]
        job.describe(dev="name: dev\ntpye: local\n")
        assert job.run("preview", "-f", "stacks", "--no-comment").code == 64
        assert "plan: sha256" in job.comments[0]
        job.world.instead.append(("/comments/", 500, {}, "away"))
        assert "tpye" in job.run("preview", "-f", "stacks").err  # and nothing of the host
        job.run("preview", "-f", "stacks")
        (said,) = job.comments
        assert "### Failed" in said
        assert "tpye" in said
        assert "sha256" not in said
        job.describe(dev=DEV)
        job.run("preview", "-f", "stacks")
        assert "plan: sha256" in job.comments[0]

    def test_a_plan_that_cannot_be_kept_is_a_failure_like_any_other(self, job: Job) -> None:
        job.describe(dev=DEV)
        assert job.run("preview", "-f", "stacks").code == 0
        (job.folder / "kitaru-plan.json").write_text("{}")  # somebody's, and no plan
        assert job.run("preview", "-f", "stacks").code != 0
        assert job.outputs["failed"] == "1"
        assert job.outputs["plan_digest"] == ""
        (said,) = job.comments
        assert "### Failed" in said
        assert "sha256" not in said

    def test_without_a_host_it_is_a_plain_command(
        self, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job.describe(dev=DEV)
        monkeypatch.delenv("GITHUB_ACTIONS")
        done = job.run("preview", "-f", "stacks", "-o", "json")
        assert done.code == 0
        assert done.document["item"]["summary"]["stacks"] == 1
        assert job.world.requests == []
        assert not (job.folder / "outputs").exists()

    def test_the_token_is_nowhere(self, job: Job) -> None:
        job.describe(dev=DEV)
        done = job.run("preview", "-f", "stacks")
        files = [path.read_text() for path in job.folder.rglob("*") if path.is_file()]
        assert not any(TOKEN in text for text in (done.out, done.err, *files, *job.comments))


class TestApply:
    def _reviewed(self, job: Job) -> None:
        job.describe(dev=DEV)
        assert job.run("preview", "-f", "stacks").code == 0
        job.world.merges = {COMMIT: [(7, True, COMMIT)]}
        job.event("push")

    def test_applies_what_the_comment_says(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        done = job.run("apply", "-f", "stacks")
        assert done.code == 0, done.err
        assert kitaru("stack", "show", "dev").code == 0
        assert job.comments[-1].startswith(marked("apply/stacks", ""))
        assert "applied" in job.comments[-1]
        assert "1 applied" in job.summary

    def test_prunes_what_the_comment_says(self, job: Job, kitaru: Any) -> None:
        job.describe(dev=DEV, old="name: old\n")
        prune = ("-f", "stacks", "--prune", "--source", "all")
        job.world.merges = {COMMIT: [(7, True, COMMIT)]}
        assert job.run("apply", *prune, "--unreviewed").code == 0
        (job.folder / "stacks" / "old.yaml").unlink()
        done = job.run("preview", *prune)
        assert done.code == 0, done.err
        assert "**Warnings**" not in job.comments[-1]
        assert int(job.outputs["delete"]) == 3  # the stack and its two components
        assert "old" in job.comments[-1]
        job.event("push")
        assert "not what was reviewed" in job.run("apply", "-f", "stacks", "--source", "x").err
        done = job.run("apply", *prune)
        assert done.code == 0, done.err
        assert "1 pruned" in job.summary
        assert kitaru("stack", "show", "old").code == 4

    def test_never_what_nobody_saw(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        job.describe(other="name: other\n")
        done = job.run("apply", "-f", "stacks")
        assert done.code == 1
        assert "not what was reviewed" in done.err
        assert kitaru("stack", "show", "dev").code == 4
        assert kitaru("stack", "show", "other").code == 4
        assert job.outputs["failed"] == "1"

    def test_where_nothing_changes_nothing_has_to_have_been_reviewed(self, job: Job) -> None:
        self._reviewed(job)
        assert job.run("apply", "-f", "stacks").code == 0
        job.world.merges = {}
        assert job.run("apply", "-f", "stacks").code == 0
        job.describe(bad="name: bad\nartifact_store: s3://team-data/k\nconnector: nobody\n")
        done = job.run("apply", "-f", "stacks")
        assert done.code == 64
        assert "no reviewed plan" in done.err

    def test_nor_what_somebody_wrote_into_the_comment(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        (comment,) = job.world.comments
        ours = dict(comment)
        # The last: the job has a person's token, and that person wrote it by hand.
        for theirs in ({"editor": OTHER}, {"author": OTHER}, {"kind": "User"}):
            comment.clear()
            comment.update({**ours, **theirs})
            done = job.run("apply", "-f", "stacks")
            assert done.code == 64, theirs
            assert "no reviewed plan" in done.err
        assert kitaru("stack", "show", "dev").code == 4

    def test_nor_what_came_by_no_request(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        job.world.merges = {}
        done = job.run("apply", "-f", "stacks")
        assert done.code == 64
        assert kitaru("stack", "show", "dev").code == 4
        assert job.run("apply", "-f", "stacks", "--unreviewed").code == 0
        assert kitaru("stack", "show", "dev").code == 0

    def test_a_host_that_is_away_afterwards_hides_nothing(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        path = "POST /repos/o/r/issues/7/comments"
        job.world.instead = [(path, 500, {}, "")]
        done = job.run("apply", "-f", "stacks")
        assert done.code == 1
        assert "did not take POST" in done.err
        assert "applied" in done.out
        assert job.outputs["failed"] == "0"
        assert kitaru("stack", "show", "dev").code == 0

    def test_one_failure_does_not_stop_the_others(self, job: Job, kitaru: Any) -> None:
        job.describe(
            dev=DEV, bad="name: bad\nartifact_store: s3://team-data/k\nconnector: nobody\n"
        )
        job.event("push")
        done = job.run("apply", "-f", "stacks", "--unreviewed")
        assert done.code != 0
        assert job.outputs["failed"] == "1"
        assert kitaru("stack", "show", "dev").code == 0
        assert "❌ failed" in job.summary

    def test_from_the_plans_file_too(self, job: Job) -> None:
        self._reviewed(job)
        job.world.merges = {}
        assert job.run("apply", "-f", "stacks", "--plan", "kitaru-plan.json").code == 0
        again = job.run("apply", "-f", "stacks", "--plan", "kitaru-plan.json")
        assert again.code == 0  # a job that is run again: nothing is left to do

    @pytest.mark.parametrize("by_file", [False, True])
    def test_what_a_failure_has_left_goes_on(self, job: Job, kitaru: Any, by_file: bool) -> None:
        job.describe(dev=DEV, team="name: team\n", third="name: third\n")
        assert job.run("preview", "-f", "stacks").code == 0
        job.world.merges = {COMMIT: [(7, True, COMMIT)]}
        job.event("push")
        plan = ("--plan", "kitaru-plan.json") if by_file else ()
        assert kitaru("stack", "apply", "-f", "stacks/dev.yaml", "--yes").code == 0
        # What nobody saw stays refused: another stack, and another change of one that was seen.
        job.describe(other="name: other\n")
        assert "not what was reviewed" in job.run("apply", "-f", "stacks", *plan).err
        (job.folder / "stacks" / "other.yaml").unlink()
        job.describe(team="name: team\nlabels: {a: b}\n")
        assert "not what was reviewed" in job.run("apply", "-f", "stacks", *plan).err
        job.describe(team="name: team\n")
        (job.folder / "stacks" / "third.yaml").rename(job.folder / "third.yaml")
        assert "not what was reviewed" in job.run("apply", "-f", "stacks", *plan).err
        (job.folder / "third.yaml").rename(job.folder / "stacks" / "third.yaml")
        done = job.run("apply", "-f", "stacks", *plan)
        assert done.code == 0, done.err
        assert "2 applied" in job.summary
        assert kitaru("stack", "show", "third").code == 0

    def test_a_refused_plan_is_shown_and_applied_by_its_digest(self, job: Job, kitaru: Any) -> None:
        self._reviewed(job)
        job.describe(other="name: other\n")
        refused = job.run("apply", "-f", "stacks")
        assert refused.code == 1
        assert "`other`" in job.summary
        (digest,) = set(re.findall("--digest (sha256:[0-9a-f]{64})", refused.err))
        assert digest in job.summary
        assert job.run("apply", "-f", "stacks", "--digest", "sha256:" + "0" * 64).code == 1
        assert job.run("apply", "-f", "stacks", "--digest", "sha256:0").code == 64
        assert job.run("apply", "-f", "stacks", "--digest", digest, "--unreviewed").code == 64
        done = job.run("apply", "-f", "stacks", "--digest", digest)
        assert done.code == 0, done.err
        assert kitaru("stack", "show", "other").code == 0

    def test_plan_and_unreviewed_contradict_each_other(self, job: Job) -> None:
        self._reviewed(job)
        assert job.run("apply", "-f", "stacks", "--plan", "p.json", "--unreviewed").code == 64


class TestProvisioned:
    """Of infrastructure that jobs make: its state has to outlive them."""

    PROD = "name: prod\ntype: sagemaker\nregion: eu-west-1\ninfra: provision\n"

    @pytest.mark.parametrize("words", [("preview",), ("apply", "--unreviewed"), ("apply",)])
    def test_a_job_without_a_backend_is_refused(self, job: Job, words: tuple[str, ...]) -> None:
        job.patch.delenv("PULUMI_BACKEND_URL", raising=False)
        job.describe(prod=self.PROD, dev=DEV)
        job.event("pull_request" if words == ("preview",) else "push")

        done = job.run(*words, "-f", "stacks")

        assert done.code == 64
        assert "infra: provision of 'prod'" in done.err
        assert "export PULUMI_BACKEND_URL=file://" in done.err  # on a runner that keeps its home

    def test_without_a_code_host_or_provisioning_none_is_needed(self, job: Job) -> None:
        job.patch.delenv("PULUMI_BACKEND_URL", raising=False)
        job.describe(prod=self.PROD.replace("provision", "none"))
        assert "PULUMI_BACKEND_URL" not in job.run("preview", "-f", "stacks").err
        job.describe(prod=self.PROD)
        job.patch.delenv("GITHUB_ACTIONS")
        assert "PULUMI_BACKEND_URL" not in job.run("preview", "-f", "stacks").err


class TestVerify:
    def test_writes_reports_and_counts(self, job: Job) -> None:
        job.describe(dev=DEV, team="name: team\n")
        done = job.run(
            "verify", "-f", "stacks", "--sarif", "out.sarif", "--junit", "out.xml", "--strict"
        )
        assert done.code == 0, done.err
        log = json.loads((job.folder / "out.sarif").read_text())
        assert [run["automationDetails"]["id"] for run in log["runs"]] == [
            "kitaru/dev/",
            "kitaru/team/",
        ]
        assert (job.folder / "out.xml").read_text().startswith("<?xml")
        assert job.outputs == {"checks_failed": "0", "checks_unknown": "0"}

    def test_without_the_right_to_comment_what_was_found_counts(self, job: Job) -> None:
        job.describe(dev=DEV)
        for status in (401, 403):
            job.world.instead = [("graphql", status, {}, "")]
            done = job.run("verify", "-f", "stacks")
            assert done.code == 0, done.err
            assert "Comment on GitHub: none: " in done.err
            assert job.world.instead == []
