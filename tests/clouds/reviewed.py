"""What is reviewed on a request is made after its merge, and nothing where the cloud has moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Kitaru
from tests.cli.test_ci import COMMIT, Job

WORDS, PLAN = ("-f", "stacks/prod.yaml"), ("--plan", "plan.json")


def review_and_make(job: Job, there: Callable[[], bool], bucket: str, description: str) -> None:
    """Preview on the request, and apply after the merge."""
    patch, state = job.patch, job.folder.parent / "shared"
    state.mkdir()
    patch.setenv("PULUMI_BACKEND_URL", state.as_uri())
    patch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-all-jobs")
    job.describe(prod=description)
    seen = job.run("preview", "-f", "stacks")
    assert seen.code == 0, seen.err
    assert f"`{bucket}`" in job.comments[-1].partition("<details>")[2], "what it is given"
    assert not there()

    job.world.merges = {COMMIT: [(7, True, COMMIT)]}
    job.event("push")
    done = job.run("apply", "-f", "stacks")
    assert done.code == 0, done.err
    assert "1 applied" in job.comments[-1]
    assert there()


def no_other_change_is_made(
    kitaru: Kitaru, setting: Callable[..., Any], values: tuple[Any, Any, Any], path: str
) -> None:
    """Review that one setting is put back; then it moves, and moves back.

    Args:
        kitaru: The command.
        setting: Gives it as the cloud has it, after it was set to what is given.
        values: As it is made, as somebody left it by the review, and by the time of the apply.
        path: What the plan calls it.
    """
    made, reviewed, later = values
    assert setting() == made
    setting(reviewed)
    seen = kitaru("stack", "preview", *WORDS, "--out", "plan.json", "-o", "json")
    assert seen.code == 0, seen.err
    (change,) = [c for c in seen.document["item"]["stacks"][0]["changes"] if c["changed"]]
    (field,) = change["changed"]
    assert [at(path, field, side) for side in ("before", "after")] == [reviewed, made]

    setting(later)
    moved = kitaru("stack", "apply", *WORDS, *PLAN, "-o", "json")
    assert moved.error["code"] == "plan_moved"
    (line,) = moved.error["differs"]
    assert line.endswith("the fields that change, or their values, are others")
    assert setting() == later

    setting(reviewed)
    done = kitaru("stack", "apply", *WORDS, *PLAN)
    assert done.code == 0, done.err
    assert setting() == made


def at(path: str, field: dict[str, Any], side: str) -> Any:
    """The value at a path, of which the field is the beginning or the whole."""
    assert path.startswith(field["path"]), field
    value = field[side]
    for key in path.removeprefix(field["path"]).strip(".").split("."):
        value = value[key] if key else value
    return value
