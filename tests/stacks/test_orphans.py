"""Managed parts in no stack: listed by clean, deleted with their stack, never a colleague's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.memory import installed
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.values import replace
from tests.stacks.test_colleagues import BASE
from tests.stacks.test_worlds import world

ALL = {"artifact_store", "container_registry", "orchestrator", "service_connector"}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])


@pytest.mark.parametrize(
    ("name", "orphans"),
    [
        ("untouched", set()),
        ("only the stack deleted", ALL),
        ("a member swapped", {"artifact_store"}),
        ("a member taken out", {"container_registry"}),
        ("another connector", {"service_connector"}),
        ("another connector for one", set()),
        ("a part in another stack", set()),
        ("a stranger has the name", set()),
        ("the stack without labels", set()),
    ],
)
def test_clean_lists_what_is_in_no_stack_and_leaves_it(name: str, orphans: set[str]) -> None:
    with installed(world(name, is_old=True)) as store:
        before = list(store.written)
        done = operations.clean()
        assert store.written == before
        assert {part.kind for part in done.orphans} == orphans
        assert done.removed == ()
        is_gone = not store.stacks(Where(names=("dev",)))
        for part in done.orphans:
            assert ("Delete it with: zenml " in part.remedy) is is_gone
            assert part.to_dict()["updated"].endswith("+00:00")


def test_a_recursive_deletion_of_the_name_deletes_them() -> None:
    with installed(world("only the stack deleted", is_old=True)) as store:
        done = operations.delete("dev", recursive=True)
        assert done is not None
        assert len(done.components_deleted) == 3
        assert store.components(Where(names=("dev",))) == []
        assert operations.clean().orphans == ()


def test_what_a_deletion_kept_is_said_to_be_kept() -> None:
    with installed(world("untouched", is_old=False)):
        operations.delete("dev")
        reasons = {part.reason for part in operations.clean().orphans}
    assert reasons == {"kept by kitaru stack delete"}


@pytest.mark.parametrize("name", ["a member swapped", "a member taken out"])
def test_a_deletion_with_all_parts_takes_those_that_were_taken_out(name: str) -> None:
    with installed(world(name, is_old=True)) as store:
        done = operations.delete("dev", recursive=True)
        assert done is not None
        assert len(done.components_deleted) == 3
        assert store.components(Where(names=("dev",))) == []
        assert store.connectors(Where(names=("dev",))) == []
        assert operations.clean().orphans == ()


@pytest.mark.parametrize("name", ["a member swapped", "a member taken out"])
def test_a_deletion_of_the_stack_alone_lists_them(name: str) -> None:
    with installed(world(name, is_old=True)):
        done = operations.delete("dev")
        assert done is not None
        kept = {part.kind for part in done.kept if part.name == "dev"}
    assert kept == ALL


def test_what_was_taken_out_a_moment_ago_is_listed_and_stays() -> None:
    with installed(world("a member taken out", is_old=False)) as store:
        done = operations.delete("dev", recursive=True)
        assert done is not None
        kept = {part.kind: part.reason for part in done.kept}
        assert "moment ago" in kept["container_registry"]
        assert [doc.type for doc in store.components(Where(names=("dev",)))] == [
            "container_registry"
        ]


def test_nobody_is_told_to_delete_what_another_machine_may_be_registering() -> None:
    with installed(world("only the stack deleted", is_old=False)):
        done = operations.clean()
        assert {part.kind for part in done.orphans} == ALL
        for part in done.orphans:
            assert "may be under way" in part.reason
            assert re.fullmatch(r"Look again in \d+ s: kitaru stack clean", part.remedy)


def test_nobody_is_told_to_delete_what_this_machine_registers() -> None:
    with installed(world("only the stack deleted", is_old=True)), sole_writer("dev"):
        (remedy,) = {part.remedy for part in operations.clean().orphans}
    assert remedy == "Look again when that has ended: kitaru stack clean"


def test_a_label_that_was_taken_off_is_said() -> None:
    with (
        installed(world("the stack without labels", is_old=True)),
        pytest.raises(AlreadyExistsError, match=r"without the label kitaru\.managed") as raised,
    ):
        operations.apply(from_mapping(BASE))
    assert "somebody may have taken it off" in str(raised.value)


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("is_noted_by_id", [True, False])
def test_what_a_run_left_on_one_server_says_nothing_of_another_at_its_address(
    other: bool, is_noted_by_id: bool
) -> None:
    here = world("only the stack deleted", is_old=True)
    there = world("only the stack deleted", is_old=True) if other else here
    assert there.place.url == here.place.url
    noted = here.place if is_noted_by_id else replace(here.place, id=None)  # an earlier release
    unfinished.begin(noted, "dev", "delete", recursive=True)
    with installed(there):
        done = operations.clean()
    is_its_own = not other or not is_noted_by_id
    assert {part.kind for part in done.removed} == (ALL if is_its_own else set())
    assert {part.kind for part in done.orphans} == (set() if is_its_own else ALL)
    notes = list(unfinished.every(here.place))
    assert (notes == []) is is_its_own
