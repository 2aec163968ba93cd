"""`kitaru ci drift`: on the real store, with a code host on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.cli.ci_drift import _body, _key
from kitaru_iac.hosts.model import marked
from kitaru_iac.labels import APPLIED_LABEL
from tests.cli.test_ci import Job, job  # noqa: F401 - the job
from tests.stacks.test_watch import move_store, relabel


def issues(job: Job) -> list[tuple[bool, str]]:  # noqa: F811
    return [(item["open"], item["body"]) for item in job.world.issues]


def test_an_issue_is_opened_edited_closed_and_reopened(
    job: Job,  # noqa: F811
    kitaru: Any,
    tmp_path: Path,
) -> None:
    job.event("push")
    one, two, three = (f"{tmp_path}/{name}" for name in ("one", "two", "three"))
    kitaru("stack", "create", "dev", "--artifact-store", one)
    kitaru("stack", "create", "still")
    assert job.run("drift", "--detailed-exitcode").code == 0
    assert issues(job) == []
    assert job.outputs == {"drifted": "0", "unknown": "0", "failed": "0"}

    move_store("dev", two)
    done = job.run("drift")
    assert done.code == 0, done.err
    assert "Issue on GitHub for stack dev: created" in done.err
    ((is_open, body),) = issues(job)
    assert is_open
    assert body.startswith(marked("drift/stacks/name/dev", ""))
    assert f"was {one}, is {two}" in body
    assert job.outputs["drifted"] == "1"
    assert f"was {one}, is {two}" in job.summary
    assert "unchanged" in job.run("drift").err
    assert job.run("drift", "--detailed-exitcode").code == 2

    move_store("dev", three)
    assert "edited" in job.run("drift").err
    ((_, body),) = issues(job)
    assert f"is {three}" in body

    kept = kitaru("stack", "show", "dev", "-o", "json").document["item"]["labels"][APPLIED_LABEL]
    relabel("dev", **{APPLIED_LABEL: None})
    assert job.run("drift").code == 0
    assert job.outputs["unknown"] == "1"
    assert [is_open for is_open, _ in issues(job)] == [True]  # nobody knows that it is gone
    relabel("dev", **{APPLIED_LABEL: kept})

    move_store("dev", one)
    assert "closed" in job.run("drift").err
    assert [is_open for is_open, _ in issues(job)] == [False]
    move_store("dev", two)
    job.run("drift")
    assert [is_open for is_open, _ in issues(job)] == [True]  # never a second one
    move_store("still", one)
    job.run("drift", "--no-issue")
    assert len(issues(job)) == 1


def test_a_host_that_takes_one_issue_not_takes_the_others(
    job: Job,  # noqa: F811
    kitaru: Any,
    tmp_path: Path,
) -> None:
    job.event("push")
    for name in ("one", "two"):
        kitaru("stack", "create", name, "--artifact-store", f"{tmp_path}/{name}")
        move_store(name, f"{tmp_path}/other")
    job.world.instead = [("POST /repos/o/r/issues", 403, {}, "")]
    done = job.run("drift")
    assert done.code == 1
    assert job.outputs["drifted"] == "2"
    assert [body.partition("name/")[2].split()[0] for _, body in issues(job)] == ["two"]


def test_what_cannot_be_begun_is_handed_on(job: Job) -> None:  # noqa: F811
    assert job.run("drift", "nothing").code == 4
    assert job.outputs == {"drifted": "", "unknown": "", "failed": "1"}
    assert job.run("drift", "--id", "a/b").code == 64


@pytest.mark.parametrize("name", ["a b", "a--b", "a-", "ä", "x" * 200, "<!-- -->", "-"])
def test_every_name_has_a_key_of_its_own(name: str) -> None:
    assert marked(_key("i" * 31, name), "")
    assert _key("stacks", name) != _key("stacks", f"{name}x")


def test_a_body_fits_and_a_name_is_no_markup() -> None:
    item = {
        "layer": "records",
        "kind": "stack",
        "name": "x",
        "actions": ["update"],
        "sensitive": [],
        "unknown": [],
        "changed": [{"path": "name", "before": "```", "after": "y" * 70_000}],
    }
    told = {"stack": "a`@me`", "finding": "drift", "looks": [], "drift": [item]}
    body = _body(told)
    assert len(body) < 65_536
    assert "too long for an issue" in body
    assert "`` a`@me` ``" in body
