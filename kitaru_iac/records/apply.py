"""Carry out the record layer's difference, as one change: all of it, or none.

What is written (`records.change`) goes through a `Writer`, which can take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import ORPHANED_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import CutShort, Hold, WorkInterrupted
from kitaru_iac.records.change import ApplyResult, RecordsChange
from kitaru_iac.records.model import Records
from kitaru_iac.records.read_back import new_since, require_as_read
from kitaru_iac.records.recovery import CLEAN
from kitaru_iac.records.snapshot import how_to_see
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
                raise _done_by_another(error, current, done) from error
            left = writer.roll_back()
            if not left and not isinstance(error, NotConnectedError):
                ended()
            raise _not_done(error, current, done, left, again, _theirs(writer)) from error
        writer.commit()
    ended()
    if hold.count:
        raise WorkInterrupted(f"Interrupted when all was done: stack '{stack}' is {done}")


def _done_by_another(error: BaseException, current: Records, done: str) -> BaseException:
    if isinstance(error, KeyboardInterrupt):
        return WorkInterrupted(f"Interrupted: stack '{current.stack}' was {done} by somebody else")
    text = str(error.what) if isinstance(error, KitaruError) else type(error).__name__
    return StackChanged(
        f"Stack '{current.stack}' was {done} by somebody else at the same time",
        differs=[text],
        remedy=f"See it with: kitaru stack show {current.id}",
    )


def _not_done(
    error: BaseException, current: Records, done: str, left: list[str], again: str, theirs: str
) -> BaseException:
    stack = current.stack
    if isinstance(error, KeyboardInterrupt):
        return WorkInterrupted("Interrupted", left=left, remedy=again)
    if not isinstance(error, Exception):
        return error
    cause = error if isinstance(error, KitaruError) else KitaruError(_text(error))
    why = " ".join(part for part in (cause.what, cause.why, theirs) if part)
    if isinstance(cause, StackChanged):
        return StackChanged(
            cause.what,
            differs=cause.differs,
            left=left,
            why=theirs or None,
            remedy=cause.remedy or again,
        )
    if isinstance(cause, AnswerLost):
        # By its id: nobody knows which name it has.
        remedy = f"See it with: kitaru stack show {current.id}\n{again}"
        return _lost(cause, stack, left, f"being {done}", remedy)
    unchanged = f"Stack '{stack}' was not {done}; nothing was changed"
    if not left and isinstance(cause, AlreadyExistsError):
        return AlreadyExistsError(unchanged, why=why, remedy=again)
    if not left and isinstance(cause, NotConnectedError):
        return NotConnectedError(unchanged, where=cause.where, why=why, remedy=again)
    return RegistrationFailed(f"Stack '{stack}' was not {done}", left=left, why=why, remedy=again)


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
        raise _failure(error, change, left, goes_on=goes_on) from error
    if change.is_in_place:
        try:
            change.require_as_written(result)
        except StackChanged as error:
            left = change.writer.roll_back()
            if not left:
                unfinished.end(store.place, stack)
            raise _failure(error, change, left) from error
    change.writer.commit()
    _take_place(stands, result, change)
    try:
        change.pending_deletes.run(result.deleted, result.kept)
    except Exception as error:
        raise RegistrationFailed(
            f"Stack '{stack}' is registered as described, but a part of the old one stays",
            left=change.pending_deletes.names,
            why=str(error),
            remedy="Run the same command again to remove it.",
        ) from error
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


def _failure(
    error: BaseException, change: RecordsChange, left: list[str], *, goes_on: bool = False
) -> BaseException:
    """The error for a change that failed; `goes_on`: with a creation of a run that died."""
    as_before = "it is as the run that died left it" if goes_on else "nothing was left behind"
    stack, kept = change.desired.stack, change.writer.kept
    left = [*left, *kept]
    if isinstance(error, KeyboardInterrupt):
        how = "what was written could not all be taken back" if left else "nothing was changed"
        return WorkInterrupted(f"Interrupted; {how}", left=left, remedy=CLEAN if left else None)
    if not isinstance(error, Exception):
        return error
    cause = error if isinstance(error, KitaruError) else KitaruError(_text(error))
    if kept:
        return StackChanged(
            f"Stack '{stack}' was being registered, and somebody else has changed it; it stays",
            differs=[cause.what],
            left=left,
            why=cause.why,
            remedy=f"{how_to_see(change.store.gateway, stack)}\n"
            "Go on from what is there now with: kitaru stack apply",
        )
    if (theirs := _of_a_colleague(cause, change, left)) is not None:
        return _changed(theirs, change, left)
    if isinstance(cause, AnswerLost):
        see = f"See what is there with: kitaru stack show {stack}"
        again = "Run the same command again: it starts from what is there."
        return _lost(cause, stack, left, "being registered", f"{see}\n{again}")
    if not left and _is_taken(cause, change):
        if change.is_in_place:
            return _changed(cause, change, left)
        see = f"See it with: kitaru stack show {stack}"
        if twin := _twin(change.writer):
            what = f"Stack '{stack}' exists already, exactly as this command was to make it"
            why = f"{cause.what.rstrip('.')}. {twin}"
            return AlreadyExistsError(what, why=why, remedy=see)
        return AlreadyExistsError(
            f"Stack '{stack}' exists already: somebody else registered it at the same moment",
            why=cause.what,
            remedy=see,
        )
    if not left and isinstance(cause, NotConnectedError):
        failed = "failed" if cause.has_answered else "did not answer"
        unanswered = NotConnectedError(
            f"The store {failed} while stack '{stack}' was being registered; {as_before}",
            where=cause.where,
            why=" ".join(
                part for part in (cause.why or cause.what, _theirs(change.writer)) if part
            ),
            remedy="The same command can be run again.",
        )
        unanswered.has_answered = cause.has_answered
        return unanswered
    return RegistrationFailed(
        f"Registering stack '{stack}' failed" + ("" if left else f"; {as_before}"),
        left=left,
        why=" ".join(part for part in (cause.what, cause.why, _theirs(change.writer)) if part),
        remedy="The same command can be run again."
        if not left
        else "Run the same command again: it takes over what is there.",
    )


def _of_a_colleague(
    cause: KitaruError, change: RecordsChange, left: list[str]
) -> KitaruError | None:
    """What somebody else did meanwhile, as far as it is seen; None where that is nothing.

    It has deleted what was there, or has a name that was free.
    """
    if isinstance(cause, StackChanged):
        return cause
    if change.store.is_local:
        return None
    if isinstance(cause, NotFoundError):
        return cause if left else _seen(cause, change)
    # With nothing left that is said as in a creation: the name is taken.
    is_theirs = isinstance(cause, AlreadyExistsError) and left and _is_taken(cause, change)
    return cause if is_theirs else None


def _seen(cause: KitaruError, change: RecordsChange) -> KitaruError | None:
    """What is otherwise than it was read, now that all was taken back; None where nothing is."""
    store, current, orphans = change.store, change.current, change.orphans
    try:
        if current is not None:
            require_as_read(store, current, connector=True)
        found = new_since(orphans, store.components_named(change.desired.stack))
    except StackChanged as changed:
        return changed
    except KitaruError:
        return cause
    return StackChanged(cause.what, differs=found) if found else None


def _changed(cause: KitaruError, change: RecordsChange, left: list[str]) -> StackChanged:
    stack = change.desired.stack
    taken_back = "" if left else "; nothing of this command is left"
    differs = cause.differs if isinstance(cause, StackChanged) else (cause.what,)
    return StackChanged(
        f"Stack '{stack}' was changed by somebody else at the same time{taken_back}",
        differs=differs,
        left=left,
        why=" ".join(filter(None, [_theirs(change.writer), _twin(change.writer)])) or None,
        remedy=f"{how_to_see(change.store.gateway, stack)}\n"
        "Run the same command again: it starts from what is there now.",
    )


def _theirs(writer: Writer) -> str:
    """What was not taken back, for somebody else has written it since."""
    found = ", ".join(writer.theirs)
    return f"What somebody else has written since stays: {found}." if found else ""


def _twin(writer: Writer) -> str:
    """What is to be known where something stands there exactly as this run was to make it."""
    if not writer.has_twin:
        return ""
    return (
        "What is there may be a colleague's. If nobody else made it, the request was carried out "
        "twice on its way, and it is yours: `kitaru stack apply` goes on with it."
    )


def _lost(cause: AnswerLost, stack: str, left: list[str], doing: str, remedy: str) -> AnswerLost:
    how = "" if left else "; what had been written was looked up and taken back"
    return AnswerLost(
        f"The server gave no answer while stack '{stack}' was {doing}{how}",
        left=left,
        where=cause.where,
        why=cause.why or cause.what,
        remedy=remedy,
    )


def _is_taken(cause: KitaruError, change: RecordsChange) -> bool:
    """Whether a store's failure means that somebody else has taken the name meanwhile.

    A database may say so with an error of its own, which a server passes on as a failure. And it is
    looked at where the store says so.
    """
    if change.writer.has_twin:
        return True
    if isinstance(cause, NotAllowedError):
        return False
    if isinstance(cause, NotConnectedError) and not cause.has_answered:
        return False
    try:
        return change.is_taken()
    except KitaruError:
        return isinstance(cause, AlreadyExistsError)


def _text(error: Exception) -> str:
    """An error that no gateway raises."""
    return f"{type(error).__name__}: {error}"
