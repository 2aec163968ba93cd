"""Which stack what writes takes a name, an id or the beginning of an id for."""

from __future__ import annotations

import pytest

from kitaru_iac.errors import StackNotFound, UsageError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.records.snapshots import MANAGED

ONE = "beef0000-1000-4000-8000-000000000001"
TWO = "beef0000-2000-4000-8000-000000000002"


@pytest.fixture
def gateway() -> MemoryGateway:
    store = MemoryGateway()
    store.put_stack(ONE, "one", MANAGED, {})
    store.put_stack(TWO, "two", MANAGED, {})
    return store


@pytest.mark.parametrize(
    ("ref", "found", "exactly"),
    [
        ("one", ONE, ONE),
        (ONE, ONE, ONE),
        (ONE.replace("-", "").upper(), ONE, ONE),
        ("beef0000-1", ONE, None),
        ("beef00001", ONE, None),
        ("beef0000-1000-", ONE, None),
        ("beef-0000-1", None, None),
        ("be", None, None),
        ("bee", None, None),
        ("", None, None),
    ],
)
def test_what_a_reference_means(
    gateway: MemoryGateway, ref: str, found: str | None, exactly: str | None
) -> None:
    store = Store(gateway)
    for exact, expected in ((False, found), (True, exactly)):
        stack = store.find(ref, exact=exact)
        assert (stack.id if stack else None) == expected


def test_the_beginning_of_several_ids_deletes_nothing(gateway: MemoryGateway) -> None:
    with installed(gateway):
        with pytest.raises(UsageError, match="matches several stacks") as caught:
            operations.delete("beef")
        assert f"one ({ONE}), two ({TWO})" in str(caught.value)
        with pytest.raises(StackNotFound):
            operations.delete("be")
        with pytest.raises(StackNotFound):
            operations.delete("beef0000-1", exact=True)
        assert gateway.written == []
        done = operations.delete("beef00001")
    assert done is not None
    assert done.deleted_stack == "one"
    assert gateway.written == ["delete stack one"]


def test_a_description_whose_name_begins_an_id_means_another_stack(gateway: MemoryGateway) -> None:
    with installed(gateway):
        plan = operations.preview(from_mapping({"name": "beef00001", "activate": False}))
        made = operations.create(from_mapping({"name": "beef", "activate": False}))
    assert {step.action.value for step in plan.steps} == {"create"}
    assert made.id not in {ONE, TWO}
    assert {doc.name for doc in gateway.stacks(Where())} >= {"one", "two", "beef"}
