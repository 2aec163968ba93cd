"""A stack that Kitaru did not make goes only where somebody has said so, and its parts stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import ProtectedStackError, StackNotManaged
from kitaru_iac.gateway.documents import StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.records.owner import Owner
from kitaru_iac.stacks import operations
from tests.cli.conftest import Kitaru
from tests.stacks.test_worlds import world

THEIRS = "the stack without labels"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGateway]:
    """A store in which the label of stack `dev` is off."""
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])
    with installed(world(THEIRS, is_old=True)) as opened:
        opened.written.clear()
        yield opened


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_it_is_refused_before_anything_is_written(
    store: MemoryGateway, recursive: bool, force: bool, keep: bool
) -> None:
    (stack,) = store.stacks(Where(names=("dev",)))
    with pytest.raises(StackNotManaged) as refused:
        operations.delete("dev", recursive=recursive, force=force, keep_infrastructure=keep)
    assert store.written == []
    assert refused.value.stack == stack.id
    again = str(refused.value.remedy).splitlines()[-1]
    assert f"kitaru stack delete {stack.id}" in again
    assert ("--recursive" in again, "--force" in again) == (recursive, force)
    assert again.endswith("--unmanaged")


@pytest.mark.parametrize(
    ("given", "advised"),
    [
        ({"unmanaged": True}, "--unmanaged --force"),
        ({"unmanaged": True, "recursive": True}, "--recursive --unmanaged --force"),
        ({"recursive": True}, "--recursive --force"),
        ({"keep_infrastructure": True}, "--keep-infra --force"),
    ],
)
def test_an_active_one_is_advised_on_with_what_was_said(
    store: MemoryGateway, monkeypatch: pytest.MonkeyPatch, given: dict[str, bool], advised: str
) -> None:
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: ["global"])
    (stack,) = store.stacks(Where(names=("dev",)))
    with pytest.raises(ProtectedStackError) as refused:
        operations.delete("dev", **given)
    assert str(refused.value.remedy).endswith(f"kitaru stack delete {stack.id} {advised}")


@pytest.mark.parametrize("recursive", [False, True])
def test_what_was_said_goes_and_no_part_of_it(store: MemoryGateway, recursive: bool) -> None:
    parts = {doc.id for doc in store.components(Where(names=("dev",)))}
    done = operations.delete("dev", recursive=recursive, unmanaged=True)
    assert done is not None
    assert (done.components_deleted, done.connectors_deleted) == ((), ())
    assert store.stacks(Where(names=("dev",))) == []
    assert {doc.id for doc in store.components(Where(names=("dev",)))} == parts


def test_a_pulumi_program_has_said_so_itself(store: MemoryGateway) -> None:
    owner = Owner("urn:pulumi:prod::platform::kitaru:index:Stack::dev")
    assert operations.delete("dev", owner=owner) is not None


def test_with_infrastructure_it_is_refused_before_anybody_is_asked(store: MemoryGateway) -> None:
    def ask(_: object) -> bool:
        raise AssertionError("was asked")

    with pytest.raises(StackNotManaged):
        operations.delete("dev", infrastructure=True, confirm=ask)
    assert store.written == []


def test_a_label_that_is_taken_off_meanwhile_counts(
    store: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at under the lock: what was ours when it was named may be another's by then."""
    (stack,) = store.stacks(Where(names=("dev",)))
    store.update_stack(stack.id, StackChange(labels={"kitaru.managed": "false"}))
    with pytest.raises(StackNotManaged):
        operations.delete(stack.id)


def test_what_forbids_it_anyway_is_said_first(
    store: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: ["global"])
    with pytest.raises(ProtectedStackError, match="is the active stack") as refused:
        operations.delete("dev")
    assert not isinstance(refused.value, StackNotManaged)


@pytest.mark.parametrize(
    ("there", "answer", "options", "code", "gone"),
    [
        (False, False, (), 1, False),
        (False, False, ("--force",), 1, False),
        (False, False, ("--unmanaged",), 0, True),
        (True, False, (), 1, False),
        (True, True, (), 0, True),
    ],
)
def test_the_command_asks_at_a_terminal_alone(
    kitaru: Kitaru,
    store: MemoryGateway,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
    answer: bool,
    options: tuple[str, ...],
    code: int,
    gone: bool,
) -> None:
    asked: list[str] = []

    def confirm(question: str, *, remedy: str) -> bool:
        asked.append(f"{question} {remedy}")
        return answer

    monkeypatch.setattr("kitaru_iac.cli.terminal.someone_is_there", lambda: there)
    monkeypatch.setattr("kitaru_iac.cli.terminal.confirm", confirm)
    told = kitaru("stack", "delete", "dev", *options)
    assert told.code == code
    assert (store.stacks(Where(names=("dev",))) == []) is gone
    assert asked == (["Delete it all the same? --unmanaged"] if there else [])
    if not options or not gone:
        assert "Kitaru did not make stack 'dev'" in told.err
