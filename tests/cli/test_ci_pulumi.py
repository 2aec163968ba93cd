"""`kitaru ci pulumi-…` on a code host on loopback; a program stands for the engine.

With the real one: `tests.repository.test_in_ci`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.hosts.model import marked
from tests.cli.conftest import Result
from tests.cli.test_ci import COMMIT, HOSTS
from tests.doubles.code_hosts import OTHER, TOKEN, Conversation, code_host
from tests.engine.previews import preview, pulumi, step
from tests.homes import Home

CREATE = step("create", new={"name": "dev"})
SECRET = "a-token-of-the-job-9f2"


@dataclass
class Job:
    folder: Path
    engine: Path
    world: Conversation
    patch: pytest.MonkeyPatch
    run: Callable[..., Result]

    def answers(self, *steps: dict[str, Any], **more: Any) -> None:
        (self.engine / "preview.json").write_text(json.dumps(preview(*steps, **more)))

    def fails(self, what: str, said: str) -> None:
        (self.engine / f"code.{what}").write_text("255")
        (self.engine / ("preview.json" if what == "preview" else "up.txt")).write_text(said)

    def event(self, name: str, *, fork: bool = False) -> None:
        head = "stranger/r" if fork else "o/r"
        request = {"number": 7, "head": {"repo": {"full_name": head}}}
        request["base"] = {"repo": {"full_name": "o/r"}}
        document: dict[str, Any] = {} if name == "push" else {"pull_request": request}
        (self.folder / "event.json").write_text(json.dumps(document))
        self.patch.setenv("GITHUB_EVENT_NAME", name)

    def merged(self) -> None:
        self.event("push")
        self.world.merges = {COMMIT: [(7, True, COMMIT)]}

    @property
    def calls(self) -> list[str]:
        """The engine's operations: ``preview``, ``up``."""
        file = self.engine / "calls"
        return [line.split()[1] for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()


@pytest.fixture
def job(
    bare_home: Home, kitaru: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Job]:
    folder = tmp_path / "checkout"
    (folder / "below").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: platform\n")
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
            "KITARU_PULUMI": str(pulumi(tmp_path / "engine")),
            "ZENML_STORE_API_KEY": SECRET,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder / "below")
        made = Job(
            folder, tmp_path / "engine", world, monkeypatch, lambda *words: kitaru("ci", *words)
        )
        made.event("pull_request")
        yield made


def digest_in(text: str) -> str:
    return text.rpartition("<!-- plan: ")[2].partition(" -->")[0]


class TestPreview:
    def test_it_keeps_one_comment_for_each_stack(self, job: Job) -> None:
        job.answers(CREATE)
        for stack in ("dev", "prod"):
            assert job.run("pulumi-preview", stack).code == 0
        done = job.run("pulumi-preview", "dev")
        assert done.code == 0, done.err
        one, other = (comment["body"] for comment in job.world.comments)
        assert one.startswith(marked("pulumi-preview/platform/dev", ""))
        assert other.startswith(marked("pulumi-preview/platform/prod", ""))
        plan = json.loads((job.folder / "below" / "kitaru-plan.json").read_text())
        assert digest_in(one) == plan["digest"]
        assert f"Digest: {plan['digest']}" in done.err
        assert "has_changes<<" in (job.folder / "outputs").read_text()

    def test_without_changes_it_is_silent_and_brings_an_old_comment_up_to_date(
        self, job: Job
    ) -> None:
        job.run("pulumi-preview", "dev")
        assert job.world.comments == []
        job.answers(CREATE)
        job.run("pulumi-preview", "dev")
        job.answers()
        job.run("pulumi-preview", "dev")
        (comment,) = job.world.comments
        assert "No changes." in comment["body"]

    def test_a_fork_gets_no_comment(self, job: Job) -> None:
        job.event("pull_request", fork=True)
        job.answers(CREATE)
        assert job.run("pulumi-preview", "dev").code == 0
        assert job.world.comments == []

    def test_a_strangers_program_is_not_run_where_there_are_secrets(self, job: Job) -> None:
        job.event("pull_request", fork=True)
        job.patch.setenv("GITHUB_EVENT_NAME", "pull_request_target")
        for command in ("pulumi-preview", "pulumi-up", "pulumi-drift"):
            assert job.run(command, "dev").code == 64
        assert job.calls == []

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("no JSON", "printed no preview"),
            ('{"steps": [{}]}', "printed no preview"),
            ('{"steps": [], "changeSummary": {"delete": 1}}', "1 delete"),
        ],
    )
    def test_an_engine_that_does_not_tell_all_is_not_believed(
        self, job: Job, said: str, words: str
    ) -> None:
        (job.engine / "preview.json").write_text(said)
        done = job.run("pulumi-preview", "dev", "-o", "json")
        assert done.error["code"] == "events_incomplete"
        assert words in json.dumps(done.error)
        assert job.world.comments == []

    def test_a_failure_is_the_engines_words_without_secrets(self, job: Job) -> None:
        said = preview(diagnostics=[{"severity": "error", "message": f"refused: {SECRET}"}])
        job.fails("preview", json.dumps(said))
        shown = job.world.add("comments", marked("pulumi-preview/platform/dev", "of before"))
        done = job.run("pulumi-preview", "dev")
        assert done.code == 1
        assert "refused: (secret)" in done.err
        assert SECRET not in done.err + job.summary + shown["body"]
        assert "### Failed" in shown["body"]
        assert "of before" not in shown["body"]
        assert "failed<<" in (job.folder / "outputs").read_text()

    @pytest.mark.parametrize("stack", ["", "a b", "--yes", "$(id)", "a/b/c/d", "é", "a\nb"])
    def test_what_is_no_name_of_a_stack_reaches_no_engine(self, job: Job, stack: str) -> None:
        assert job.run("pulumi-preview", "--", stack).code == 64
        assert job.calls == []

    def test_any_name_of_a_stack_has_a_marker(self, job: Job) -> None:
        job.answers(CREATE)
        for stack in ("a--b", "x" * 99, f"{'o' * 40}/{'p' * 60}/s", "o/p/dev"):
            assert job.run("pulumi-preview", stack).code == 0
            assert job.run("pulumi-preview", stack).code == 0
        assert len(job.world.comments) == 4

    def test_the_stacks_of_two_projects_of_one_repository_have_comments_of_their_own(
        self, job: Job
    ) -> None:
        job.answers(CREATE)
        for name in ("one", '"two"', "one"):
            (job.folder / "Pulumi.yaml").write_text(f"runtime: python\nname: {name}\n")
            assert job.run("pulumi-preview", "dev").code == 0
        assert [c["body"].split(" -->")[0][-8:] for c in job.world.comments] == [
            "/one/dev",
            "/two/dev",
        ]

    def test_outside_of_a_project(self, job: Job, tmp_path: Path) -> None:
        job.patch.chdir(tmp_path)
        done = job.run("pulumi-preview", "dev")
        assert done.code == 4
        assert "Pulumi.yaml" in done.err


class TestUp:
    def reviewed(self, job: Job, *steps: dict[str, Any]) -> str:
        job.answers(*steps)
        job.run("pulumi-preview", "dev")
        job.merged()
        (job.engine / "calls").unlink()
        return str(json.loads(Path("kitaru-plan.json").read_text())["digest"])

    def test_what_was_reviewed_is_done_within_the_engines_own_plan(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        done = job.run("pulumi-up", "dev")
        assert done.code == 0, done.err
        shown, applied = (line.split() for line in (job.engine / "calls").read_text().splitlines())
        assert (shown[1], applied[1]) == ("preview", "up")
        assert shown[shown.index("--save-plan") + 1] == applied[applied.index("--plan") + 1]
        assert "--refresh" in shown
        assert "--refresh" in applied
        assert not Path(applied[applied.index("--plan") + 1]).parent.exists()
        assert "is up to date" in job.world.comments[-1]["body"]

    def test_a_lifted_protection_alone_has_to_be_reviewed_too(self, job: Job) -> None:
        self.reviewed(job)
        lifted = step("same", old={"name": "dev"}, new={"name": "dev"})
        lifted["oldState"]["protect"] = True
        job.answers(lifted)
        done = job.run("pulumi-up", "dev", "-o", "json")
        assert (done.code, job.calls) == (64, ["preview"]), done.err
        assert "protect" in job.summary

    def test_what_moved_is_refused_and_can_be_reviewed_then(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        job.answers(CREATE, step("delete", "other", old={}))
        done = job.run("pulumi-up", "dev", "-o", "json")
        assert done.error["code"] == "plan_moved"
        assert job.calls == ["preview"]
        fresh = digest_in(job.summary)
        assert f"--digest {fresh}" in done.error["remedy"]
        assert job.run("pulumi-up", "dev", "--digest", fresh).code == 0
        assert job.calls == ["preview", "preview", "up"]

    def test_what_was_taken_back_since_is_not_done_again(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        assert job.run("pulumi-up", "dev").code == 0
        job.answers()
        assert job.run("pulumi-up", "dev").code == 0
        job.answers(CREATE)
        done = job.run("pulumi-up", "dev", "-o", "json")
        assert done.error["code"] == "plan_moved"
        assert "was applied to it before" in json.dumps(done.error["differs"])
        assert job.calls == ["preview", "up", "preview", "up", "preview"]
        assert job.run("pulumi-up", "dev", "--digest", digest_in(job.summary)).code == 0

    def test_what_failed_is_done_when_it_is_run_again(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        job.fails("up", "error: update failed")
        assert job.run("pulumi-up", "dev").code == 1
        (job.engine / "code.up").unlink()
        assert job.run("pulumi-up", "dev").code == 0

    def test_a_saved_plan_says_what_is_different(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        job.answers(step("delete", old={}))
        done = job.run("pulumi-up", "dev", "--plan", "kitaru-plan.json", "-o", "json")
        assert "reviewed was create; now it is delete" in json.dumps(done.error)
        assert job.calls == ["preview"]

    def test_nothing_to_do_needs_no_review(self, job: Job) -> None:
        job.merged()
        assert job.run("pulumi-up", "dev").code == 0
        assert job.calls == ["preview", "up"]
        assert job.world.comments == []

    @pytest.mark.parametrize("case", ["none", "somebody else's", "edited", "of another stack"])
    def test_only_our_own_unedited_comment_of_the_stack_counts(self, job: Job, case: str) -> None:
        digest = self.reviewed(job, CREATE)
        (comment,) = job.world.comments
        if case == "none":
            job.world.comments.clear()
        elif case == "somebody else's":
            comment["author"] = OTHER
        elif case == "edited":
            comment["editor"] = OTHER
        else:
            comment["body"] = comment["body"].replace("platform/dev", "platform/prod")
        done = job.run("pulumi-up", "dev")
        assert done.code == 64
        assert "no reviewed plan" in done.err
        assert "up" not in job.calls
        assert digest in job.summary

    def test_a_violation_of_the_engines_plan_says_that_something_may_be_done(
        self, job: Job
    ) -> None:
        self.reviewed(job, CREATE)
        job.fails("up", "error: resource urn:pulumi:dev::p::t::n violates plan: properties changed")
        done = job.run("pulumi-up", "dev", "-o", "json")
        assert done.error["code"] == "plan_moved"
        assert "what came before it is done" in json.dumps(done.error)

    def test_what_fails_is_no_success(self, job: Job) -> None:
        self.reviewed(job, CREATE)
        job.fails("up", "error: update failed")
        done = job.run("pulumi-up", "dev")
        assert done.code == 1
        assert len(job.world.comments) == 1

    @pytest.mark.parametrize(
        "words",
        [("--digest", "sha256:1"), ("--digest", "f" * 64), ("--plan", "a", "--digest", "b")],
    )
    def test_a_wrong_use_reaches_no_engine(self, job: Job, words: tuple[str, ...]) -> None:
        assert job.run("pulumi-up", "dev", *words).code == 64
        assert job.calls == []


class TestDrift:
    def test_one_issue_is_opened_edited_closed_and_opened_again(self, job: Job) -> None:
        job.merged()
        drifted = step("update", old={}, new={}, outputs={"drift": ["x"]}, paths=("drift",))
        for steps, is_open, code in (((drifted,), True, 2), ((), False, 0), ((drifted,), True, 2)):
            job.answers(*steps)
            assert job.run("pulumi-drift", "dev", "--detailed-exitcode").code == code
            (issue,) = job.world.issues
            assert issue["open"] is is_open
        body = job.world.issues[0]["body"]
        assert f"kitaru ci pulumi-up dev --digest {self.digest(job)}" in body
        assert job.run("pulumi-drift", "dev").code == 0
        assert "up" not in job.calls

    def digest(self, job: Job) -> str:
        job.run("pulumi-preview", "dev", "--no-comment")
        return str(json.loads(Path("kitaru-plan.json").read_text())["digest"])

    def test_what_could_not_be_looked_at_closes_nothing(self, job: Job) -> None:
        job.merged()
        job.answers(CREATE)
        job.run("pulumi-drift", "dev")
        job.fails("preview", "error: no such stack")
        assert job.run("pulumi-drift", "dev").code == 1
        assert job.world.issues[0]["open"]
