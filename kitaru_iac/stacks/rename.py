"""Give a stack another name, with the parts that carry its name.

Whether a part is a stack's own, its name tells: so they are renamed too, and the stack last, in the
one write that also brings the record of what was applied up to date. First the stack gets a label
with the new name. What a process leaves that died before the last write is a stack of the old name
with that label and parts of the new name: the same command goes on, and every other one refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import require_wanted
from kitaru_iac.errors import (
    ProtectedStackError,
    StackChanged,
    StackNotManaged,
    UsageError,
)
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.labels import (
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    RENAMING_LABEL,
    is_managed,
)
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.records.model import Records, stored_id
from kitaru_iac.records.owner import require_changeable
from kitaru_iac.stacks.names import require_new_name
from kitaru_iac.stacks.renaming import Renamed, require_free, with_old_name, write_names

if TYPE_CHECKING:
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.records.stored import Store

__all__ = ["Renamed", "rename", "require_renamable"]


def rename(ref: str, new: str) -> Renamed:
    """Rename a stack, its own components and its own connector.

    It keeps its id, and so stays the active stack where it is. Which source it was applied from is
    forgotten: no file describes it under the new name yet, and ``--prune`` would delete it.

    Args:
        ref: The stack's name, id, or the beginning of its id.
        new: Its name from now on.

    Raises:
        UsageError: That cannot be a stack's name, or is its name.
        StackNotFound: There is no such stack.
        AlreadyExistsError: A stack, component or connector of that name is there.
        ProtectedStackError: It is the default stack or a Pulumi program's, or its infrastructure
            was provisioned.
        StackChanged: Somebody else changed it meanwhile; what was written is taken back.
        StackNotManaged: Kitaru did not make it.
        AnswerLost: A write was not answered; what is known to be done is taken back.
        RegistrationFailed: A write failed; its `left` says what could not be taken back.
    """
    from kitaru_iac.records.stored import Store

    require_new_name(new)
    begun = False

    def begin() -> None:
        nonlocal begun
        require_wanted()
        begun = True

    try:
        return _find_and_rename(Store.open(), ref, new, begin)
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        if begun:
            raise
        what = f"Interrupted before stack '{ref}' was renamed; nothing was changed"
        raise WorkInterrupted(what) from pressed


def _find_and_rename(store: Store, ref: str, new: str, begin: Callable[[], None]) -> Renamed:
    from kitaru_iac.stacks.mending import Mending

    found = store.find(ref) or _set_aside(store, ref)
    if found is None or ref != found.name == new:
        old = ref if found is None else _was_called(store, found)
        done = _done_before(store, old, new, begin) if old is not None else None
        if done is not None:
            return done
        if found is None:
            raise store.not_found(ref)
    with sole_writer(found.name, new):
        mending = Mending(store, found.name)
        before, current = _looked_at(mending.store, found, new)
        begin()
        with mending.told():
            if mending.repair is not None:
                before, current = _looked_at(mending.mend(), found, new)
            done = write_names(mending.store, before, current, new)
        return replace(done, warnings=(*mending.said(), *done.warnings))


def _set_aside(store: Store, name: str) -> StackDoc | None:
    """The stack that gets this name back, where a run that died had set it aside."""
    from kitaru_iac.records.stored import Store
    from kitaru_iac.stacks.mending import Mending

    with sole_writer(name):
        return Mending(Store(store.gateway), name).store.stack_named(name)


def _looked_at(store: Store, found: StackDoc, new: str) -> tuple[Records, Records]:
    """The stack as it was before a renaming of it that died, and as it is; refuses the renaming."""
    store.look(found.name, new)
    again = store.find(found.id, exact=True)
    if again is None or again.name != found.name:
        raise StackChanged(
            f"Stack '{found.name}' was changed by somebody else meanwhile",
            differs=["it is gone" if again is None else f"it is called '{again.name}'"],
            remedy="See the stacks there are: kitaru stack list",
        )
    current = store.records_of(again)
    _require_renamable(current, new)
    half = current.labels.get(RENAMING_LABEL)
    began = half is not None or _began(store, new)
    before = with_old_name(current, half or new, began=began)
    require_free(store, before, current, new)
    return before, current


def _was_called(store: Store, found: StackDoc) -> str | None:
    """The name that a run which died has taken from this stack, for the one that it has."""
    for note in unfinished.every(store.place):
        if note.new_name == found.name and note.stack_id == found.id:
            return note.stack
    return None


def _done_before(store: Store, old: str, new: str, begin: Callable[[], None]) -> Renamed | None:
    """What the same command had done to the stack's own name when it was killed, or not answered.

    Its parts have the new name too, unless the server did the last write when nobody waited for it
    any more, and the parts had got their old names back. Then they get the new one.
    """
    with sole_writer(old, new):
        store.look(old, new)
        store.note_dead_run(old)
        note = store.dead_run
        if note is None or note.new_name != new:
            return None
        found = store.stack_named(new)
        if found is None or note.stack_id not in (None, found.id):
            return None
        current = store.records_of(found)
        before = with_old_name(replace(current, stack=old), new, began=True)
        require_free(store, before, current, new)
        begin()
        return write_names(store, before, current, new)


def _began(store: Store, new: str) -> bool:
    return store.dead_run is not None and store.dead_run.new_name == new


def require_renamable(ref: str, new: str) -> None:
    """Refuse what `rename` would refuse of a stack, before anybody is asked.

    Args:
        ref: The stack's name or id; nothing is said of one that is gone.
        new: The name that it is to have.

    Raises:
        ProtectedStackError: It is the default stack, a Pulumi program's, or one that something was
            provisioned for.
        StackNotManaged: Kitaru did not make it.
        UsageError: It is called so already.
        NotConnectedError: No store answers.
    """
    from kitaru_iac.records.stored import Store

    store = Store.open()
    found = store.find(ref)
    if found is not None:
        _require_renamable(store.records_of(found), new)


def _require_renamable(current: Records, new: str) -> None:
    name = current.stack
    if name == DEFAULT_STACK:
        raise ProtectedStackError("The default stack is ZenML's own, and keeps its name")
    if name == new:
        raise UsageError(f"Stack '{name}' is called so already", where="NEW")
    whole = {key: text for key, text in current.labels.items() if key != RENAMING_LABEL}
    require_changeable(replace(current, labels=whole), None)
    if not is_managed(current.labels):
        raise StackNotManaged(
            f"Kitaru did not make stack '{name}'; nothing was renamed",
            stack=stored_id(current),
            why=f"It has no label {MANAGED_LABEL}.",
            remedy=f"Take it under management first: kitaru stack adopt {current.id}\n"
            f"or rename it alone: zenml stack rename {current.id} {new}",
        )
    if any(key.startswith(DEPLOYMENT_LABELS) for key in current.labels):
        raise ProtectedStackError(
            f"Stack '{name}' keeps its name: its infrastructure was provisioned under it",
            why="What was made in the cloud, its tags and its state carry the name, and cannot get "
            "another one without being made anew.",
            remedy="Make another stack for the same infrastructure: "
            f"kitaru stack copy {name} {new}",
        )
