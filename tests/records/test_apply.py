"""Writing records: create, converge, replace, undo, and go on after a death."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError, RegistrationFailed
from kitaru_iac.gateway.documents import NewComponent, StackChange
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.plan.model import Action
from kitaru_iac.records.apply import execute
from kitaru_iac.records.diff import diff
from kitaru_iac.records.model import Records
from kitaru_iac.records.recovery import recover
from kitaru_iac.records.stored import Store
from tests.homes import Home
from tests.records.snapshots import MANAGED, aws_records, everything, local_records
from tests.servers.zenml import copy_database

WRITES = [
    "create_connector",
    "update_connector",
    "create_component",
    "update_component",
    "create_stack",
    "update_stack",
]
REMOVALS = ["delete"]


@pytest.fixture
def store(any_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    # What died a moment ago counts as dead: nobody else writes here.
    monkeypatch.setattr("kitaru_iac.records.stored.STALE_AFTER", -3600.0)
    with quiet():
        yield Store.open()


class Shelf:
    """Copies of the store as it was; deleting and making everything anew takes its time.

    Args:
        database: Where the store is.
        folder: For the copies.
    """

    def __init__(self, database: Path, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def keep(self, name: str) -> None:
        copy_database(self._database, self._folder / f"{name}.db")

    def put_back(self, name: str) -> None:
        copy_database(self._folder / f"{name}.db", self._database)


@pytest.fixture
def shelf(store: Store, any_home: Home, request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Holds the store as it was when it was empty."""
    server = request.getfixturevalue("zenml_server") if any_home.extra else None
    made = Shelf(server.database if server else any_home.database, tmp_path)
    made.keep("empty")
    return made


def put(store: Store, desired: Records) -> Any:
    recover(store, desired.stack)
    current = store.read(desired.stack, secrets=True)
    return execute(store, desired, current, store.orphans(desired.stack, secrets=True))


def changes(store: Store, desired: Records) -> list[tuple[str, str]]:
    steps = diff(
        desired,
        store.read(desired.stack, secrets=True),
        store.orphans(desired.stack, secrets=True),
    )
    return [(s.action.value, s.kind) for s in steps if s.action is not Action.KEEP]


def test_a_local_stack_is_stored_as_the_other_kitaru_stores_it(store: Store) -> None:
    put(store, local_records("dev"))

    stored = everything(store)
    assert (
        "dev",
        [("kitaru.managed", "true")],
        [("artifact_store", "dev"), ("orchestrator", "dev")],
    ) in [tuple(stack) for stack in stored["stacks"]]
    components = [c for c in stored["components"] if c[1] == "dev"]
    assert [(c[0], c[2], c[3], c[4]) for c in components] == [
        ("artifact_store", "local", [], []),
        ("orchestrator", "local", [], []),
    ]


def test_a_remote_stack_has_labels_links_and_one_connector(store: Store) -> None:
    put(store, aws_records("prod"))

    stored = everything(store)
    components = {c[0]: c for c in stored["components"] if c[1] == "prod"}
    assert set(components) == {"orchestrator", "artifact_store", "container_registry"}
    assert all(c[3] == [("kitaru.managed", "true")] for c in components.values())
    assert all(c[5] == "prod" for c in components.values())
    assert components["artifact_store"][6] == "s3://data"
    assert stored["connectors"] == [
        (
            "prod",
            "secret-key",
            [("kitaru.managed", "true")],
            [
                ("aws_access_key_id", "AKIAFIRST"),
                ("aws_secret_access_key", "AKIAFIRST-secret"),
                ("region", "eu-west-1"),
            ],
        )
    ]


@pytest.mark.parametrize(
    "records", [local_records("dev"), aws_records("dev")], ids=["local", "aws"]
)
def test_a_second_apply_has_nothing_to_do(store: Store, records: Records) -> None:
    put(store, records)
    assert changes(store, records) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (aws_records("s"), aws_records("s", bucket="other")),
        (aws_records("s"), aws_records("s", key="AKIASECOND")),
        (aws_records("s"), aws_records("s", namespace="team")),
        (
            local_records("s"),
            replace(
                aws_records("s"),
                stack_type="local",
                components=(
                    local_records("s").components[0],
                    aws_records("s").components[1],
                ),
            ),
        ),
    ],
    ids=["bucket", "key", "namespace", "local with a cloud store"],
)
def test_a_change_in_place_keeps_the_id_and_leaves_what_a_fresh_creation_leaves(
    store: Store, shelf: Shelf, before: Records, after: Records
) -> None:
    if after.stack_type == "local":
        labelled = tuple(replace(c, labels=MANAGED) for c in after.components)
        after = replace(after, components=labelled)
    first = put(store, before)
    assert changes(store, after)
    second = put(store, after)
    assert second.id == first.id
    assert changes(store, after) == []

    in_place = everything(store)
    shelf.put_back("empty")
    put(store, after)
    assert everything(store) == in_place


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (local_records("s"), aws_records("s")),
        (aws_records("s"), local_records("s")),
        (aws_records("s"), aws_records("s", method="sts-token")),
    ],
    ids=["local to aws", "aws to local", "another method"],
)
def test_another_type_or_method_replaces_the_stack(
    store: Store, shelf: Shelf, before: Records, after: Records
) -> None:
    first = put(store, before)
    assert ("replace", "stack") in changes(store, after)
    second = put(store, after)
    assert second.id != first.id
    assert changes(store, after) == []

    replaced = everything(store)
    shelf.put_back("empty")
    put(store, after)
    assert everything(store) == replaced


def test_what_the_user_added_to_the_stack_stays(store: Store) -> None:
    outcome = put(store, aws_records("s"))
    builder = store.gateway.create_component(NewComponent("image_builder", "mine", "local"))
    stack = store.require(outcome.id)
    members = {kind: tuple(c.id for c in of_kind) for kind, of_kind in stack.members.items()}
    members["image_builder"] = (builder.id,)
    store.gateway.update_stack(stack.id, StackChange(members=members))

    for after in (aws_records("s", bucket="b2"), local_records("s")):
        put(store, after)
        assert "image_builder" in store.require("s").members


def test_a_member_that_was_swapped_by_hand_comes_back(store: Store) -> None:
    outcome = put(store, aws_records("s"))
    other = store.gateway.create_component(NewComponent("orchestrator", "other", "local"))
    stack = store.require(outcome.id)
    members = {kind: tuple(c.id for c in of_kind) for kind, of_kind in stack.members.items()}
    members["orchestrator"] = (other.id,)
    store.gateway.update_stack(stack.id, StackChange(members=members))

    put(store, aws_records("s"))

    names = [c.name for c in store.require("s").members["orchestrator"]]
    assert names == ["s"]
    assert changes(store, aws_records("s")) == []


def test_a_taken_component_name_is_refused_and_nothing_is_left(store: Store) -> None:
    store.gateway.create_component(NewComponent("artifact_store", "s", "local"))
    before = everything(store)
    for records in (aws_records("s"), local_records("s")):
        with pytest.raises(AlreadyExistsError):
            put(store, records)
        assert everything(store) == before


SCENES = {
    "create local": (None, local_records("s")),
    "create aws": (None, aws_records("s")),
    "bucket": (aws_records("s"), aws_records("s", bucket="other", key="AKIASECOND")),
    "replace": (local_records("s"), aws_records("s")),
    "replace back": (aws_records("s"), local_records("s")),
    "another method": (aws_records("s"), aws_records("s", method="sts-token")),
}


#: On a server every write is the same call over the wire: there, a choice of scenes is enough.
EVERYWHERE = [
    *(("sqlite", scene) for scene in SCENES),
    ("server", "create aws"),
    ("server", "replace"),
]
#: Every death, with more scenes than here, is shown in memory: tests/stacks/test_interrupts.py.
DEATHS = [
    ("sqlite", "create aws"),
    ("sqlite", "replace"),
    ("sqlite", "another method"),
    ("server", "replace"),
]
CHANGES = [(where, scene) for where, scene in EVERYWHERE if not scene.startswith("create")]


class Fault(KitaruError):
    """A write that fails."""


def intercept(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    methods: list[str],
    before: Callable[[str], None],
) -> None:
    """Call something before each of these writes of the store; what it raises, the write raises."""

    def wrapped(method: str) -> Callable[..., Any]:
        real = getattr(type(store.gateway), method)

        def write(self: Any, *args: Any, **kwargs: Any) -> Any:
            before(method)
            return real(self, *args, **kwargs)

        return write

    for method in methods:
        monkeypatch.setattr(type(store.gateway), method, wrapped(method))


def count_and_break(
    store: Store, monkeypatch: pytest.MonkeyPatch, methods: list[str], at: int | None
) -> list[str]:
    """Count the store's writes, and let the one with this number fail before it is made."""
    made: list[str] = []

    def before(method: str) -> None:
        made.append(method)
        if at is not None and len(made) == at + 1:
            raise Fault(f"{method} failed")

    intercept(store, monkeypatch, methods, before)
    return made


@pytest.mark.parametrize(("any_home", "scene"), EVERYWHERE, indirect=["any_home"])
def test_a_failure_at_any_write_leaves_the_store_as_before(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    before, after = SCENES[scene]
    if before is not None:
        put(store, before)
    start = everything(store)
    shelf.keep("before")
    with monkeypatch.context() as patch:
        made = count_and_break(store, patch, WRITES, None)
        put(store, after)
        total = len(made)
    shelf.put_back("before")
    assert total >= 2
    for number in range(total):
        with monkeypatch.context() as patch:
            count_and_break(store, patch, WRITES, number)
            with pytest.raises(KitaruError) as raised:
                put(store, after)
        assert isinstance(raised.value, RegistrationFailed), number
        assert raised.value.left == ()
        assert everything(store) == start, f"write {number} of {total}"


@pytest.mark.parametrize(("any_home", "scene"), CHANGES, indirect=["any_home"])
def test_a_failure_while_tidying_up_is_told_and_the_same_command_completes(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    before, after = SCENES[scene]
    assert before is not None
    put(store, after)
    done = everything(store)
    shelf.put_back("empty")
    put(store, before)
    shelf.keep("before")
    with monkeypatch.context() as patch:
        removals = count_and_break(store, patch, REMOVALS, None)
        put(store, after)
    for number in range(len(removals)):
        shelf.put_back("before")
        with monkeypatch.context() as patch:
            count_and_break(store, patch, REMOVALS, number)
            with pytest.raises(RegistrationFailed) as raised:
                put(store, after)
        assert raised.value.left
        put(store, after)
        assert everything(store) == done


class Killed(BaseException):
    """Stands for the process's death: nothing of ours runs after it."""


def die_after(store: Store, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let this many writes succeed; then none, those that would undo them included."""
    made: list[str] = []

    def before(method: str) -> None:
        if len(made) >= number:
            raise Killed
        made.append(method)

    intercept(store, monkeypatch, WRITES + REMOVALS, before)


@pytest.mark.parametrize(("any_home", "scene"), DEATHS, indirect=["any_home"])
def test_after_a_death_at_any_write_the_same_command_completes(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    before, after = SCENES[scene]
    put(store, after)
    done = everything(store)
    shelf.put_back("empty")
    if before is not None:
        put(store, before)
    shelf.keep("before")
    with monkeypatch.context() as patch:
        made = count_and_break(store, patch, WRITES + REMOVALS, None)
        put(store, after)
        total = len(made)
    for number in range(1, total):
        shelf.put_back("before")
        with monkeypatch.context() as patch:
            die_after(store, patch, number)
            with pytest.raises((Killed, KeyboardInterrupt)):
                put(store, after)
        put(store, after)
        assert everything(store) == done, f"killed after write {number} of {total}"
