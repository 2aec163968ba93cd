"""A stack gets another name with its own parts, whenever a process dies; a copy has no secret."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotConnectedError,
    ProtectedStackError,
    RegistrationFailed,
    StackChanged,
    StackNotFound,
    StackNotManaged,
    UsageError,
)
from kitaru_iac.gateway.documents import ComponentChange, ConnectorChange, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import BACKEND_LABEL, OWNER_LABEL, RENAMING_LABEL, SOURCE_LABEL, is_managed
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import CutShort, WorkInterrupted
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.adopt import adopt
from kitaru_iac.stacks.removal import require_deletable
from kitaru_iac.stacks.rename import rename
from kitaru_iac.stacks.watch import drift_of_records
from tests.cli.conftest import Kitaru, kitaru  # noqa: F401
from tests.homes import Home
from tests.stacks.interrupts import Around
from tests.stacks.test_many import memory  # noqa: F401
from tests.stacks.test_planning import REMOTE

LOCAL = {"type": "local", "activate": False}
KINDS = {"remote": REMOTE, "local": LOCAL}


def made(name: str = "old", kind: str = "remote", **more: Any) -> Any:
    spec = from_mapping({**KINDS[kind], "name": name, **more})
    operations.apply(spec, source=more.pop("source", None))
    return spec


def state(gateway: MemoryGateway) -> dict[str, Any]:
    """What is there, without ids and times."""
    parts = [(doc.type, doc.name, dict(doc.labels)) for doc in gateway.components(Where())]
    links = [(doc.name, dict(doc.labels)) for doc in gateway.connectors(Where())]
    stacks = [(doc.name, dict(doc.labels)) for doc in gateway.stacks(Where())]
    return {"parts": sorted(parts, key=str), "links": links, "stacks": sorted(stacks, key=str)}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_as_if_it_had_been_made_so(memory: MemoryGateway, kind: str) -> None:  # noqa: F811
    wanted = MemoryGateway()
    with installed(wanted):
        made("new", kind)
    with installed(memory):
        spec = made("old", kind)
        (before,) = memory.stacks(Where(names=("old",)))
        done = rename("old", "new")
        assert (done.id, done.name, done.previous_name) == (before.id, "new", "old")
        assert state(memory) == state(wanted)
        assert [write.split()[:2] for write in memory.written][-1] == ["update", "stack"]
        again = from_mapping({**KINDS[kind], "name": "new"})
        assert not operations.preview(again).has_changes
        store = Store.open()
        current = store.read("new")
        assert current is not None
        assert drift_of_records(current) == ()
        assert operations.preview(spec).has_changes  # the old description makes another one
        with pytest.raises(StackNotFound):
            rename("old", "new")
        assert list(unfinished.every(memory.place)) == []


class Killed(BaseException):
    """Stands for SIGKILL: no write is made after it."""


@pytest.mark.parametrize("is_forgotten", [False, True])  # the same machine goes on, or another one
def test_whenever_it_is_killed_the_same_command_completes(
    memory: MemoryGateway,  # noqa: F811
    is_forgotten: bool,
) -> None:
    for writes in range(7):
        left = [writes]

        def die(_: str, left: list[int] = left) -> None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1

        gateway = MemoryGateway()
        with installed(gateway):
            made()
            gateway.before_write = die
            if writes < 6:
                with pytest.raises(Killed):
                    rename("old", "new")
            gateway.before_write = lambda _: None
            if is_forgotten:
                unfinished.end(gateway.place, "old")
            if 0 < writes < 6:
                nothing_else_is_done(gateway, is_earlier=False)
            rename("old", "new")
            names = {d.name for d in [*gateway.components(Where()), *gateway.connectors(Where())]}
            assert names - {"default"} == {"new"}
            again = from_mapping({**REMOTE, "name": "new"})
            assert not operations.preview(again).has_changes
        unfinished.end(gateway.place, "old")


def nothing_else_is_done(gateway: MemoryGateway, *, is_earlier: bool) -> None:
    """See that whatever else is asked of a stack that has been renamed in part is refused."""
    before = state(gateway)
    spec = from_mapping({**REMOTE, "name": "old"})
    (doc,) = gateway.stacks(Where(names=("old",)))
    refused: list[Callable[[], object]] = [
        lambda: operations.apply(spec),
        lambda: operations.preview(spec),
        lambda: operations.delete("old", recursive=True),
        lambda: operations.delete("old", force=True),
    ]
    if not is_earlier:  # it was no stack's label then
        refused.append(lambda: require_deletable(doc.id, recursive=True))
        refused.append(lambda: adopt("old"))
    for work in refused:
        with pytest.raises(ProtectedStackError, match="renamed to 'new' in part") as caught:
            work()
        assert f"kitaru stack rename {doc.id} new" in str(caught.value.remedy)
    later = datetime.now(UTC) + timedelta(hours=1)
    gateway.now = lambda: later  # type: ignore[method-assign]
    (kept,) = operations.clean().kept
    del gateway.now  # type: ignore[method-assign]
    assert "kitaru stack rename old new" in kept.reason
    assert state(gateway) == before


def test_what_an_earlier_release_has_renamed_in_part_is_kept_for_the_same_command(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        made()
        (part,) = (doc for doc in memory.components(Where(names=("old",))) if "orch" in doc.type)
        unfinished.begin(memory.place, "old", "rename to new")
        (place,) = unfinished._folder().glob("*.json")
        place.write_text(place.read_text().replace('"marks": true', '"marks": false'))
        assert operations.preview(from_mapping({**REMOTE, "name": "old"})).has_changes is False
        memory.update_component(part.id, ComponentChange(name="new"))
        nothing_else_is_done(memory, is_earlier=True)
        assert rename("old", "new").name == "new"
        assert not operations.preview(from_mapping({**REMOTE, "name": "new"})).has_changes


def test_a_renaming_that_was_cut_off_may_end_under_a_third_name(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    def die(write: str) -> None:
        if write.startswith("update artifact_store"):
            raise Killed

    with installed(memory):
        made()
        memory.before_write = die
        with pytest.raises(Killed):
            rename("old", "new")
        memory.before_write = lambda _: None
        made("new", "local")  # a colleague's, of other parts
        rename("old", "third")
        assert not operations.preview(from_mapping({**REMOTE, "name": "third"})).has_changes
        assert not operations.preview(from_mapping({**LOCAL, "name": "new"})).has_changes


def test_it_is_done_when_the_answer_was_not_seen(memory: MemoryGateway) -> None:  # noqa: F811
    with installed(memory):
        made()
        (doc,) = memory.stacks(Where(names=("old",)))
        rename("old", "new")
        unfinished.begin(memory.place, "old", "rename to new")  # killed before it took this off
        assert rename("old", "new").id == doc.id
        with pytest.raises(StackNotFound):
            rename("old", "new")


@pytest.mark.parametrize("at", ["orchestrator", "stack"])
def test_a_failure_takes_all_back(memory: MemoryGateway, at: str) -> None:  # noqa: F811
    with installed(memory):
        made()
        before = state(memory)

        def fail(write: str) -> None:
            if write.split()[:2] == ["update", at] and "new" in write.split()[3:]:
                raise KitaruError("no")

        memory.before_write = fail
        with pytest.raises(RegistrationFailed) as caught:
            rename("old", "new")
        assert caught.value.left == ()
        assert state(memory) == before


def twice() -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


def raising(error: BaseException) -> Callable[[], None]:
    def strike() -> None:
        raise error

    return strike


#: What goes wrong with a write; how it ends, what is said, and whether all is as before.
WAYS: dict[str, tuple[Callable[[], None], type[BaseException], str, bool]] = {
    "lost": (raising(AnswerLost("No answer")), AnswerLost, "gave no answer", True),
    "away": (raising(NotConnectedError("Away")), NotConnectedError, "nothing was changed", True),
    "taken": (raising(AlreadyExistsError("Taken")), AlreadyExistsError, "nothing was chang", True),
    "failed": (raising(KitaruError("Full")), RegistrationFailed, "was not", True),
    "once": (lambda: signal.raise_signal(signal.SIGINT), WorkInterrupted, "Interrupted", True),
    "twice": (twice, CutShort, "Interrupted again", False),
}


DONE = [("taken", True), ("failed", True), ("lost", True)]


@pytest.mark.parametrize("way", [way for way, _ in DONE])
@pytest.mark.parametrize("verb", ["rename", "adopt"])
def test_what_is_refused_after_it_was_done_is_done(
    memory: MemoryGateway,  # noqa: F811
    verb: str,
    way: str,
) -> None:
    with installed(memory):
        made()
    if verb == "adopt":
        by_hand_again(memory)
    with installed(Around(memory, 1, after=True, strike=WAYS[way][0])):  # type: ignore[arg-type]
        rename("old", "new") if verb == "rename" else adopt("old")
    name = "new" if verb == "rename" else "old"
    (stack,) = memory.stacks(Where(names=(name,)))
    assert is_managed(stack.labels)
    assert {doc.name for doc in memory.components(Where(in_stack=stack.id))} == {name}


@pytest.mark.parametrize(
    ("way", "after"),
    # What is refused after it was done is done.
    [(way, after) for way in WAYS for after in (False, True) if (way, after) not in DONE],
)
@pytest.mark.parametrize("verb", ["rename", "adopt"])
def test_what_goes_wrong_is_said_as_it_is(
    memory: MemoryGateway,  # noqa: F811
    verb: str,
    way: str,
    after: bool,
) -> None:
    strike, kind, said, is_undone = WAYS[way]
    with installed(memory):
        made()
    if verb == "adopt":
        by_hand_again(memory)
    before = state(memory)
    with (
        installed(Around(memory, 1, after=after, strike=strike)),  # type: ignore[arg-type]
        pytest.raises(kind) as caught,
    ):
        rename("old", "new") if verb == "rename" else adopt("old")
    raised = caught.value
    assert type(raised) is kind
    assert isinstance(raised, (KitaruError, WorkInterrupted))
    assert said in raised.what
    assert "was not" not in raised.what or way != "lost"
    assert f"kitaru stack {verb}" in str(raised.remedy)
    if is_undone:
        assert raised.left == ()
        assert state(memory) == before
    with installed(memory):
        rename("old", "new") if verb == "rename" else adopt("old")


def by_hand_again(gateway: MemoryGateway) -> None:
    """Take Kitaru's labels away, as somebody would have made the stack by hand."""
    for stack in gateway.stacks(Where(names=("old",))):
        gateway.update_stack(stack.id, StackChange(labels={}))
    for part in gateway.components(Where(names=("old",))):
        gateway.update_component(part.id, ComponentChange(labels={}))
    for link in gateway.connectors(Where(names=("old",))):
        gateway.update_connector(link.id, ConnectorChange(labels={}))


def label(gateway: MemoryGateway, **labels: str) -> None:
    (doc,) = gateway.stacks(Where(names=("old",)))
    gateway.update_stack(doc.id, StackChange(labels={**doc.labels, **labels}))


REFUSED: dict[str, tuple[dict[str, str], type[KitaruError], str]] = {
    "a program's": (
        {OWNER_LABEL: "urn:pulumi:d::p::kitaru:index:Stack::b"},
        ProtectedStackError,
        "Pulumi",
    ),
    "provisioned": ({BACKEND_LABEL: "file:///s"}, ProtectedStackError, "provisioned under it"),
    "not managed": ({"kitaru.managed": "false"}, StackNotManaged, "did not make"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_whose_stack_keeps_its_name(memory: MemoryGateway, kind: str) -> None:  # noqa: F811
    labels, error, said = REFUSED[kind]
    with installed(memory):
        made()
        label(memory, **labels)
        before = state(memory)
        with pytest.raises(error, match=said):
            rename("old", "new")
        assert state(memory) == before


def test_a_name_that_is_taken_or_none(memory: MemoryGateway) -> None:  # noqa: F811
    with installed(memory):
        made("new")
        made("old")
        memory.delete("stack", memory.stacks(Where(names=("new",)))[0].id)  # its parts stay
        before = state(memory)
        with pytest.raises(AlreadyExistsError, match="the name is taken") as caught:
            rename("old", "new")
        assert "service connector new" in str(caught.value.why)
        for name, said in [
            ("old", "called so already"),
            ("default", "reserved"),
            ("a b", "cannot be"),
        ]:
            with pytest.raises(UsageError, match=said):
                rename("old", name)
        with pytest.raises(ProtectedStackError):
            rename("default", "other")
        assert state(memory) == before


def test_a_part_of_another_name_keeps_it_and_the_source_is_forgotten(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        spec = from_mapping({**LOCAL, "name": "old"})
        operations.apply(spec, source='{"name":"","paths":["s/"],"place":"h/p"}')
        (doc,) = memory.stacks(Where(names=("old",)))
        theirs = memory.components(Where(names=("default",)))[0]
        members = {kind: tuple(m.id for m in of) for kind, of in doc.members.items()}
        members[theirs.type] = (theirs.id,)
        memory.update_stack(doc.id, StackChange(members=members))
        rename("old", "new")
        (after,) = memory.stacks(Where(names=("new",)))
        assert SOURCE_LABEL not in after.labels
        assert SOURCE_LABEL not in json.dumps(dict(after.labels))
        assert [d.name for d in memory.components(Where(ids=(theirs.id,)))] == ["default"]


def test_what_a_colleague_writes_at_that_moment_is_not_lost(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        made()
        before = state(memory)

        def meanwhile(write: str) -> None:
            if write.startswith("update orchestrator"):
                memory.before_write = lambda _: None
                label(memory, team="theirs")

        memory.before_write = meanwhile
        with pytest.raises(StackChanged):
            rename("old", "new")
        after = state(memory)
        assert after["parts"] == before["parts"]
        assert not [labels for _, labels in after["stacks"] if RENAMING_LABEL in labels]
        assert [labels.get("team") for name, labels in after["stacks"] if name == "old"] == [
            "theirs"
        ]


# -- the commands, on a local store ---------------------------------------------------------------


def test_the_commands_rename_and_copy(home: Home, kitaru: Kitaru) -> None:  # noqa: F811
    assert kitaru("stack", "create", "old").code == 0
    renamed = kitaru("stack", "rename", "old", "new", "-o", "json")
    assert renamed.code == 0, renamed.err
    assert renamed.document["item"]["renamed_parts"] == ["artifact_store", "orchestrator"]
    assert kitaru("stack", "current", "-o", "json").document["item"]["name"] == "new"
    assert kitaru("stack", "drift", "new", "--detailed-exitcode").code == 0

    with quiet():  # of one that Kitaru did not make, too
        gateway = Store.open().gateway
        (doc,) = gateway.stacks(Where(names=("new",)))
        gateway.update_stack(doc.id, StackChange(labels={}))
    copied = kitaru("stack", "copy", "new", "second", "-o", "json")
    assert copied.code == 0, copied.err
    item = copied.document["item"]
    assert (item["copied_from"], item["name"], item["is_active"]) == ("new", "second", False)
    shown = kitaru("stack", "show", "second", "-o", "json").document["item"]
    assert shown["is_managed"]
    assert {part["name"] for part in shown["components"]} == {"second"}
    assert kitaru("stack", "preview", "second", "--no-activate", "--detailed-exitcode").code == 0
    assert kitaru("stack", "copy", "new", "second").code == 5
    assert kitaru("stack", "copy", "nwe", "third").code == 4
