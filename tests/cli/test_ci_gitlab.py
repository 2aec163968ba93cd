"""`kitaru ci` in jobs of GitLab, from the first comment to drift; and 200 stacks on GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kitaru_iac.hosts.model import marked
from tests.cli.conftest import Kitaru, Result
from tests.cli.test_ci import COMMIT, HOSTS, Job, job  # noqa: F401 - the job
from tests.doubles.code_hosts import OTHER, TOKEN, code_host
from tests.homes import Home
from tests.render.test_escaping import REFERENCE, outside_code
from tests.stacks.test_watch import move_store


def values(folder: Path) -> dict[str, str]:
    """What a job hands on as a dotenv report."""
    lines = (folder / "kitaru.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_from_the_first_comment_to_drift(
    home: Home, kitaru: Kitaru, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HOSTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    stack = tmp_path / "dev.yaml"
    stack.write_text(f"name: dev\nartifact_store: {tmp_path}/one\n")
    run: Callable[..., Result] = lambda *words: kitaru("ci", *words)  # noqa: E731
    with code_host("gitlab") as (url, world):
        variables = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{url}/api/v4",
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "6",
            "CI_COMMIT_SHA": COMMIT,
            "GITLAB_TOKEN": TOKEN,
        }
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        strangers = run("preview", "-f", "dev.yaml")
        assert (strangers.code, "from a fork" in strangers.err) == (64, True)
        monkeypatch.setenv("CI_PROJECT_ID", "6")  # in the fork itself
        assert run("preview", "-f", "dev.yaml").code == 0
        assert world.requests == []
        monkeypatch.setenv("CI_PROJECT_ID", "5")
        monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "5")
        world.add("comments", marked("preview/stacks", "a trap"), OTHER)

        assert "created" in run("preview", "-f", "dev.yaml").err
        assert "unchanged" in run("preview", "-f", "dev.yaml").err
        counts = json.loads((tmp_path / "kitaru-counts.json").read_text())
        assert counts == {"create": 3, "update": 0, "delete": 0}
        more = "labels: {team: x, note: '#1 <img> | !2'}\ndescription: '@team | [a](b) <img> #1'\n"
        stack.write_text(stack.read_text() + more)
        assert "edited" in run("preview", "-f", "dev.yaml").err
        digest = values(tmp_path)["KITARU_PLAN_DIGEST"]
        body = world.comments[1]["body"]
        assert digest in body
        assert not REFERENCE.search(outside_code(body))
        assert "img" not in outside_code(body)
        assert world.comments[0]["body"].endswith("a trap")

        for name in ("CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID"):
            monkeypatch.delenv(name)
        assert run("apply", "-f", "dev.yaml").code == 64  # it came by no request
        world.merges = {COMMIT: [(7, True, COMMIT)]}
        reviewed = stack.read_text()
        stack.write_text(reviewed.replace("team: x", "team: y"))
        moved = run("apply", "-f", "dev.yaml")
        assert (moved.code, "not what was reviewed" in moved.err) == (1, True)
        assert values(tmp_path)["KITARU_FAILED"] == "1"
        assert kitaru("stack", "show", "dev").code == 4
        stack.write_text(reviewed)
        assert run("apply", "-f", "dev.yaml").code == 0
        assert world.comments[2]["body"].startswith(marked("apply/stacks", ""))
        assert run("apply", "-f", "dev.yaml").code == 0  # nothing changes any more

        move_store("dev", f"{tmp_path}/other")
        assert "created" in run("drift").err
        move_store("dev", f"{tmp_path}/one")
        assert "closed" in run("drift").err
        assert [issue["open"] for issue in world.issues] == [False]
        assert not any(TOKEN in file.read_text() for file in tmp_path.glob("kitaru*"))


def test_of_two_hundred_stacks_the_comment_fits_and_has_the_digest(job: Job) -> None:  # noqa: F811
    for number in range(200):
        labels = "".join(f"  label-{n}: {'x' * 90}\n" for n in range(12))
        job.describe(**{f"team-{number:03}": f"name: team-{number:03}\nlabels:\n{labels}"})
    done = job.run("preview", "-f", "stacks")
    assert done.code == 0, done.err
    (comment,) = job.comments
    assert len(comment) < 65_536
    assert all(f"team-{number:03}" in comment for number in range(200))
    assert comment.endswith(f"<!-- plan: {job.outputs['plan_digest']} -->\n")
    assert job.outputs["create"] == "600"
    assert len(json.loads((job.folder / "kitaru-plan.json").read_text())["stacks"]) == 200
