"""A job of `kitaru ci apply` that is run again: it does nothing once more, and what failed goes on.

Requests are previewed, merged and applied in turn, on either host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.cli.ci_again import require_turn
from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.hosts.model import Proposal, marked
from kitaru_iac.stacks import operations
from tests.cli.conftest import Kitaru, Result
from tests.cli.test_ci import HOSTS
from tests.doubles.code_hosts import OTHER, TOKEN, Conversation, code_host
from tests.stacks.test_many import memory  # noqa: F401

Tree = Mapping[str, str]
BEFORE: Tree = {"dev": "name: dev\n", "team": "name: team\n"}
AFTER: Tree = {"dev": "name: dev\nlabels: {a: b}\n", "team": "name: team\nlabels: {a: b}\n"}


def commit_of(number: int) -> str:
    return f"{number:040x}"


@dataclass
class Main:
    """The main branch of a repository, and jobs at any of its commits."""

    name: str
    folder: Path
    world: Conversation
    patch: pytest.MonkeyPatch
    kitaru: Kitaru
    store: MemoryGateway

    def checkout(self, tree: Tree) -> None:
        for file in (self.folder / "stacks").iterdir():
            file.unlink()
        for name, text in tree.items():
            (self.folder / "stacks" / f"{name}.yaml").write_text(text)

    def preview(self, number: int, tree: Tree, *words: str) -> None:
        self.checkout(tree)
        repository = {"repo": {"full_name": "o/r"}}
        request = {"number": number, "head": repository, "base": repository}
        (self.folder / "event.json").write_text(json.dumps({"pull_request": request}))
        self.patch.setenv("CI_MERGE_REQUEST_IID", str(number))
        done = self.kitaru("ci", "preview", "-f", "stacks", *words)
        assert done.code == 0, done.err

    def merge(self, number: int) -> None:
        commit = commit_of(number)
        self.world.history.append(commit)
        self.world.merges[commit] = [(number, True, commit)]
        self.world.merged_at[number] = f"2026-01-02T03:04:{len(self.world.history):02}Z"

    def apply(self, number: int, tree: Tree, *words: str) -> Result:
        """The job of the commit by which a request was merged."""
        self.checkout(tree)
        (self.folder / "event.json").write_text("{}")
        self.patch.delenv("CI_MERGE_REQUEST_IID", raising=False)
        for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
            self.patch.setenv(variable, commit_of(number))
        return self.kitaru("ci", "apply", "-f", "stacks", *words)

    def land(self, number: int, tree: Tree, *words: str) -> None:
        """Preview a request, merge it, and apply it."""
        self.preview(number, tree, *words)
        self.merge(number)
        done = self.apply(number, tree, *words)
        assert done.code == 0, done.err

    def by_hand(self, tree: Tree) -> None:
        self.checkout(tree)
        assert self.kitaru("stack", "apply", "-f", "stacks", "--yes").code == 0

    @property
    def labelled(self) -> set[str]:
        """The stacks that have the label of `AFTER`."""
        return {doc.name for doc in self.store.stacks(Where()) if doc.labels.get("a") == "b"}

    def said(self, number: int) -> str:
        """What `apply` left on a request."""
        (body,) = (
            one["body"]
            for one in self.world.comments
            if one["request"] == number and one["body"].startswith(marked("apply/stacks", ""))
        )
        return str(body)


@pytest.fixture(params=["github", "gitlab"])
def main(
    request: pytest.FixtureRequest,
    memory: MemoryGateway,  # noqa: F811
    kitaru: Kitaru,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Main]:
    folder = tmp_path / "checkout"
    (folder / "stacks").mkdir(parents=True)
    for name in HOSTS:
        monkeypatch.delenv(name, raising=False)
    with code_host(request.param) as (url, world), installed(memory):
        variables = {
            "github": {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": url,
                "GITHUB_GRAPHQL_URL": f"{url}/graphql",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_EVENT_PATH": str(folder / "event.json"),
                "GITHUB_TOKEN": TOKEN,
            },
            "gitlab": {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": f"{url}/api/v4",
                "CI_PROJECT_ID": "5",
                "CI_MERGE_REQUEST_PROJECT_ID": "5",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
                "GITLAB_TOKEN": TOKEN,
            },
        }[request.param]
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        made = Main(request.param, folder, world, monkeypatch, kitaru, memory)
        made.by_hand(BEFORE)
        yield made


def require_refused(done: Result, said: str, *stacks: str) -> str:
    """A job that did nothing, and says of which stacks why; gives the digest that it names."""
    assert done.code == 1, done.err
    assert said in done.err
    assert [name for name in ("dev", "team") if f"stack {name}: " in done.err] == list(stacks)
    (digest,) = set(re.findall("--digest (sha256:[0-9a-f]{64})", done.err))
    return digest


def test_what_a_later_request_took_back_is_not_done_again(main: Main) -> None:
    main.land(7, AFTER)
    assert main.apply(7, AFTER).code == 0  # nothing is left to do
    main.land(8, BEFORE)
    assert main.labelled == set()
    digest = require_refused(main.apply(7, AFTER), "was applied before", "dev", "team")
    require_refused(main.apply(7, AFTER), "was applied before", "dev", "team")
    assert main.labelled == set()
    assert main.apply(8, BEFORE).code == 0
    # What takes that back is a request of its own, whatever an older one said.
    main.land(9, AFTER)
    assert main.labelled == {"dev", "team"}
    older = require_refused(main.apply(8, BEFORE), "was applied before", "dev", "team")
    assert older != digest
    assert main.apply(8, BEFORE, "--digest", older).code == 0  # somebody says so
    assert main.labelled == set()


def test_of_several_merged_in_turn_each_is_applied_once(main: Main) -> None:
    half = {**BEFORE, "dev": AFTER["dev"]}
    main.preview(7, half)
    main.preview(8, {**BEFORE, "team": AFTER["team"]})
    for number in (7, 8):
        main.merge(number)
    assert main.apply(7, half).code == 0
    assert main.apply(8, AFTER).code == 0, "what the first has done is nothing to review"
    assert main.labelled == {"dev", "team"}
    assert main.apply(7, half).code == 1  # it would take the other one's away
    assert main.labelled == {"dev", "team"}


def test_a_job_whose_commit_was_overtaken_does_nothing(main: Main) -> None:
    """It failed, or waited for an approval; its request was reverted meanwhile."""
    main.preview(7, AFTER)
    main.merge(7)
    main.land(8, BEFORE)
    done = main.apply(7, AFTER)
    require_refused(done, "older than what was applied since", "dev", "team")
    assert commit_of(8)[:10] in done.err
    assert "newest commit" in done.err
    assert main.labelled == set()


def test_what_was_applied_beside_it_does_not_stop_it(main: Main) -> None:
    main.preview(7, AFTER)
    main.merge(7)
    main.land(8, BEFORE)
    main.world.history.remove(commit_of(8))  # of a branch that this one is not in
    assert main.apply(7, AFTER).code == 0
    assert main.labelled == {"dev", "team"}


def test_what_was_applied_before_it_does_not_stop_it(main: Main) -> None:
    main.preview(8, AFTER)
    main.land(7, BEFORE)
    main.merge(8)
    assert main.apply(8, AFTER).code == 0
    assert main.labelled == {"dev", "team"}


def fail_for(patch: pytest.MonkeyPatch, name: str) -> None:
    real = operations.apply

    def apply(spec: Any, **more: Any) -> Any:
        if spec.name == name:
            raise KitaruError("not now")
        return real(spec, **more)

    patch.setattr(operations, "apply", apply)


def test_what_a_failure_left_goes_on_and_what_it_did_is_not_done_again(main: Main) -> None:
    main.preview(7, AFTER)
    main.merge(7)
    with main.patch.context() as patch:
        fail_for(patch, "team")
        assert main.apply(7, AFTER).code == 1
    assert main.labelled == {"dev"}
    done = main.apply(7, AFTER)
    assert done.code == 0, done.err
    assert main.labelled == {"dev", "team"}
    main.by_hand(BEFORE)
    require_refused(main.apply(7, AFTER), "was applied before", "dev", "team")
    assert main.labelled == set()


def test_what_failed_goes_on_after_a_later_one_that_failed_at_it_too(main: Main) -> None:
    main.preview(7, AFTER)
    main.merge(7)
    more = {**AFTER, "third": "name: third\n"}
    main.preview(8, more)
    main.merge(8)
    with main.patch.context() as patch:
        fail_for(patch, "team")
        assert main.apply(7, AFTER).code == 1
        assert main.apply(8, more).code == 1
    assert main.labelled == {"dev"}
    done = main.apply(7, AFTER)
    assert done.code == 0, done.err
    assert main.labelled == {"dev", "team"}


def test_marks_stay_when_the_job_is_run_again_with_nothing_to_do(
    main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kitaru_iac.cli.ci_again._MOST_STACKS", 3)
    main.land(7, AFTER)
    marks = re.findall(r"<!-- applied: .* -->", main.said(7))
    assert len(marks) == 1
    assert main.apply(7, AFTER).code == 0
    assert re.findall(r"<!-- applied: .* -->", main.said(7)) == marks


def test_which_stack_is_active_on_a_fresh_machine_is_nobodys_change() -> None:
    class Host:
        """One that is asked nothing but which commit it is."""

        commit = commit_of(7)

    choice = {"layer": "machine", "actions": ["update"], "address": "machine/active_stack"}
    plan = {"store": None, "stacks": [{"stack": "dev", "changes": [choice]}]}
    host: Any = Host()
    require_turn(host, Proposal(7, False), "apply/stacks", plan, "sha256:1", "")
    plan["stacks"][0]["changes"].append({**choice, "layer": "records"})  # type: ignore[index]
    with pytest.raises(AttributeError, match="notes"):
        require_turn(host, Proposal(7, False), "apply/stacks", plan, "sha256:1", "")


def test_what_was_pruned_is_not_pruned_again(main: Main) -> None:
    prune = ("--prune", "--source", "all")
    less = {"dev": BEFORE["dev"]}
    main.preview(6, BEFORE, *prune)
    main.merge(6)
    assert main.apply(6, BEFORE, *prune).code == 0
    main.land(7, less, *prune)
    names = {doc.name for doc in main.store.stacks(Where())}
    assert "team" not in names
    main.land(8, BEFORE, *prune)
    require_refused(main.apply(7, less, *prune), "was applied before", "team")
    assert "team" in {doc.name for doc in main.store.stacks(Where())}


def test_another_plan_that_was_reviewed_for_the_same_commit_is_applied(main: Main) -> None:
    main.land(7, AFTER)
    main.by_hand({**AFTER, "team": "name: team\nlabels: {a: c}\n"})
    require_refused(main.apply(7, AFTER), "was applied before", "team")
    main.preview(7, AFTER)  # its job is run again, and shows what is to be put right
    done = main.apply(7, AFTER)
    assert done.code == 0, done.err
    assert main.labelled == {"dev", "team"}


def test_a_mark_that_the_job_did_not_write_is_none(main: Main) -> None:
    main.land(7, AFTER)
    mark = re.findall(r"^<!-- applied: .*-->$", main.said(7), re.M)[-1]
    main.by_hand(BEFORE)
    (comment,) = (one for one in main.world.comments if one["body"] == main.said(7))
    key = marked("apply/stacks", "")
    for body, author in (
        (f"{key}{mark}\nquoted above", "github-actions"),
        (f"{key}```\n{mark}\n```\n", "github-actions"),
        (f"{key}text\n\n{mark}\n", OTHER),
    ):
        comment.update(body=body, author=author)
        done = main.apply(7, AFTER)
        assert done.code == 0, done.err
        assert main.labelled == {"dev", "team"}
        main.world.comments[:] = [one for one in main.world.comments if one["request"] != 7]
        main.by_hand(BEFORE)
        main.preview(7, AFTER)
        main.world.comments.append(comment)


def test_a_host_that_does_not_tell_stops_nothing(main: Main) -> None:
    main.preview(7, AFTER)
    main.merge(7)
    main.land(8, BEFORE)
    asked = {"github": "GET /repos/o/r/pulls/7", "gitlab": "/repository/merge_base"}[main.name]
    main.world.instead = [(asked, 403, {}, "")]
    done = main.apply(7, AFTER)
    assert done.code == 0, done.err
    assert "could not be looked up" in done.err
    assert main.labelled == {"dev", "team"}


def test_a_plan_that_is_given_is_what_somebody_says(main: Main) -> None:
    main.land(7, AFTER)
    main.by_hand(BEFORE)
    main.preview(7, AFTER, "--out", str(main.folder / "plan.json"), "--no-comment")
    assert main.apply(7, AFTER).code == 1
    assert main.apply(7, AFTER, "--plan", "plan.json").code == 0
    assert main.labelled == {"dev", "team"}
