"""Several stacks with one command: one failure does not stop the others, and each is told of."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, NotConnectedError, ProtectedStackError
from kitaru_iac.gateway.documents import NewConnector, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.plan.document import document
from kitaru_iac.plan.model import Plan
from kitaru_iac.records.stored import Store
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.files import Described
from kitaru_iac.stacks import many, operations, planning
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.stacks.results import Applied
from tests.cli.conftest import Kitaru
from tests.homes import Home
from tests.stacks.test_planning import REMOTE


@pytest.fixture
def memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


def described(*names: str, **more: Any) -> list[Described]:
    return [Described(from_mapping({**REMOTE, "name": n, **more}), f"{n}.yaml") for n in names]


def applied(items: list[Described], **more: Any) -> list[str]:
    outcomes: list[Outcome] = []
    many.apply_all(items, outcomes=outcomes, **more)
    return [outcome.status for outcome in outcomes]


def take_label_off(gateway: Any, name: str) -> None:
    """Let a stack be one that Kitaru did not make."""
    (stack,) = gateway.stacks(Where(names=(name,)))
    gateway.update_stack(stack.id, StackChange(labels={}))


def test_planned_agreed_and_applied_and_the_second_time_nothing(memory: MemoryGateway) -> None:
    items = described("a", "b", "c")
    with installed(memory):
        plans, errors = many.plan_all(items)
        assert errors == {}
        assert document(plans)["summary"]["with_changes"] == 3
        agreed = {plan.plan.stack: plan for plan in plans}
        assert applied(items, planned=agreed) == ["applied"] * 3
        assert applied(items) == ["unchanged"] * 3
        plans, _ = many.plan_all(items)
        assert document(plans)["summary"]["with_changes"] == 0


@pytest.mark.parametrize(
    ("fail_fast", "expected"),
    [
        (False, ["applied", "failed", "applied"]),
        (True, ["applied", "failed", "skipped"]),
    ],
)
def test_a_failure_stops_the_others_only_where_that_is_asked(
    memory: MemoryGateway, fail_fast: bool, expected: list[str]
) -> None:
    items = described("a", "b", "c")
    with installed(memory):
        operations.apply(items[1].spec)
        take_label_off(memory, "b")
        plans, errors = many.plan_all(items)
        assert isinstance(errors["b"], AlreadyExistsError)
        plan = document(plans)
        assert (plan["complete"], plan["applyable"]) == (False, False)
        assert [entry["error"] is None for entry in plan["stacks"]] == [True, False, True]
        agreed = {entry.plan.stack: entry for entry in plans}
        assert applied(items, planned=agreed, fail_fast=fail_fast, parallel=1) == expected


def test_what_had_no_plan_is_not_applied_once_it_has_one(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = described("a")
    with installed(memory):
        plan = planning.failed_plan(items[0].spec, ProtectedStackError("no"), "a.yaml")
        assert applied(items, planned={"a": plan}) == ["failed"]
        assert operations.preview(items[0].spec).has_changes


def test_a_store_that_is_gone_is_asked_no_more(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def gone(spec: Any, **_: Any) -> None:
        asked.append(spec.name)
        raise NotConnectedError("Nobody answers")

    def away(where: Where) -> Any:
        if "default" in (where.names or ()):
            raise NotConnectedError("Nobody answers")
        return look(where)

    look = memory.stacks
    monkeypatch.setattr(memory, "stacks", away)
    with installed(memory):
        monkeypatch.setattr(operations, "apply", gone)
        assert applied(described("a", "b", "c"), parallel=1) == ["failed", "skipped", "skipped"]
        monkeypatch.setattr(many, "plan_stack", gone)
        with pytest.raises(NotConnectedError):
            many.plan_all(described("x", "y"))
    assert asked == ["a", "x"]


def test_a_store_that_answers_the_next_question_is_asked_for_the_others(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(spec: Any, **_: Any) -> Any:
        if spec.name == "b":
            raise NotConnectedError("No answer within 30 seconds")
        return done(spec)

    with installed(memory):
        done = operations.apply
        monkeypatch.setattr(operations, "apply", busy)
        assert applied(described("a", "b", "c")) == ["applied", "failed", "applied"]
        done = planning.plan_stack
        monkeypatch.setattr(many, "plan_stack", busy)
        plans, errors = many.plan_all(described("a", "b", "c"))
        assert (len(plans), list(errors)) == (3, ["b"])


# -- the command, on a local store ----------------------------------------------------------------


def test_a_folder_from_preview_to_nothing_left(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "one.yaml").write_text("name: one\n---\nname: two\n")
    (folder / "theirs.yaml").write_text("name: theirs\n")
    file = tmp_path / "plan.json"
    assert kitaru("stack", "create", "theirs", "--no-activate").code == 0
    with quiet():
        take_label_off(Store.open().gateway, "theirs")

    shown = kitaru("stack", "preview", "-f", str(folder), "-o", "json", "--out", str(file))
    assert shown.code == 5  # the name is taken; the others have their plans
    entries = shown.document["item"]["stacks"]
    assert [(e["stack"], e["has_changes"]) for e in entries] == [
        ("one", True),
        ("two", True),
        ("theirs", False),
    ]
    assert entries[2]["error"]["code"] == "already_exists"
    assert json.loads(file.read_text())["digest"] == shown.document["item"]["digest"]
    text = kitaru("stack", "preview", "-f", str(folder))
    assert text.out.splitlines()[-1] == "3 stacks: 6 to create, 1 without a plan."

    unasked = kitaru("stack", "apply", "-f", str(folder), "-o", "json")
    assert (unasked.code, unasked.error["code"]) == (1, "confirmation_needed")
    done = kitaru("stack", "apply", "-f", str(folder), "--plan", str(file), "-o", "json")
    assert done.code == 5
    statuses = [item["status"] for item in done.document["items"]]
    assert statuses == ["applied", "applied", "failed"]
    again = kitaru("stack", "apply", "-f", str(folder), "--plan", str(file), "-o", "json")
    assert (again.code, again.error["code"]) == (1, "plan_moved")
    assert (
        "stack one: records/stack: reviewed was create; now it is nothing"
        in (again.error["differs"])
    )

    (folder / "theirs.yaml").unlink()
    same = kitaru("stack", "apply", "-f", str(folder), "--yes", "--detailed-exitcode")
    assert same.code == 0, same.err
    assert [line.split()[:2] for line in same.out.splitlines()] == [
        ["STACK", "RESULT"],
        ["one", "unchanged"],
        ["two", "unchanged"],
    ]
    current = kitaru("stack", "current", "-o", "json").document["item"]
    assert current["name"] == "default"  # none of several is made active unasked


def test_ctrl_c_says_what_was_applied_before(
    bare_home: Home, kitaru: Kitaru, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    (tmp_path / "s.yaml").write_text("name: one\n---\nname: two\n")

    def apply(spec: Any, **_: Any) -> Applied:
        if spec.name == "two":
            raise WorkInterrupted("Interrupted before stack 'two' was written; nothing was changed")
        return Applied("id", spec.name, False, None, Plan(spec.name), True)

    monkeypatch.setattr(operations, "apply", apply)
    done = kitaru("stack", "apply", "-f", str(tmp_path / "s.yaml"), "--yes", "-o", "json")
    assert done.code == 130
    assert [item["status"] for item in done.document["items"]] == ["applied", "skipped"]
    error = json.loads(done.err)["error"]
    assert error["code"] == "interrupted"
    assert error["message"] == (
        "Stacks applied before: one. Of the one under way: "
        "Interrupted before stack 'two' was written; nothing was changed"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("preview", "-f", "a.yaml", "-f", "b.yaml", "--region", "x"), "--region would describe"),
        (("preview", "dev", "-f", "a.yaml", "-f", "b.yaml"), "No file describes `dev`"),
        (("create", "-f", "a.yaml", "-f", "b.yaml"), "--file is given 2 times"),
        (("verify", "-f", "a.yaml", "-f", "b.yaml"), "--file is given 2 times"),
        (("create", "-f", "many.yaml"), "more than one description"),
    ],
)
def test_what_cannot_be_meant(
    bare_home: Home,
    kitaru: Kitaru,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n")
    (tmp_path / "many.yaml").write_text("name: a\n---\nname: b\n")
    done = kitaru("stack", *words, "-o", "json")
    assert done.code == 64, done.err
    assert said in json.dumps(done.error)


def test_names_choose_among_the_described(
    memory: MemoryGateway, kitaru: Kitaru, tmp_path: Path
) -> None:
    file = tmp_path / "stacks.yaml"
    file.write_text("name: dev\n---\nname: test\n---\nname: prod\n")
    with installed(memory):
        some = kitaru("stack", "preview", "-f", str(file), "prod", "dev", "-o", "json")
        assert [s["stack"] for s in some.document["item"]["stacks"]] == ["dev", "prod"]
        done = kitaru("stack", "apply", "-f", str(file), "test", "--yes")
        assert done.code == 0, done.err
        assert {doc.name for doc in memory.stacks(Where())} == {"default", "test"}
        wrong = kitaru("stack", "apply", "-f", str(file), "tset", "prod", "--yes", "-o", "json")
        assert (wrong.code, "Did you mean `test`?" in wrong.err) == (64, True)
        assert {doc.name for doc in memory.stacks(Where())} == {"default", "test"}
        several = kitaru("stack", "preview", "a", "b")
        assert (several.code, "2 names are given" in several.err) == (64, True)


class Counting:
    """Counts the questions that go through a gateway; each is one request, where it is short."""

    def __init__(self, inner: MemoryGateway) -> None:
        self._inner = inner
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in {"stacks", "components", "connectors"} or name.startswith("connector"):
            self.asked[name] += 1
        return found


def test_many_stacks_are_looked_at_in_as_few_questions_as_fit_into_addresses(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"many-{number:02}" for number in range(40)]
    theirs = {"credentials": None, "connector": "theirs"}
    items = [*described(*names[:20]), *described(*names[20:], **theirs)]
    keys = {"aws_access_key_id": SecretText("a"), "aws_secret_access_key": SecretText("b")}
    memory.create_connector(NewConnector("theirs", "aws", "secret-key", secrets=keys))
    with installed(memory):
        assert set(applied(items)) == {"applied"}
    counting = Counting(memory)
    monkeypatch.setattr(many, "takes_threads", lambda _: True)
    with installed(counting):  # type: ignore[arg-type]
        plans, errors = many.plan_all(items)
        assert (errors, document(plans)["summary"]["with_changes"]) == ({}, 0)
        asked = {"stacks": 2, "components": 2, "connectors": 2, "connectors_with_secrets": 1}
        assert counting.asked == asked
        counting.asked.clear()
        assert set(applied(items)) == {"unchanged"}
        assert counting.asked == asked
