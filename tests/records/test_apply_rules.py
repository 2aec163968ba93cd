"""What a change of records says when it fails: all that is still there, and nothing else.

The writes are the real ones, on a ZenML store that breaks where a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    RegistrationFailed,
)
from kitaru_iac.labels import MANAGED_LABEL, OWNER_LABEL
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.records import change as module
from kitaru_iac.records.apply import execute
from kitaru_iac.records.apply_errors import _is_taken
from kitaru_iac.records.aside import is_changeable
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.records.names import REPLACED
from tests.records.shelf import Shelf, Zen, id_of
from tests.records.snapshots import MANAGED, aws_records, local_records

ASIDE = f"s{REPLACED}"
NOTHING = Records("s", "custom", ())


class EntityExistsError(Exception):
    """ZenML's, by its name."""


class Counter(Shelf):
    """A store for a change, over a `Zen`."""

    def __init__(self, breaks: Callable[[str], None] = lambda line: None) -> None:
        self.zen = Zen(breaks)
        super().__init__(gateway=self.zen)
        for word in (
            *("old stack", "old runner", "old store", "old registry", "old link"),
            *("new stack", "new orchestrator", "new artifact_store", "new part", "new link"),
        ):
            self.zen._named(word)


def breaking(*lines: str, error: BaseException | None = None) -> Callable[[str], None]:
    """Break at lines that begin with these words."""

    def breaks(line: str) -> None:
        if any(f"{line} ".startswith(f"{words} ") for words in lines):
            raise error or RuntimeError(f"cannot {line}")

    return breaks


OLD = {"orchestrator": "runner", "artifact_store": "store", "container_registry": "registry"}


def stored(records: Records) -> Records:
    """The records as they are stored, with ids."""
    link = records.connector
    return replace(
        records,
        id=(id_of("old stack")),
        connector=replace(link, id=(id_of("old link"))) if link else None,
        components=tuple(replace(c, id=(id_of(f"old {OLD[c.type]}"))) for c in records.components),
    )


def small(*, store: Mapping[str, Any] | None = None, **changes: Any) -> Records:
    """Stack `s`: a runner on this machine, an artifact store on AWS and its connector."""
    records = aws_records("s", **changes)
    runner, bucket, _ = records.components
    runner = replace(runner, uses_connector=False, resource_id=None)
    return replace(records, components=(runner, replace(bucket, **(store or {}))))


def left_of(error: BaseException) -> tuple[str, ...]:
    """What an error says is still there."""
    return error.left if isinstance(error, RegistrationFailed) else ()


def fail(store: Counter, desired: Records, current: Records | None = None) -> BaseException:
    """Carry out a change that fails, and return what it raises."""
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - a KeyboardInterrupt too
        execute(store, desired, current, NOTHING)
    return raised.value


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made."""
    found: list[float] = []
    monkeypatch.setattr(module.time, "sleep", found.append)
    return found


# -- a failure, and what was taken back ------------------------------------------------------------

LINKED = ["create link s-new", "update new link as s"]
CREATED = [*LINKED, "create stack s"]
UNMADE = ["delete new stack", "delete new artifact_store", "delete new orchestrator"]
SET_ASIDE = [f"update old {word} as {ASIDE}" for word in ("stack", "runner", "store", "link")]
#: What is wanted, what is stored, and the writes.
CHANGES: Mapping[str, tuple[Records, Records | None, list[str]]] = {
    "a new stack": (small(), None, CREATED),
    "a replacement": (
        small(),
        stored(replace(small(), stack_type="custom")),
        [*SET_ASIDE, *CREATED],
    ),
    "a change in place": (
        replace(small(bucket="other", key="AKIASECOND"), labels={**MANAGED, OWNER_LABEL: "urn"}),
        stored(small()),
        ["update old link", "update old store", "update old stack"],
    ),
    "another flavor": (
        small(),
        stored(small(store={"flavor": "gcp"})),
        [f"update old store as {ASIDE}", "create part s", "update old stack"],
    ),
}
#: What takes back each creation; a change is taken back by the change to what was.
UNDONE = {
    "create link s-new": ["delete new link"],
    "update new link as s": [],
    "create stack s": UNMADE,
    "create part s": ["delete new part"],
}
LEFT = {
    "create link s-new": "service connector s",
    "create part s": "artifact_store s",
    f"update old stack as {ASIDE}": f"stack {ASIDE}, formerly s",
    f"update old runner as {ASIDE}": f"orchestrator {ASIDE}, formerly s",
    f"update old store as {ASIDE}": f"artifact_store {ASIDE}, formerly s",
    f"update old link as {ASIDE}": f"service connector {ASIDE}, formerly s",
    "update old link": "the former configuration of service connector s",
    "update old store": "the former configuration of artifact_store s",
    "update old stack": "the stack's former members",
}
ENDS = pytest.mark.parametrize(
    "error", [RuntimeError("no"), KeyboardInterrupt()], ids=["error", "ctrl-c"]
)


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_made_of_these_writes(case: str) -> None:
    desired, current, writes = CHANGES[case]
    store = Counter()
    execute(store, desired, current, NOTHING)
    assert store.zen.lines[: len(writes)] == writes
    assert store.forgotten == 1


def undoing(write: str, *, is_made: bool = True) -> list[str]:
    """The writes that take one back."""
    if write in UNDONE:
        return UNDONE[write] if is_made else []
    return [write.replace(ASIDE, "s")]


@ENDS
@pytest.mark.parametrize(
    ("case", "at"), [(case, at) for case in CHANGES for at in range(len(CHANGES[case][2]))]
)
def test_what_was_written_before_a_failure_is_taken_back_in_reverse(
    case: str, at: int, error: BaseException
) -> None:
    desired, current, writes = CHANGES[case]
    done = 0

    def breaks(line: str) -> None:
        nonlocal done
        done += 1
        if done == at + 1:
            raise error

    store = Counter(breaks)
    raised = fail(store, desired, current)
    back = [line for write in reversed(writes[:at]) for line in undoing(write)]
    # Nobody knows whether the write that broke was made: what it changed is put back too.
    assert store.zen.lines == [*writes[:at], *undoing(writes[at], is_made=False), *back]
    if isinstance(error, KeyboardInterrupt):
        assert isinstance(raised, WorkInterrupted)
        assert (raised.what, raised.left) == ("Interrupted; nothing was changed", ())
    else:
        assert isinstance(raised, RegistrationFailed)
        assert raised.left == ()
        assert raised.what == "Registering stack 's' failed; nothing was left behind"
        assert raised.why == "ZenML failed. RuntimeError: no"
        assert raised.remedy == "The same command can be run again."


@ENDS
@pytest.mark.parametrize("case", CHANGES)
def test_what_cannot_be_taken_back_is_all_named_newest_first(
    case: str, error: BaseException
) -> None:
    desired, current, writes = CHANGES[case]
    done = 0

    def breaks(line: str) -> None:
        nonlocal done
        done += 1
        if done == len(writes):
            raise error
        if done > len(writes):
            raise RuntimeError("nor back")

    last = [] if writes[-1] in UNDONE else [LEFT[writes[-1]]]
    left = [*last, *(LEFT[line] for line in reversed(writes[:-1]) if line in LEFT)]
    raised = fail(Counter(breaks), desired, current)
    if isinstance(error, KeyboardInterrupt):
        assert isinstance(raised, WorkInterrupted)
        assert raised.left == tuple(left)
        assert "kitaru stack clean" in str(raised.remedy)
    else:
        assert isinstance(raised, RegistrationFailed)
        assert raised.left == tuple(left)
        assert raised.what == "Registering stack 's' failed"
        assert str(raised).endswith("Still there: " + ", ".join(left))
        assert raised.remedy == "Run the same command again: it takes over what is there."


def test_one_that_cannot_be_taken_back_does_not_keep_the_others() -> None:
    desired, current, _ = CHANGES["a replacement"]
    store = Counter(breaking("create stack", "update old link as s"))
    raised = fail(store, desired, current)
    assert left_of(raised) == (f"service connector {ASIDE}, formerly s",)
    assert store.zen.lines[-3:] == [
        "update old store as s",
        "update old runner as s",
        "update old stack as s",
    ]


def test_a_stack_that_came_with_its_parts_is_taken_back_with_them(pauses: list[float]) -> None:
    store = Counter(breaking("update new orchestrator"))
    store.zen.suffix = "-abc123"
    raised = fail(store, small())
    assert left_of(raised) == ()
    assert store.zen.lines == [*CREATED, *UNMADE, "delete new link"]
    stuck = Counter(breaking("update new orchestrator", "delete new artifact_store"))
    stuck.zen.suffix = "-abc123"
    (left,) = left_of(fail(stuck, small()))
    assert left == "artifact_store s-abc123 of stack s"


# -- somebody else was faster ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "stuck", "kind"),
    [
        (EntityExistsError("taken"), False, AlreadyExistsError),
        (AlreadyExistsError("taken"), False, AlreadyExistsError),
        (EntityExistsError("taken"), True, RegistrationFailed),
        (RuntimeError("taken"), False, RegistrationFailed),
    ],
)
def test_a_name_that_was_taken_meanwhile_is_said_where_nothing_is_left(
    error: Exception, stuck: bool, kind: type[KitaruError]
) -> None:
    def breaks(line: str) -> None:
        if line.startswith("create stack"):
            if not isinstance(error, RuntimeError):
                store.stack("theirs", "s")
            raise error
        if stuck and line.startswith("delete"):
            raise RuntimeError("no")

    store = Counter(breaks)
    raised = fail(store, small())
    assert type(raised) is kind
    assert isinstance(raised, KitaruError)
    assert "taken" in str(raised.why)
    if kind is AlreadyExistsError:
        assert raised.what == (
            "Stack 's' exists already: somebody else registered it at the same moment"
        )
        assert raised.remedy == "See it with: kitaru stack show s"
    assert left_of(raised) == (("service connector s",) if stuck else ())


def test_a_name_that_is_said_to_be_taken_and_is_not_is_no_colleague_s() -> None:
    raised = fail(Counter(breaking("create stack", error=AlreadyExistsError("taken"))), small())
    assert type(raised) is RegistrationFailed
    assert (left_of(raised), raised.why) == ((), "taken")
    assert raised.what == "Registering stack 's' failed; nothing was left behind"


@pytest.mark.parametrize("type", ["orchestrator", "artifact_store"])
def test_a_component_that_has_the_name_stops_a_new_stack_before_it_is_made(type: str) -> None:
    store = Counter()
    store.component("theirs", "s", {}, type=type)
    raised = fail(store, local_records("s"))
    assert isinstance(raised, AlreadyExistsError)
    assert raised.why == f"{type} 's' already exists"
    assert store.zen.lines == []


def test_a_component_of_the_name_that_was_left_is_taken_over() -> None:
    store = Counter()
    store.component("old store", "s").component("builder", "s", type="image_builder")
    left = replace(NOTHING, components=stored(small()).components[1:])
    outcome = execute(store, replace(small(), connector=None), None, left)
    assert store.zen.lines == ["update old store", "create stack s"]
    assert [c.type for c in outcome.components_created] == ["orchestrator", "artifact_store"]


# -- what is replaced goes afterwards --------------------------------------------------------------


def old_stack(breaks: Callable[[str], None] = lambda line: None) -> Counter:
    """The store in which the replaced stack is, with its parts, as it is when they are to go."""
    store = Counter(breaks)
    store.link("old link", ASIDE).component("old store", ASIDE, connector="old link")
    store.component("old runner", ASIDE, type="orchestrator")
    store.stack("old stack", ASIDE, "old runner", "old store")
    return store


REPLACEMENT = CHANGES["a replacement"][:2]
GOES = [f"delete old {word}" for word in ("stack", "runner", "store", "link")]
DOOMED = [
    f"{kind} {ASIDE}" for kind in ("stack", "orchestrator", "artifact_store", "service connector")
]


def test_the_old_records_go_when_the_new_ones_stand() -> None:
    store = old_stack()
    outcome = execute(store, *REPLACEMENT, NOTHING)
    assert store.zen.lines == [*SET_ASIDE, *CREATED, *GOES]
    assert outcome.deleted == DOOMED
    assert outcome.id == (id_of("new stack"))
    assert outcome.connectors_created == ["s"]


@pytest.mark.parametrize("at", range(4))
def test_a_failure_while_tidying_up_names_what_is_still_to_go(at: int) -> None:
    store = old_stack(breaking(GOES[at]))
    with pytest.raises(RegistrationFailed) as failed:
        execute(store, *REPLACEMENT, NOTHING)
    assert failed.value.left == tuple(DOOMED[at:])
    assert "is registered as described, but a part of the old one stays" in failed.value.what
    assert f"cannot {GOES[at]}" in str(failed.value.why)
    assert failed.value.remedy == "Run the same command again to remove it."
    assert store.zen.lines == [*SET_ASIDE, *CREATED, *GOES[:at]]


def test_ctrl_c_while_tidying_up_takes_nothing_back() -> None:
    interrupt = KeyboardInterrupt()
    store = old_stack(breaking("delete", error=interrupt))
    with pytest.raises(KeyboardInterrupt) as raised:
        execute(store, *REPLACEMENT, NOTHING)
    assert raised.value is interrupt
    assert store.zen.lines == [*SET_ASIDE, *CREATED]


def test_what_is_gone_already_is_no_failure() -> None:
    store = old_stack(breaking("delete", error=KeyError("gone")))
    done = execute(store, *REPLACEMENT, NOTHING)
    # Here they are there still, and hold each other.
    assert [*done.deleted, *(part.partition(" (")[0] for part in done.kept)] == DOOMED


def test_a_replaced_part_that_others_use_by_now_stays() -> None:
    store = old_stack()
    store.stack("theirs", "theirs", "old store")
    execute(store, *REPLACEMENT, NOTHING)
    # The part that stays goes on using the connector.
    assert store.zen.lines[-2:] == GOES[:2]
    alone = old_stack()
    alone.component("their store", "theirs", {}, connector="old link")
    execute(alone, *REPLACEMENT, NOTHING)
    assert alone.zen.lines[-3:] == GOES[:3]


def foreign_members(current: Records) -> Records:
    builder = ComponentRecord("image_builder", "mine", "local", id=(id_of("builder")))
    return replace(current, components=(*current.components, builder))


def test_a_replacement_leaves_a_connector_and_members_that_are_not_its_own() -> None:
    desired, current = REPLACEMENT
    assert current is not None
    assert current.connector is not None
    theirs = replace(current, connector=replace(current.connector, labels={}))
    store = old_stack()
    execute(store, desired, foreign_members(theirs), NOTHING)
    assert not any("old link" in line or "builder" in line for line in store.zen.lines)


# -- the connector ---------------------------------------------------------------------------------

EXISTING = ConnectorRecord("shared", "aws", "implicit", existing=True, id=(id_of("shared")))


@pytest.mark.parametrize(
    ("left", "writes", "created"),
    [
        (None, LINKED, ["s"]),
        ({}, ["update old link"], []),
        ({"type": "gcp"}, [f"update old link as {ASIDE}", *LINKED], ["s"]),
        ({"auth_method": "implicit"}, [f"update old link as {ASIDE}", *LINKED], ["s"]),
        ({"labels": {}}, LINKED, ["s"]),
        ({"name": "theirs"}, LINKED, ["s"]),
    ],
    ids=[
        "nothing left",
        "its own",
        "its own of another type",
        "its own of another method",
        "one without a label",
        "another's",
    ],
)
def test_a_connector_that_was_left_is_used_or_makes_room(
    left: dict[str, Any] | None, writes: list[str], created: list[str]
) -> None:
    link = stored(small()).connector
    assert link is not None
    orphans = replace(NOTHING, connector=replace(link, **left)) if left is not None else NOTHING
    store = Counter()
    outcome = execute(store, small(), None, orphans)
    assert store.zen.lines[: len(writes)] == writes
    assert outcome.connectors_created == created
    goes = "delete old link" in store.zen.lines
    assert goes is (f"update old link as {ASIDE}" in writes)


def test_an_existing_connector_is_linked_and_never_written() -> None:
    store = Counter()
    outcome = execute(store, replace(small(), connector=EXISTING), None, NOTHING)
    assert store.zen.lines == ["create stack s"]
    assert outcome.connectors_created == []


@pytest.mark.parametrize(
    ("own", "goes"), [(MANAGED, True), ({}, False)], ids=["its own", "a stranger's"]
)
def test_its_own_connector_goes_when_an_existing_one_takes_its_place(
    own: Mapping[str, str], goes: bool
) -> None:
    current = stored(small())
    assert current.connector is not None
    current = replace(current, connector=replace(current.connector, labels=own))
    store = Counter()
    execute(store, replace(small(), connector=EXISTING), current, NOTHING)
    relinked = ["update old runner", "update old store"]
    assert store.zen.lines == [*relinked, *(["delete old link"] if goes else [])]


# -- in place --------------------------------------------------------------------------------------


def test_what_is_as_described_is_not_written() -> None:
    store = Counter()
    done = execute(store, small(), stored(small()), NOTHING)
    assert done.id == id_of("old stack")
    assert (done.components_created, done.connectors_created, done.deleted) == ([], [], [])
    assert store.zen.lines == []


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        (MANAGED, []),
        ({**MANAGED, "team": "ml"}, []),
        ({**MANAGED, "kitaru.region": "x"}, ["update old stack"]),
        ({}, ["update old stack"]),
    ],
    ids=str,
)
def test_a_stack_is_labelled_anew_only_where_a_label_of_ours_differs(
    labels: dict[str, str], written: list[str]
) -> None:
    store = Counter()
    execute(store, small(), replace(stored(small()), labels=labels), NOTHING)
    assert store.zen.lines == written


@pytest.mark.parametrize(
    ("labels", "goes"), [(MANAGED, True), ({}, False)], ids=["its own", "added by hand"]
)
def test_a_part_that_is_not_described_any_more_goes_if_it_is_its_own(
    labels: dict[str, str], goes: bool
) -> None:
    registry = replace(aws_records("s").components[2], labels=labels)
    current = stored(replace(small(), components=(*small().components, registry)))
    store = Counter()
    execute(store, small(), current, NOTHING)
    assert store.zen.lines == (["update old stack", "delete old registry"] if goes else [])


# -- the name of a part that came with its stack ---------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "failures", "renamed"),
    [("", 0, 0), ("-abc", 0, 1), ("-abc", 3, 1), ("-abc", 9, 1), ("-abc", 10, 0)],
)
def test_a_suffix_of_zenmls_is_taken_off_once_the_name_is_free(
    pauses: list[float], suffix: str, failures: int, renamed: int
) -> None:
    tries = 0

    def breaks(line: str) -> None:
        nonlocal tries
        if line == "update new orchestrator as s":
            tries += 1
            if tries <= failures:
                store.component("theirs", "s", type="orchestrator")
                raise EntityExistsError("taken")

    store = Counter(breaks)
    store.zen.suffix = suffix
    if failures == 10:
        assert isinstance(fail(store, small()), AlreadyExistsError)
    else:
        execute(store, small(), None, NOTHING)
    assert store.zen.lines.count("update new orchestrator as s") == renamed
    assert len(pauses) == min(failures, 9)
    assert sum(pauses) < 5


def test_labels_that_cannot_be_written_are_not_waited_for(pauses: list[float]) -> None:
    store = Counter(breaking("update new artifact_store"))
    raised = fail(store, small(store={"labels": {MANAGED_LABEL: "true", "kitaru.region": "x"}}))
    assert isinstance(raised, RegistrationFailed)
    assert pauses == []


def test_parts_of_a_local_stack_lose_the_labels_that_zenml_gives_them() -> None:
    store = Counter()
    execute(store, local_records("s"), None, NOTHING)
    assert store.zen.lines == [
        "create stack s",
        "update new orchestrator",
        "update new artifact_store",
    ]


@pytest.mark.parametrize(
    ("changed", "secrets", "changeable"),
    [
        ({}, ({"key": "a"}, {"key": "b"}), True),
        ({}, ({}, {"key": "b"}), True),
        ({}, ({}, {}), True),
        # ZenML would leave them stored.
        ({}, ({"key": "a"}, {}), False),
        ({"type": "gcp"}, ({}, {}), False),
        ({"auth_method": "iam-role"}, ({"key": "a"}, {"key": "b"}), False),
    ],
)
def test_a_connector_is_changed_where_zenml_leaves_nothing_of_the_old(
    changed: Mapping[str, str],
    secrets: tuple[Mapping[str, str], Mapping[str, str]],
    changeable: bool,
) -> None:
    link = aws_records("s").connector
    assert link is not None
    old, new = (replace(link, secrets=values) for values in secrets)
    assert is_changeable(old, replace(new, **changed)) is changeable


def away(*, has_answered: bool) -> NotConnectedError:
    error = NotConnectedError("UNIQUE constraint failed: service_connector.name")
    error.has_answered = has_answered
    return error


@pytest.mark.parametrize(
    ("cause", "taken"),
    [
        (KitaruError("no"), True),
        (NotAllowedError("no"), False),
        (away(has_answered=False), False),
        # So ZenML says it where two rename a connector to one name at once.
        (away(has_answered=True), True),
    ],
)
def test_a_servers_failure_may_mean_that_a_name_was_taken(cause: KitaruError, taken: bool) -> None:
    writer = SimpleNamespace(has_twin=False)
    change: Any = SimpleNamespace(is_taken=lambda: True, writer=writer)
    assert _is_taken(cause, change) is taken
    writer.has_twin = True  # it has been seen, whatever was said
    assert _is_taken(cause, change) is True
