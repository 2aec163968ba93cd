"""What is mended after a dead process, and what is left alone: on a store in memory.

On a server a running process is told from a dead one by the age of what it wrote; a local store,
which has one writer for a name, cannot show that.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError
from kitaru_iac.gateway.documents import StackDoc
from kitaru_iac.labels import ASIDE_LABEL, ORPHANED_LABEL, is_managed
from kitaru_iac.machine.unfinished import Unfinished
from kitaru_iac.records import recovery
from kitaru_iac.records.names import REPLACED, replaced_by_mark
from kitaru_iac.records.recovery import recover
from kitaru_iac.records.stored import STALE_AFTER
from tests.records.shelf import Shelf, id_of
from tests.records.snapshots import MANAGED

ASIDE = f"s{REPLACED}"
#: The labels of what a run has set aside of stack `s`.
MARKED = {**MANAGED, ASIDE_LABEL: "s"}


# -- how old a leftover is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels", "stack"),
    [
        ("s-replaced", {ASIDE_LABEL: "s"}, "s"),
        ("t-replaced", {ASIDE_LABEL: "s"}, None),  # somebody has renamed it since
        ("s-replaced", {}, None),
        ("None-replaced", {}, None),
    ],
)
def test_by_its_mark_alone_something_is_set_aside(
    name: str, labels: dict[str, str], stack: str | None
) -> None:
    assert replaced_by_mark(name, labels) == stack


@pytest.mark.parametrize(
    ("age", "labels", "is_local_file", "settled"),
    [
        (0, {}, True, True),
        (0, {}, False, False),
        (STALE_AFTER - 5, {}, False, False),
        (STALE_AFTER + 5, {}, False, True),
        (-3600, {}, False, False),
        (0, {ORPHANED_LABEL: "true"}, False, True),
        (0, {ORPHANED_LABEL: "false"}, False, False),
        (0, MANAGED, False, False),
    ],
)
def test_what_was_written_a_moment_ago_may_be_a_colleagues_work(
    age: float, labels: dict[str, str], is_local_file: bool, settled: bool
) -> None:
    updated = datetime.now(UTC) - timedelta(seconds=age)
    stored = StackDoc(id_of("stack"), "s", labels, {}, updated)
    assert Shelf(is_local_file=is_local_file).is_stale(stored) is settled


@pytest.mark.parametrize("ahead", [-3600, -90, 90, 3600])
@pytest.mark.parametrize(("age", "settled"), [(STALE_AFTER - 5, False), (STALE_AFTER + 5, True)])
def test_age_is_told_by_the_stores_clock(
    monkeypatch: pytest.MonkeyPatch, ahead: float, age: float, settled: bool
) -> None:
    shelf = Shelf()
    theirs = datetime.now(UTC) + timedelta(seconds=ahead)
    monkeypatch.setattr(shelf.memory, "now", lambda: theirs)
    stored = StackDoc(id_of("stack"), "s", {}, {}, theirs - timedelta(seconds=age))
    assert shelf.is_stale(stored) is settled
    assert shelf.seconds_until_stale(stored) <= STALE_AFTER


def test_nobody_waits_longer_than_a_minute_for_a_clock_that_is_ahead() -> None:
    stored = StackDoc(id_of("stack"), "s", {}, {}, datetime.now(UTC) + timedelta(hours=1))
    assert Shelf().seconds_until_stale(stored) == STALE_AFTER


def test_a_minute_is_enough_for_any_registration_and_not_too_long_to_wait() -> None:
    assert 30 <= STALE_AFTER <= 120


@pytest.mark.parametrize(
    ("labels", "managed"),
    [
        (None, False),
        ({}, False),
        ({"team": "ml"}, False),
        (MANAGED, True),
        ({"kitaru.managed": "false"}, False),
        ({"kitaru.managed": True}, True),
        ({"kitaru.managed": " True "}, True),
        ({"kitaru.managed": None}, False),
        ({"kitaru.managed": "1"}, False),
    ],
)
def test_what_kitaru_made_says_so(labels: Any, managed: bool) -> None:
    assert is_managed(labels) is managed


# -- a replacement that was cut off ----------------------------------------------------------------


def replaced(*, labels: Mapping[str, str] = MARKED, **shelf: Any) -> Shelf:
    """A stack that was set aside, before its successor came."""
    return (
        Shelf(**shelf)
        .link("old link", ASIDE, MARKED)
        .component("old store", ASIDE, MARKED, connector="old link")
        .component("their builder", "mine", {}, type="image_builder")
        .stack("old", ASIDE, "old store", "their builder", labels=labels)
    )


def unmarked(labels: Mapping[str, str], **shelf: Any) -> Shelf:
    """The same names, which no run of ours gave."""
    return (
        Shelf(**shelf)
        .link("old link", ASIDE, labels)
        .component("old store", ASIDE, labels, connector="old link")
        .stack("old", ASIDE, "old store", labels=labels)
    )


def test_where_nothing_was_left_nothing_is_written() -> None:
    shelf = Shelf().component("store", "s").link("link", "s").stack("stack", "s", "store")
    recover(shelf, "s")
    assert (shelf.written, shelf.forgotten) == ([], 0)


@pytest.mark.parametrize(
    ("fresh", "labels", "is_local_file", "refused"),
    [
        (["old"], MARKED, False, True),
        ([], MARKED, False, False),
        (["old"], MARKED, True, False),
        (["old"], {}, False, False),
        (["old"], {**MARKED, ORPHANED_LABEL: "true"}, False, False),
        (["old store", "old link"], MARKED, False, False),
    ],
    ids=[
        "a server's, at this moment",
        "a server's, a day ago",
        "this machine's, at this moment",
        "not Kitaru's",
        "left by a deletion",
        "its parts only, at this moment",
    ],
)
@pytest.mark.parametrize("with_successor", [False, True], ids=["alone", "with a successor"])
def test_a_replacement_that_goes_on_is_left_to_its_process(
    fresh: list[str],
    labels: Mapping[str, str],
    is_local_file: bool,
    refused: bool,
    with_successor: bool,
) -> None:
    shelf = replaced(fresh=fresh, labels=labels, is_local_file=is_local_file)
    if with_successor:
        shelf.component("new store", "s").stack("new", "s", "new store")
    if refused:
        with pytest.raises(AlreadyExistsError) as error:
            recover(shelf, "s")
        assert "is being replaced by another process" in error.value.what
        assert "in 60 s" in str(error.value.remedy)
        assert shelf.written == []
    else:
        recover(shelf, "s")
        # Its part carries the mark of a run: it is theirs who hold it.
        assert shelf.written if is_managed(labels) else shelf.written == ["label old store"]


def test_a_stack_whose_successor_never_came_gets_its_name_back_with_its_own_parts() -> None:
    shelf = replaced().component("half", "s").link("half link", "s")
    recover(shelf, "s")
    assert shelf.written == [
        "delete half",
        "delete half link",
        "call s old store",
        "call s old link",
        "call s old",
    ]
    assert shelf.forgotten > 0


def test_a_half_made_successor_is_taken_back_however_new_it_is() -> None:
    shelf = replaced(fresh=["half", "half link"]).component("half", "s").link("half link", "s")
    recover(shelf, "s")
    assert shelf.written[:2] == ["delete half", "delete half link"]


@pytest.mark.parametrize("word", ["half", "half link"])
def test_what_is_not_kitarus_keeps_the_name(word: str) -> None:
    shelf = replaced()
    if word == "half":
        shelf.component(word, "s", {}, type="orchestrator")
    else:
        shelf.component("half", "s", {}, type="orchestrator").link(word, "s", {})
    # The old connector cannot have its name back then: ZenML says so.
    refused = pytest.raises(AlreadyExistsError) if word == "half link" else nullcontext()
    with refused:
        recover(shelf, "s")
    assert not any("half" in line for line in shelf.written)


def test_a_stack_that_is_put_back_leaves_a_connector_of_another_name() -> None:
    shelf = (
        Shelf().link("shared", "shared").component("old store", ASIDE, MARKED, connector="shared")
    )
    recover(shelf.stack("old", ASIDE, "old store", labels=MARKED), "s")
    assert shelf.written == ["call s old store", "call s old"]


def test_a_stack_without_a_connector_is_put_back_too() -> None:
    shelf = (
        Shelf()
        .component("old store", ASIDE, MARKED)
        .stack("old", ASIDE, "old store", labels=MARKED)
    )
    recover(shelf, "s")
    assert shelf.written == ["call s old store", "call s old"]


def test_a_stack_that_lost_its_parts_is_put_back_too() -> None:
    shelf = Shelf().component("builder", "mine", {}, type="image_builder")
    recover(shelf.stack("old", ASIDE, "builder", labels=MARKED), "s")
    assert shelf.written == ["call s old"]


def with_successor(shelf: Shelf) -> Shelf:
    return (
        shelf.link("new link", "s")
        .component("new store", "s", connector="new link")
        .stack("new", "s", "new store")
    )


def test_where_the_successor_stands_the_old_stack_goes_with_its_own_parts() -> None:
    shelf = with_successor(replaced())
    recover(shelf, "s")
    assert shelf.written == ["delete old", "delete old store", "delete old link"]


def test_a_stack_of_that_name_that_kitaru_did_not_make_stays_with_its_parts() -> None:
    for labels in ({}, MANAGED, {ASIDE_LABEL: "s"}):
        for shelf in (unmarked(labels), with_successor(unmarked(labels))):
            recover(shelf, "s")
            assert shelf.written == []


@pytest.mark.parametrize(
    ("labels", "member_of", "goes"),
    [
        (MARKED, None, True),
        (MANAGED, None, False),
        ({**MANAGED, ASIDE_LABEL: "another"}, None, False),
        ({ASIDE_LABEL: "s"}, None, False),
        ({}, None, False),
        (MARKED, "another", False),
        ({}, "another", False),
    ],
)
@pytest.mark.parametrize("type", ["orchestrator", "artifact_store", "container_registry"])
@pytest.mark.parametrize("stands", [True, False], ids=["successor", "no successor"])
def test_of_parts_that_were_set_aside_only_kitarus_go_that_no_stack_holds(
    labels: dict[str, str], member_of: str | None, goes: bool, type: str, stands: bool
) -> None:
    shelf = Shelf().component("old part", ASIDE, labels, type=type)
    if member_of:
        shelf.stack("theirs", member_of, "old part")
    recover(with_successor(shelf) if stands else shelf, "s")
    kept = ["label old part"] if labels == MARKED else []
    assert shelf.written == (["delete old part"] if goes else kept)


def test_a_part_of_a_type_that_no_description_has_is_left_alone() -> None:
    shelf = with_successor(Shelf().component("builder", ASIDE, MARKED, type="image_builder"))
    recover(shelf.component("old part", ASIDE, MARKED), "s")
    assert shelf.written == ["delete old part"]


@pytest.mark.parametrize(
    ("labels", "used", "goes"),
    [
        (MARKED, False, True),
        (MANAGED, False, False),
        ({}, False, False),
        (MARKED, True, False),
    ],
)
@pytest.mark.parametrize("stands", [True, False], ids=["successor", "no successor"])
def test_of_connectors_that_were_set_aside_only_kitarus_go_that_nothing_uses(
    labels: dict[str, str], used: bool, goes: bool, stands: bool
) -> None:
    shelf = Shelf().link("old link", ASIDE, labels)
    if used:
        shelf.component("their store", "theirs", {}, connector="old link")
    recover(with_successor(shelf) if stands else shelf, "s")
    assert shelf.written == (["delete old link"] if goes else ["label old link"] if used else [])


def exchanging(*, labels: Mapping[str, str] = MARKED) -> Shelf:
    """A stack whose artifact store was set aside for another flavor, and is still its member."""
    return (
        Shelf()
        .link("link", "s")
        .component("old store", ASIDE, labels, connector="link")
        .stack("stack", "s", "old store")
    )


def test_an_exchange_that_was_cut_off_is_taken_back() -> None:
    shelf = exchanging().component("half", "s", connector="link")
    recover(shelf, "s")
    assert shelf.written == ["delete half", "call s old store"]
    bare = exchanging()
    recover(bare, "s")
    assert bare.written == ["call s old store"]
    without_link = Shelf().component("old store", ASIDE, MARKED).stack("stack", "s", "old store")
    recover(without_link, "s")
    assert without_link.written == ["call s old store"]


def test_an_exchange_is_not_taken_back_for_a_part_that_is_not_kitarus() -> None:
    shelf = exchanging(labels={}).component("half", "s")
    recover(shelf, "s")
    assert shelf.written == []


def test_a_half_made_part_that_a_stack_holds_is_not_deleted_for_the_name() -> None:
    shelf = exchanging().component("half", "s").stack("theirs", "theirs", "half")
    with pytest.raises(KitaruError) as error:
        recover(shelf, "s")
    assert "named 's' exists already" in str(error.value)
    assert "half" in {shelf.words[uuid] for uuid in shelf.components}


def test_a_part_that_only_resembles_the_successors_member_is_left_alone() -> None:
    shelf = with_successor(
        Shelf().component("old part", ASIDE, MARKED).stack("t", "theirs", "old part")
    )
    recover(shelf, "s")
    assert shelf.written == ["label old part"]


# -- a request that outlives its sender ------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "is_local_file", "seen", "looks"),
    [
        (None, False, "", 0),
        (STALE_AFTER, False, "", 0),
        (3, True, "", 0),
        (3, False, "aa", 2),
        (3, False, "abcc", 4),
        (3, False, "ab" * 40, 41),
    ],
    ids=["no dead run", "dead for long", "a file", "at rest", "at work", "without an end"],
)
def test_what_a_dead_run_has_asked_a_server_for_is_waited_for(
    age: float | None,
    is_local_file: bool,
    seen: str,
    looks: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf = Shelf(is_local_file=is_local_file)
    run = None if age is None else Unfinished("here", "s", "create", "0123abcd", age=age)
    monkeypatch.setattr(shelf, "note_dead_run", lambda _: setattr(shelf, "dead_run", run))
    asked: list[tuple[str, ...]] = []
    answers = iter(seen)

    def look(_: object, *names: str) -> str:
        asked.append(names)
        return next(answers)

    monkeypatch.setattr(recovery, "take_snapshot", look)
    monkeypatch.setattr(recovery, "_BETWEEN_LOOKS", 0)
    recover(shelf, "s")
    assert asked == [("s", ASIDE, "s-new-0123abcd")] * looks
