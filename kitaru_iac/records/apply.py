"""Carry out the record layer's difference, as one change: all of it, or none.

What is written (`records.change`) goes through a `Writer`, which can take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from kitaru_iac.errors import (
    NotConnectedError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.labels import ORPHANED_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import CutShort, Hold, WorkInterrupted
from kitaru_iac.records.change import ApplyResult, RecordsChange
from kitaru_iac.records.model import Records
from kitaru_iac.records.recovery import CLEAN
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer

__all__ = ["ApplyResult", "done_nevertheless", "execute", "holding", "writing_as_one"]


def holding(stack: str, remedy: str = CLEAN) -> Hold:
    """Hold Ctrl-C and SIGTERM back while the records of a stack are written."""
    return Hold(f"Interrupted again, while the change of stack '{stack}' was being ended", remedy)


@contextmanager
def writing_as_one(
    store: Store,
    current: Records,
    done: str,
    *,
    again: str,
    ended: Callable[[], None] = lambda: None,
    is_done: Callable[[], bool] = lambda: False,
) -> Iterator[Writer]:
    """Write what goes on in the block as one change: all of it, or none.

    Args:
        store: The open store.
        current: The stack that is changed, as it is stored.
        done: What happens to it, as in "was ...": `renamed`.
        again: The remedy: the same command.
        ended: Called when it is known that all is done, or as it was.
        is_done: Looks, where it failed, whether somebody else has done the same meanwhile. Then
            nothing is taken back: it would be theirs.

    Raises:
        AlreadyExistsError: Somebody else has taken a name meanwhile; nothing is left of ours.
        StackChanged: Somebody else has changed the stack; its `left` says what stays.
        AnswerLost: A write was not answered. What is known to be ours is taken back.
        NotConnectedError: The store could not be asked, and nothing is left.
        RegistrationFailed: A write failed. Its `left` says what could not be taken back.
        WorkInterrupted: Ctrl-C or SIGTERM; its `left` says the same. `CutShort`: by a second one.
    """
    stack = current.stack
    with holding(stack, again) as hold:
        writer = Writer(store.gateway, before=hold.check)
        try:
            yield writer
        except CutShort:
            raise
        except BaseException as error:
            if is_done():
                writer.commit()
                ended()
                raise _errors().done_by_another(error, current, done) from error
            left = writer.roll_back()
            if not left and not isinstance(error, NotConnectedError):
                ended()
            raise _errors().not_done(error, current, done, left, again, writer) from error
        writer.commit()
    ended()
    if hold.count:
        raise WorkInterrupted(f"Interrupted when all was done: stack '{stack}' is {done}")


def execute(
    store: Store,
    desired: Records,
    current: Records | None,
    orphans: Records,
    hold: Hold | None = None,
    *,
    stands: Callable[[str], None] = lambda _: None,
) -> ApplyResult:
    """Write the difference between `desired` and `current`.

    Ctrl-C and SIGTERM wait for the single write that is under way; then everything is taken back.
    Once the last one is made they change nothing any more.

    Args:
        store: The open store.
        desired: What should be stored.
        current: What is stored under that name, read with secrets; None where nothing is.
        orphans: Managed parts of that name in no stack.
        hold: What holds them back already; its holder says what came of it when all is done.
        stands: Called with the stack's id when all is written, before what it replaces is deleted.

    Raises:
        AlreadyExistsError: Somebody else registered the name meanwhile; nothing is left of ours.
        StackChanged: Somebody else wrote to the stack at the same time. What this call wrote is
            taken back, but for what somebody else has written since.
        AnswerLost: A write was not answered. What is known to be ours is taken back.
        NotConnectedError: The store did not answer, and nothing is left of ours; or all is written,
            and could not be read back.
        RegistrationFailed: A write failed. Its `left` says what could not be taken back.
        WorkInterrupted: Ctrl-C or SIGTERM. Its `left` says the same.
    """
    if hold is not None:
        return _execute(store, desired, current, orphans, hold, stands)
    with holding(desired.stack) as hold:
        result = _execute(store, desired, current, orphans, hold, stands)
    if hold.count:
        raise done_nevertheless(desired.stack)
    return result


def done_nevertheless(stack: str, *more: str) -> WorkInterrupted:
    """The interrupt that came when all was written."""
    done = " and ".join([f"registered as described{',' if len(more) > 1 else ''}", *more])
    return WorkInterrupted(f"Interrupted when all was done: stack '{stack}' is {done}")


def _execute(
    store: Store,
    desired: Records,
    current: Records | None,
    orphans: Records,
    hold: Hold,
    stands: Callable[[str], None],
) -> ApplyResult:
    store.forget()  # what was found before may be minutes old
    stack = desired.stack
    dead = store.dead_run
    goes_on = current is not None and dead is not None and dead.work == "create"
    work = "create" if current is None or goes_on else "change"
    note = unfinished.begin(store.place, stack, work, took_over=_takes_over(store, orphans))
    change = RecordsChange(
        store, desired, current, orphans, Writer(store.gateway, token=note.token, before=hold.check)
    )
    try:
        result = change.write()
        hold.check()
    except CutShort:
        raise
    except BaseException as error:
        left = change.writer.roll_back()
        if not left and not goes_on and not isinstance(error, NotConnectedError):
            unfinished.end(store.place, stack)
        raise _errors().failure(error, change, left, goes_on=goes_on) from error
    if change.is_in_place:
        try:
            change.require_as_written(result)
        except StackChanged as error:
            left = change.writer.roll_back()
            if not left:
                unfinished.end(store.place, stack)
            raise _errors().failure(error, change, left) from error
    change.writer.commit()
    _take_place(stands, result, change)
    try:
        change.pending_deletes.run(result.deleted, result.kept)
        change.pending_deletes.require_gone()
    except Exception as error:
        raise _errors().old_stays(error, stack, change.pending_deletes.names) from error
    try:
        if not change.is_in_place:  # all of it is new, and others may use it by now
            change.require_as_written(result)
    except StackChanged:
        unfinished.end(store.place, stack)
        raise
    # Where it could not be read back the note stays, so that the same `create` goes on.
    unfinished.end(store.place, stack)
    return result


def _take_place(stands: Callable[[str], None], result: ApplyResult, change: RecordsChange) -> None:
    """Let the stack be active where the one that it replaces is, before that is deleted."""
    stack = change.desired.stack
    try:
        stands(result.id)
    except Exception as error:
        raise RegistrationFailed(
            f"Stack '{stack}' is registered as described, but could not be made active in place of "
            "the old one, which stays",
            left=change.pending_deletes.names,
            why=str(error),
            remedy=f"Make it active with: kitaru stack use {stack}\n"
            "and run the same command again, to remove the old one.",
        ) from error


def _takes_over(store: Store, orphans: Records) -> bool:
    """Whether parts are taken over that a deletion had kept, now or by a run that died of it."""
    labels = [part.labels for part in orphans.components]
    if orphans.connector is not None:
        labels.append(orphans.connector.labels)
    if labels and store.dead_run is not None and store.dead_run.took_over:
        return True
    return any(of_part.get(ORPHANED_LABEL) == "true" for of_part in labels)


def _errors() -> ModuleType:
    """The words for what went wrong, which most runs never need."""
    from kitaru_iac.records import apply_errors

    return apply_errors
