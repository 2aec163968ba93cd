"""The errors of a change that failed, when it was taken back: what is so, as far as it was seen."""

from __future__ import annotations

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.records.change import RecordsChange
from kitaru_iac.records.model import Records
from kitaru_iac.records.read_back import new_since, require_as_read
from kitaru_iac.records.recovery import CLEAN
from kitaru_iac.records.snapshot import how_to_see
from kitaru_iac.records.writer import Writer

__all__ = ["done_by_another", "failure", "not_done", "old_stays", "theirs"]


def done_by_another(error: BaseException, current: Records, done: str) -> BaseException:
    """Give the error for a change that somebody else has done; arguments as `not_done`."""
    if isinstance(error, KeyboardInterrupt):
        return WorkInterrupted(f"Interrupted: stack '{current.stack}' was {done} by somebody else")
    text = str(error.what) if isinstance(error, KitaruError) else type(error).__name__
    return StackChanged(
        f"Stack '{current.stack}' was {done} by somebody else at the same time",
        differs=[text],
        remedy=f"See it with: kitaru stack show {current.id}",
    )


def not_done(
    error: BaseException,
    current: Records,
    done: str,
    left: list[str],
    again: str,
    writer: Writer,
) -> BaseException:
    """Give the error for a change of a stack that is no registration.

    Args:
        error: What was raised.
        current: The stack as it was.
        done: What was to happen to it, as in "was ...".
        left: What could not be taken back.
        again: The remedy: the same command.
        writer: What wrote it, taken back.
    """
    stack, stays, gone = current.stack, theirs(writer), writer.gone
    if isinstance(error, KeyboardInterrupt):
        return WorkInterrupted("Interrupted", left=left, remedy=again)
    if not isinstance(error, Exception):
        return error
    cause = error if isinstance(error, KitaruError) else KitaruError(_text(error))
    why = in_sentences(cause.what, cause.why, stays)
    if isinstance(cause, StackChanged):
        return StackChanged(
            cause.what,
            differs=cause.differs,
            left=left,
            why=stays or None,
            remedy=cause.remedy or again,
        )
    if isinstance(cause, AnswerLost):
        # By its id: nobody knows which name it has.
        remedy = f"See it with: kitaru stack show {current.id}\n{again}"
        return _lost(cause, stack, left, f"being {done}", remedy, stays)
    as_before = "what was found is taken back" if gone else "nothing was changed"
    unchanged = f"Stack '{stack}' was not {done}; {as_before}"
    if not left and isinstance(cause, AlreadyExistsError):
        return AlreadyExistsError(unchanged, why=why, remedy=again)
    if not left and isinstance(cause, NotConnectedError):
        return NotConnectedError(unchanged, where=cause.where, why=why, remedy=again)
    return RegistrationFailed(f"Stack '{stack}' was not {done}", left=left, why=why, remedy=again)


def failure(
    error: BaseException, change: RecordsChange, left: list[str], *, goes_on: bool = False
) -> BaseException:
    """Give the error for a registration that failed.

    Args:
        error: What was raised.
        change: The change, taken back.
        left: What could not be.
        goes_on: Whether it went on with the creation of a run that died.
    """
    as_before = "it is as the run that died left it" if goes_on else "nothing was left behind"
    if change.writer.gone:
        as_before = "what was found of it is taken back"
    stack, kept = change.desired.stack, change.writer.kept
    left = [*left, *kept]
    if isinstance(error, KeyboardInterrupt):
        how = "what was written could not all be taken back" if left else "nothing was changed"
        return WorkInterrupted(f"Interrupted; {how}", left=left, remedy=CLEAN if left else None)
    if not isinstance(error, Exception):
        return error
    cause = error if isinstance(error, KitaruError) else KitaruError(_text(error))
    if kept:
        return _kept(cause, change, left)
    if (seen := _of_a_colleague(cause, change, left)) is not None:
        return _changed(seen, change, left)
    if isinstance(cause, AnswerLost):
        see = f"See what is there with: kitaru stack show {stack}"
        again = "Run the same command again: it starts from what is there."
        stays = theirs(change.writer)
        return _lost(cause, stack, left, "being registered", f"{see}\n{again}", stays)
    if not left and _is_taken(cause, change):
        if change.is_in_place:
            return _changed(cause, change, left)
        see = f"See it with: kitaru stack show {stack}"
        if twin := _twin(change.writer):
            what = f"Stack '{stack}' exists already, exactly as this command was to make it"
            why = in_sentences(cause.what, twin)
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
            why=in_sentences(cause.why or cause.what, theirs(change.writer)),
            remedy="The same command can be run again.",
        )
        unanswered.has_answered = cause.has_answered
        return unanswered
    return RegistrationFailed(
        f"Registering stack '{stack}' failed" + ("" if left else f"; {as_before}"),
        left=left,
        why=in_sentences(cause.what, cause.why, theirs(change.writer)),
        remedy="The same command can be run again."
        if not left
        else "Run the same command again: it takes over what is there.",
    )


def old_stays(error: Exception, stack: str, left: list[str]) -> KitaruError:
    """Give the error for a stack that stands, and of whose old parts `left` could not be deleted.

    With nothing in `left` a server has said of all that it is deleted, and nobody could look.
    """
    if left or not isinstance(error, KitaruError):
        return RegistrationFailed(
            f"Stack '{stack}' is registered as described, but a part of the old one stays",
            left=left,
            why=str(error),
            remedy="Run the same command again to remove it.",
        )
    return AnswerLost(
        f"Stack '{stack}' is registered as described, and what it replaces was deleted, as the "
        "server said, but could not be looked at again",
        where=error.where,
        why=in_sentences(error.what, error.why),
        remedy="Run the same command again: it removes what may have stayed.",
    )


def _kept(cause: KitaruError, change: RecordsChange, left: list[str]) -> StackChanged:
    """Something that was created stays: somebody else has changed it, or uses it."""
    stack, kept = change.desired.stack, change.writer.kept
    why = in_sentences(cause.what, cause.why)
    differs = [
        f"{part}: it is used by {', '.join(users)}"
        if users
        else f"{part}: it is not as this command wrote it"
        for part, users in kept.items()
    ]
    stays = next((part for part in kept if part.startswith("stack ")), None)
    if stays is not None:
        return StackChanged(
            f"Stack '{stack}' was being registered, and somebody else has changed it; it stays",
            differs=differs,
            left=left,
            why=why,
            remedy=f"{how_to_see(change.store.gateway, stays.removeprefix('stack '))}\n"
            "Go on from what is there now with: kitaru stack apply",
        )
    return StackChanged(
        f"Registering stack '{stack}' failed; what somebody else has changed or uses of it stays",
        differs=differs,
        left=left,
        why=why,
        remedy="While others use those parts, register the stack under another name. "
        "When they are free, run the same command again.",
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
    if taken_back and change.writer.gone:
        taken_back = "; what was found of this command is taken back"
    differs = cause.differs if isinstance(cause, StackChanged) else (cause.what,)
    return StackChanged(
        f"Stack '{stack}' was changed by somebody else at the same time{taken_back}",
        differs=differs,
        left=left,
        why=in_sentences(theirs(change.writer), _twin(change.writer)) or None,
        remedy=f"{how_to_see(change.store.gateway, stack)}\n"
        "Run the same command again: it starts from what is there now.",
    )


def theirs(writer: Writer) -> str:
    """Say what was not taken back: somebody else has written it since, or it was not found."""
    stays, gone = ", ".join(writer.theirs), ", ".join(writer.gone)
    return in_sentences(
        f"What somebody else has written since stays: {stays}." if stays else None,
        f"Not found any more when it was to be taken back: {gone}." if gone else None,
    )


def _twin(writer: Writer) -> str:
    """What is to be known where something stands there exactly as this run was to make it."""
    if not writer.has_twin:
        return ""
    return (
        "What is there may be a colleague's. If nobody else made it, the request was carried out "
        "twice on its way, and it is yours: `kitaru stack apply` goes on with it."
    )


def _lost(
    cause: AnswerLost, stack: str, left: list[str], doing: str, remedy: str, stays: str
) -> AnswerLost:
    how = "" if left or stays else "; what had been written was looked up and taken back"
    return AnswerLost(
        f"The server gave no answer while stack '{stack}' was {doing}{how}",
        left=left,
        where=cause.where,
        why=in_sentences(cause.why or cause.what, stays),
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
