"""One plan from preview to apply: saved, reviewed, and refused where it no longer holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kitaru_iac.errors import PlanMoved
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.plan.document import document
from kitaru_iac.plan.model import Plan
from kitaru_iac.plan.saved import read_plan
from kitaru_iac.plan.schema import plan_schema
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning
from tests.cli.conftest import Kitaru
from tests.homes import Home

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET = "hunter2hunter2"
REMOTE: dict[str, Any] = {
    "name": "prod",
    "type": "kubernetes",
    "artifact_store": "s3://data/a",
    "container_registry": ECR,
    "cluster": "one",
    "region": "eu-west-1",
    "credentials": f"aws-access-keys:AKIAFIRST00000000001:{SECRET}",
    "verify": False,
    "activate": False,
}


@pytest.fixture
def memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


def spec(**more: Any) -> Any:
    return from_mapping({**REMOTE, **more})


def plan_of(specs: list[Any]) -> dict[str, Any]:
    return document([planning.plan_stack(one) for one in specs])


def test_what_was_reviewed_is_applied_once(memory: MemoryGateway) -> None:
    with installed(memory):
        reviewed = plan_of([spec(), spec(name="test")])
        jsonschema.validate(reviewed, plan_schema())
        assert SECRET not in json.dumps(reviewed)
        done = planning.apply_reviewed([spec(), spec(name="test")], reviewed["digest"])
        assert [applied.changed for applied in done] == [True, True]
        with pytest.raises(PlanMoved) as caught:
            planning.apply_reviewed(
                [spec(), spec(name="test")], reviewed["digest"], reviewed=reviewed
            )
        assert "as described already" in str(caught.value.why)
        fresh = plan_of([spec(), spec(name="test")])
        assert not fresh["summary"]["with_changes"]
        (one, two) = planning.apply_reviewed([spec(), spec(name="test")], fresh["digest"])
        assert not one.changed
        assert not two.changed


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "another bucket": ({"artifact_store": "s3://other"}, "`artifact_store` was"),
    "another option": ({"extra": {"orchestrator": {"timeout": 3}}}, "`extra` was not set"),
    "another type": (
        {"type": "local", "cluster": None, "container_registry": None},
        "records/orchestrator",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_another_description_is_not_what_was_reviewed(memory: MemoryGateway, name: str) -> None:
    change, said = CHANGED[name]
    change = {key: value for key, value in change.items() if value is not None}
    base = {k: v for k, v in REMOTE.items() if k not in CHANGED[name][0]}
    with installed(memory):
        operations.apply(spec())
        reviewed = plan_of([spec(cluster="two")])
        with pytest.raises(PlanMoved) as caught:
            planning.apply_reviewed(
                [from_mapping({**base, **change})], reviewed["digest"], reviewed=reviewed
            )
        assert any(said in line for line in caught.value.differs), caught.value.differs
        assert not operations.preview(spec()).has_changes


def test_a_store_that_moved_is_not_what_was_reviewed(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.apply(spec())
        reviewed = plan_of([spec(cluster="two")])
        operations.apply(spec(cluster="three"))
        with pytest.raises(PlanMoved) as caught:
            planning.apply_reviewed([spec(cluster="two")], reviewed["digest"], reviewed=reviewed)
        assert caught.value.differs
        assert not operations.preview(spec(cluster="three")).has_changes


def test_a_store_that_moves_between_the_comparison_and_the_write(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague changes the stack after the fresh plan was compared as a whole."""
    compared = planning.require_digest

    def then_moved(*arguments: Any) -> None:
        compared(*arguments)
        operations.apply(spec(cluster="three"))

    with installed(memory):
        operations.apply(spec())
        reviewed = plan_of([spec(cluster="two")])
        monkeypatch.setattr(planning, "require_digest", then_moved)
        with pytest.raises(PlanMoved):
            planning.apply_reviewed([spec(cluster="two")], reviewed["digest"])
        assert not operations.preview(spec(cluster="three")).has_changes


def test_a_colleague_who_did_it_first(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = planning.require_digest

    def then_done(*arguments: Any) -> None:
        compared(*arguments)
        operations.apply(spec(cluster="two"))

    with installed(memory):
        operations.apply(spec())
        reviewed = plan_of([spec(cluster="two")])
        monkeypatch.setattr(planning, "require_digest", then_done)
        with pytest.raises(PlanMoved, match="as described already"):
            planning.apply_reviewed([spec(cluster="two")], reviewed["digest"])


def test_the_plan_that_is_asked_about_is_the_one_that_was_previewed(memory: MemoryGateway) -> None:
    seen: list[Plan] = []
    with installed(memory):
        claimed = planning.plan_stack(spec())
        operations.apply(spec(), confirm=lambda plan: bool(seen.append(plan)) or True)
        assert seen[0].steps == claimed.plan.steps


# -- the command ---------------------------------------------------------------------------------

LOCAL = ("--no-activate", "-o", "json")
REMOTE_FLAGS = (
    *("far", "--type", "kubernetes", "--artifact-store", "s3://data/a", "--cluster", "one"),
    *("--container-registry", ECR, "--region", "eu-west-1", "--no-verify", "--no-activate"),
    *("--credentials", f"aws-access-keys:AKIAFIRST00000000001:{SECRET}"),
)


def test_saved_reviewed_and_applied(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    shown = kitaru("stack", "preview", "dev", *LOCAL, "--out", str(file), "--detailed-exitcode")
    assert shown.code == 2, shown.err
    assert json.loads(file.read_text()) == shown.document["item"]
    assert {path.name for path in tmp_path.iterdir()} == {"plan.json", "home"}
    moved = kitaru("stack", "apply", "other", *LOCAL, "--plan", str(file))
    assert (moved.code, moved.error["code"]) == (1, "plan_moved")
    assert moved.error["differs"] == [
        "stack dev: it is in the reviewed plan alone",
        "stack other: it is not in the reviewed plan",
    ]
    done = kitaru("stack", "apply", "dev", *LOCAL, "--plan", str(file))
    assert done.code == 0, done.err
    assert done.document["item"]["changed"] is True
    again = kitaru("stack", "apply", "dev", *LOCAL, "--plan", str(file))
    assert (again.code, again.error["code"]) == (1, "plan_moved")
    markdown = kitaru("stack", "preview", "dev", "--no-activate", "-o", "markdown")
    assert "No changes." in markdown.out


def broken(text: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        file = folder / "plan.json"
        file.write_bytes(text)
        return file

    return write


UNREADABLE: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "no file": (lambda folder: folder / "none.json", 4, "not_found"),
    "a folder": (lambda folder: folder, 64, "plan_invalid"),
    "nothing": (broken(b""), 64, "plan_invalid"),
    "no text": (broken(b"\xff\xfe"), 64, "plan_invalid"),
    "a description": (broken(b"name: dev\n"), 64, "plan_invalid"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_plan(
    bare_home: Home, kitaru: Kitaru, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    write, code, word = UNREADABLE[name]
    done = kitaru("stack", "apply", "dev", *LOCAL, "--plan", str(write(tmp_path)))
    assert (done.code, done.error["code"]) == (code, word)


def test_a_plan_that_cannot_be_written(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "plan.json", Path("/dev/null")):
        done = kitaru("stack", "preview", "dev", *LOCAL, "--out", str(place))
        assert (done.code, done.error["code"]) == (1, "file_not_written"), place


def test_a_plan_is_written_over_a_plan_and_over_nothing_else(
    home: Home, kitaru: Kitaru, tmp_path: Path
) -> None:
    mine = tmp_path / "stack.yaml"
    mine.write_text("name: dev\nactivate: false\n")
    done = kitaru("stack", "preview", "-f", str(mine), "--out", str(mine), "-o", "json")
    assert (done.code, done.error["code"]) == (1, "file_not_written")
    assert mine.read_text() == "name: dev\nactivate: false\n"
    plan = tmp_path / "plan.json"
    (tmp_path / "link.json").symlink_to(plan)
    for name in ("one", "two"):
        shown = kitaru("stack", "preview", name, *LOCAL, "--out", str(tmp_path / "link.json"))
        assert shown.code == 0, shown.err
        assert json.loads(plan.read_text())["stacks"][0]["stack"] == name
    assert (tmp_path / "link.json").is_symlink()


@pytest.mark.parametrize("command", [("preview",), ("create", "--dry-run"), ("apply", "--yes")])
def test_an_unknown_field_is_refused_by_preview_as_by_apply(
    home: Home, kitaru: Kitaru, command: tuple[str, ...]
) -> None:
    word, *flags = command
    done = kitaru(
        *("stack", word, *flags, *REMOTE_FLAGS, "-o", "json", "--extra", "orchestrator.timeuot=3")
    )
    assert (done.code, done.error["code"]) == (64, "description_invalid")
    (problem,) = done.error["problems"]
    assert problem["field"] == "extra.orchestrator.timeuot"
    assert "timeout" in problem["remedy"]


def test_a_password_in_extra_is_in_no_plan(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    flags = ("--extra", f"container_registry.password={SECRET}")
    for format_ in ("json", "markdown", "text"):
        done = kitaru(
            *("stack", "preview", *REMOTE_FLAGS, "-o", format_, "--out", str(file), *flags)
        )
        assert SECRET not in done.out + done.err
    if file.exists():
        assert SECRET not in file.read_text()
        read_plan(file.read_text(), "x")


def test_a_secret_field_that_differs_is_hidden(memory: MemoryGateway) -> None:
    field = {"orchestrator": {"docker_password": SECRET}}
    with installed(memory):
        before = planning.plan_stack(spec(extra=field))
        assert before.sensitive == ("extra.orchestrator.docker_password",)
        assert SECRET not in json.dumps(before.to_dict())
        operations.apply(spec(extra=field))
        after = planning.plan_stack(spec(extra={"orchestrator": {"docker_password": "another1"}}))
        (change,) = [c for c in after.to_dict()["changes"] if c["actions"] != ["no-op"]]
        assert change["sensitive"] == ["configuration.docker_password"]
        assert change["changed"][0]["op"] == "change"
        for secret in (SECRET, "another1"):
            assert secret not in json.dumps(after.to_dict()) + repr(after.plan)


def test_what_is_to_be_taken_back_is_so_in_the_plan_and_in_the_apply(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, bool]] = []

    def prepare(given: Any, *, dry_run: bool, take_back: bool, **_: Any) -> InfrastructureResult:
        asked.append((dry_run, take_back))
        return InfrastructureResult(given)

    for module in (planning, operations):
        monkeypatch.setattr(module, "prepare", prepare)
    with installed(memory):
        reviewed = plan_of([spec()])
        planning.apply_reviewed([spec()], reviewed["digest"], take_back=True)
    assert asked == [(True, False), (True, True), (True, True)]
