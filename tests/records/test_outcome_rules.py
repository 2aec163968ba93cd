"""What is said of a change that failed, or that somebody else has changed since: word for word."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotConnectedError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine.interrupts import CutShort, WorkInterrupted
from kitaru_iac.records import apply, change
from kitaru_iac.records.apply_errors import not_done
from kitaru_iac.records.model import Records

if TYPE_CHECKING:
    from collections.abc import Iterator

CURRENT = Records("s", "custom", (), id="stack-id")
AGAIN, LEFT = "Run it again.", ["stack s"]
THEIRS = "What somebody else has written since stays: stack s."
GONE = "Not found any more when it was to be taken back: stack s."
SHOW = f"See it with: kitaru stack show stack-id\n{AGAIN}"


def parts(error: BaseException) -> dict[str, Any]:
    """The fields of an error that it has been given."""
    names = ("what", "why", "remedy", "where", "left", "differs")
    found = {name: getattr(error, name, None) for name in names}
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize(
    ("error", "left", "stays", "kind", "told"),
    [
        (KeyboardInterrupt(), [], "", WorkInterrupted, {"what": "Interrupted", "remedy": AGAIN}),
        (
            KeyboardInterrupt(), LEFT, "", WorkInterrupted,
            {"what": "Interrupted", "remedy": AGAIN, "left": ("stack s",)},
        ),
        (
            StackChanged("It is otherwise", differs=["a"], remedy="Look."), LEFT, THEIRS,
            StackChanged,
            {"what": "It is otherwise", "why": THEIRS, "remedy": "Look.", "left": ("stack s",),
             "differs": ("a",)},
        ),
        (
            StackChanged("It is otherwise", differs=["a"]), [], "", StackChanged,
            {"what": "It is otherwise", "remedy": AGAIN, "differs": ("a",)},
        ),
        (
            AnswerLost("No answer", where="https://z", why="cut off"), LEFT, THEIRS, AnswerLost,
            {"what": "The server gave no answer while stack 's' was being renamed",
             "why": f"cut off. {THEIRS}", "remedy": SHOW, "where": "https://z",
             "left": ("stack s",)},
        ),
        (
            AnswerLost("No answer"), [], GONE, AnswerLost,
            {"what": "The server gave no answer while stack 's' was being renamed",
             "why": f"No answer. {GONE}", "remedy": SHOW},
        ),
        (
            NotConnectedError("Away"), [], GONE, NotConnectedError,
            {"what": "Stack 's' was not renamed; what was found is taken back",
             "why": f"Away. {GONE}", "remedy": AGAIN},
        ),
        (
            AnswerLost("No answer"), [], "", AnswerLost,
            {"what": "The server gave no answer while stack 's' was being renamed; what had been "
                     "written was looked up and taken back", "why": "No answer", "remedy": SHOW},
        ),
        (
            AlreadyExistsError("Taken", why="by you"), [], "", AlreadyExistsError,
            {"what": "Stack 's' was not renamed; nothing was changed", "why": "Taken. by you",
             "remedy": AGAIN},
        ),
        (
            NotConnectedError("Away", where="https://z"), [], "", NotConnectedError,
            {"what": "Stack 's' was not renamed; nothing was changed", "why": "Away",
             "where": "https://z", "remedy": AGAIN},
        ),
        *(
            (error, LEFT, THEIRS, RegistrationFailed,
             {"what": "Stack 's' was not renamed", "why": f"{why}. {THEIRS}", "remedy": AGAIN,
              "left": ("stack s",)})
            for error, why in (
                (AlreadyExistsError("Taken"), "Taken"),
                (NotConnectedError("Away"), "Away"),
                (KitaruError("No", why="so"), "No. so"),
                (ValueError("x"), "ValueError: x"),
            )
        ),
        (
            KitaruError("No"), [], "", RegistrationFailed,
            {"what": "Stack 's' was not renamed", "why": "No", "remedy": AGAIN},
        ),
    ],
)  # fmt: skip
def test_what_a_write_that_failed_has_left_is_told(
    error: BaseException, left: list[str], stays: str, kind: type, told: dict[str, Any]
) -> None:
    named = ("stack s",)
    writer: Any = Writing(left, named if stays == THEIRS else (), named if stays == GONE else ())
    found = not_done(error, CURRENT, "renamed", left, AGAIN, writer)
    assert type(found) is kind
    assert {key: tuple(v) if isinstance(v, list) else v for key, v in parts(found).items()} == told


def test_what_ends_the_process_is_passed_on() -> None:
    end = SystemExit(3)
    writer: Any = Writing(LEFT)
    assert not_done(end, CURRENT, "renamed", LEFT, AGAIN, writer) is end


class Hold:
    count = 0

    def check(self) -> None: ...


class Writing:
    """A writer, of which something is left or not."""

    def __init__(
        self, left: list[str], theirs: tuple[str, ...] = (), gone: tuple[str, ...] = ()
    ) -> None:
        self.left, self.theirs, self.gone, self.calls = left, theirs, gone, list[str]()

    def roll_back(self) -> list[str]:
        self.calls.append("roll back")
        return self.left

    def commit(self) -> None:
        self.calls.append("commit")


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a writer where `writing_as_one` makes its own."""

    def begin(left: list[str], interrupted: int = 0) -> Writing:
        writer, hold = Writing(left), Hold()
        hold.count = interrupted

        @contextmanager
        def holding(stack: str, again: str) -> Iterator[Hold]:
            assert (stack, again) == ("s", AGAIN)
            yield hold

        monkeypatch.setattr(apply, "holding", holding)
        monkeypatch.setattr(apply, "Writer", lambda gateway, before: writer)
        return writer

    return begin


STORE: Any = SimpleNamespace(gateway=None)


def renaming(writer: Writing) -> AbstractContextManager[Any]:
    """Rename as one; that it has ended is noted among the calls of the writer."""

    def ended() -> None:
        writer.calls.append("ended")

    return apply.writing_as_one(STORE, CURRENT, "renamed", again=AGAIN, ended=ended)


@pytest.mark.parametrize(
    ("error", "left", "calls", "kind"),
    [
        (None, [], ["commit", "ended"], None),
        (KitaruError("no"), [], ["roll back", "ended"], RegistrationFailed),
        # Something is left: the note of the run stays, and the next one begins with it.
        (KitaruError("no"), LEFT, ["roll back"], RegistrationFailed),
        (KeyboardInterrupt(), [], ["roll back", "ended"], WorkInterrupted),
        # Nobody knows what a server has that does not answer.
        (NotConnectedError("away"), [], ["roll back"], NotConnectedError),
        (NotConnectedError("away"), LEFT, ["roll back"], RegistrationFailed),
        (CutShort("again"), [], [], CutShort),
    ],
)
def test_a_run_has_ended_only_where_nothing_of_it_may_be_left(
    writing: Any, error: BaseException | None, left: list[str], calls: list[str], kind: Any
) -> None:
    writer = writing(left)
    if error is None:
        with renaming(writer) as given:
            assert given is writer
    else:
        with pytest.raises(kind) as raised, renaming(writer):
            raise error
        assert type(raised.value) is kind
    assert writer.calls == calls


def test_who_interrupted_a_run_that_was_done_is_told_so(writing: Any) -> None:
    writer = writing([], interrupted=1)
    with (
        pytest.raises(WorkInterrupted) as raised,
        renaming(writer),
    ):
        pass
    assert str(raised.value) == "Interrupted when all was done: stack 's' is renamed"
    assert writer.calls == ["commit", "ended"]


# -- what was written is read back -----------------------------------------------------------------


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("found", [(), ("labels.x is 'a'",)])
def test_what_was_written_is_read_back_from_a_server(
    monkeypatch: pytest.MonkeyPatch, found: tuple[str, ...], *, is_local: bool, is_new: bool
) -> None:
    registered = SimpleNamespace(id="new") if is_new else None
    asked: list[tuple[Any, ...]] = []

    def compared(*what: Any) -> tuple[str, ...]:
        asked.append(what)
        return found

    store = SimpleNamespace(is_local=is_local, gateway="gateway")
    run: Any = SimpleNamespace(
        store=store, desired=CURRENT, registered=registered, connector="link"
    )
    monkeypatch.setattr(change, "differences_of_new" if is_new else "differences", compared)
    monkeypatch.setattr(change, "how_to_see", lambda gateway, stack: f"see {stack} at {gateway}")
    result: Any = SimpleNamespace(id="stack-id")
    if not found or is_local:
        change.RecordsChange.require_as_written(run, result)
    else:
        with pytest.raises(StackChanged) as raised:
            change.RecordsChange.require_as_written(run, result)
        assert parts(raised.value) == {
            "what": "Stack 's' was registered as described, and changed by somebody else since",
            "differs": raised.value.differs,
            "remedy": "see s at gateway\nChange it back with: kitaru stack apply",
        }
        assert tuple(raised.value.differs) == found
    third = registered if is_new else "stack-id"
    assert asked == ([] if is_local else [(store, CURRENT, third, "link")])


def test_what_cannot_be_read_back_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise NotConnectedError("Away", where="https://z", why="no route")

    monkeypatch.setattr(change, "differences", away)
    store = SimpleNamespace(is_local=False, gateway=None)
    run: Any = SimpleNamespace(store=store, desired=CURRENT, registered=None, connector=None)
    result: Any = SimpleNamespace(id="stack-id")
    with pytest.raises(NotConnectedError) as raised:
        change.RecordsChange.require_as_written(run, result)
    assert parts(raised.value) == {
        "what": "Stack 's' is written as described, but could not be read back",
        "where": "https://z",
        "why": "Away. no route",
        "remedy": "Run the same command again: it sees what somebody else may have changed.",
    }
