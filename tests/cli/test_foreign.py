"""What is not a stack's own stays: one rule and one help for both commands that delete."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from kitaru_iac.infrastructure.results import Destroyed
from kitaru_iac.notices import RemainsUnknown
from kitaru_iac.plan.model import Action, Kept, Layer, Plan, Step
from kitaru_iac.stacks import deployments, operations
from kitaru_iac.stacks.deployed import with_destroyed
from kitaru_iac.stacks.results import Deleted
from tests.cli.conftest import Kitaru

PROTECTED = Kept("aws:s3/bucket:Bucket", "data", "protected")
THEIRS = Kept("aws:ecr/repository:Repository", "theirs", "not made for this stack: …")
SECRET = Kept("aws:s3/bucket:Bucket", "secret", "not made for this stack: it may not be seen")

FORGET = (
    "give it back its tags, and run kitaru infra delete prod. Else forget it, unless it lies in, "
    "or stands on, what would go: kitaru infra delete prod --forget-foreign"
)
TELL = "Whose secret is cannot be told."
STATE = "pulumi state delete"


@pytest.mark.parametrize("command", [("stack", "delete"), ("infra", "delete")])
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("gone", "code", "said"),
    [
        (Destroyed(), 0, set()),
        (Destroyed(warnings=(RemainsUnknown("Roles may not be listed."),)), 0, set()),
        (Destroyed(kept=(PROTECTED,)), 0, set()),
        (Destroyed(kept=(PROTECTED, THEIRS), foreign=(THEIRS,)), 1, {FORGET}),
        (Destroyed(kept=(SECRET,), foreign=(SECRET,), hidden=(SECRET,)), 1, {TELL, STATE}),
        (
            Destroyed(kept=(THEIRS, SECRET), foreign=(THEIRS, SECRET), hidden=(SECRET,)),
            1,
            {FORGET, TELL, STATE},
        ),
        # A run that was cut off may have made it: nothing in the state can be forgotten.
        (Destroyed(kept=(SECRET,)), 0, set()),
    ],
)
def test_a_deletion_that_leaves_what_is_not_ours_is_no_success(
    kitaru: Kitaru,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, str],
    form: str,
    gone: Destroyed,
    code: int,
    said: set[str],
) -> None:
    records = Deleted("prod", (), (), (), None, recursive=True)
    monkeypatch.setattr(operations, "delete", lambda *_, **__: with_destroyed(records, gone))
    monkeypatch.setattr(deployments, "delete_deployment", lambda *_, **__: gone)
    own = ("--infra", "--recursive") if command[0] == "stack" else ()
    told = kitaru(*command, "prod", *own, "--yes", "--output", form)
    assert told.code == code
    assert {hint for hint in (FORGET, TELL, STATE) if hint in told.err} == (
        said if form == "text" else set()
    )
    assert all(warning.text in told.err + told.out for warning in gone.warnings)
    if form == "json":
        item = json.loads(told.out)["item"]
        assert [part["name"] for part in item["kept"]] == [part.name for part in gone.kept]
        return
    for part in gone.kept:
        assert f"Kept: {part.name}" in told.out
    # What is finished later by the deployment's name, is what is its own.
    later = "Take the rest down with: kitaru infra delete prod" in told.out
    own_stays = any(part not in gone.foreign for part in gone.kept)
    assert later is (command[0] == "stack" and own_stays)


@pytest.mark.parametrize("command", [("stack", "delete"), ("infra", "delete")])
def test_what_is_asked_about_is_a_deletion(
    kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch, command: tuple[str, str]
) -> None:
    """A protected bucket alone is left: nothing is as described, since nothing was."""
    plan = Plan("prod", (Step(Action.KEEP, PROTECTED.kind, "data", Layer.INFRASTRUCTURE),))

    def asks(*_: object, confirm: Callable[[Plan], bool], **__: object) -> None:
        assert confirm(plan) is False

    monkeypatch.setattr("kitaru_iac.cli.terminal.confirm", lambda *_, **__: False)
    monkeypatch.setattr(operations, "delete", asks)
    monkeypatch.setattr(deployments, "delete_deployment", asks)
    told = kitaru(*command, "prod", *(("--infra",) if command[0] == "stack" else ()))
    assert told.code == 1
    assert "No infrastructure would be deleted." in told.err
    assert "as described" not in told.err


@pytest.mark.parametrize("problem", [None, "a run was cut off"])
@pytest.mark.parametrize("holds", [(), ((PROTECTED.kind, "data"),)])
@pytest.mark.parametrize(("stack", "possible"), [(None, None), ("prod", None), (None, "prod")])
def test_a_listed_deployment_is_said_with_all_that_is_known_of_it(
    kitaru: Kitaru,
    monkeypatch: pytest.MonkeyPatch,
    stack: str | None,
    possible: str | None,
    holds: tuple[tuple[str, str], ...],
    problem: str | None,
) -> None:
    row = deployments.ListedDeployment(
        "prod", "s3://states", stack, None, holds, problem, "https://zenml.example.com", possible
    )
    monkeypatch.setattr(deployments, "list_deployments", lambda **_: (row,))
    whose = "stack prod" if stack else "no stack in https://zenml.example.com"
    if possible:
        whose = "perhaps stack prod, whose record names the backend otherwise"
    lines = [f"prod: {whose}, state in s3://states"]
    lines += [f"  data ({PROTECTED.kind})"] if holds else []
    lines += [f"  not known: {problem}"] if problem else [] if holds else ["  holds nothing"]
    assert kitaru("infra", "list").out.splitlines() == lines
    (item,) = json.loads(kitaru("infra", "list", "--output", "json").out)["items"]
    assert item == row.to_dict()
    assert (item["stack"], item["possible_stack"]) == (stack, possible)
    assert item["store"] == "https://zenml.example.com"
