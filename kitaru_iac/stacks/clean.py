"""Find and remove what dead runs left in a store: of each stack, under the lock of its name.

What a run leaves has a name that nothing else has (`records.names`), or is noted on this machine
(`machine.unfinished`), or is a secret that no connector refers to. All else is left alone: what is
not managed, what a live run may be making, and what a plain ``delete`` has kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from kitaru_iac.connection.activation import take_place
from kitaru_iac.errors import KitaruError, NotAllowedError, RegistrationFailed, StackChanged
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.documents import ComponentDoc, ConnectorDoc, StackDoc, Where
from kitaru_iac.gateway.secret_names import secret_part
from kitaru_iac.labels import APPLIED_LABEL, ASIDE_LABEL, ORPHANED_LABEL, RENAMING_LABEL, is_managed
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.machine.locks import writer_if_free
from kitaru_iac.plan.model import Kept
from kitaru_iac.records.aside import is_left_by_earlier
from kitaru_iac.records.model import REMOVED_WITH_STACK, stored_id
from kitaru_iac.records.names import REPLACED, final_name, replaced_by_mark
from kitaru_iac.records.recovery import recover, rehearse
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer
from kitaru_iac.stacks.results import Cleaned, Leftover, Orphan
from kitaru_iac.values import dataclass, replace

__all__ = ["clean"]

_Doc = StackDoc | ComponentDoc | ConnectorDoc


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of one stack: leftovers, what stays for now, and a change that was cut off."""

    stack: str
    leftovers: tuple[Leftover, ...]
    kept: tuple[Kept, ...]
    cut_off: Kept | None = None


def clean(store: Store, confirm: Callable[[tuple[Leftover, ...]], bool] | None = None) -> Cleaned:
    """Remove what dead runs left.

    Args:
        store: The open store.
        confirm: Asked with what was found, if anything, before it is removed; False stops. Nothing
            is locked meanwhile, and everything is looked at again.

    Returns:
        What was removed or put back, and the orphans, which stay.

    Raises:
        RegistrationFailed: Something could not be removed; its `left` says what.
        WorkInterrupted: Ctrl-C; its `left` says what is still there.
    """
    survey = _survey(store)
    found = tuple(item for name in sorted(survey) for item in _look(store, name, survey).leftovers)
    if found and confirm is not None and not confirm(found):
        return Cleaned((), (), (), declined=True)
    return replace(_remove(store), orphans=tuple(_orphans(store)))


def _remove(store: Store) -> Cleaned:
    survey = _survey(store)
    removed: list[Leftover] = []
    restored: list[Leftover] = []
    kept: list[Kept] = []
    failed: list[tuple[str, KitaruError]] = []
    with Hold("Interrupted again, while leftovers were being removed", _AGAIN) as hold:
        for name in sorted(survey):
            found = _look(store, name, survey)
            kept += found.kept
            if found.kept and not found.leftovers:
                continue
            if hold.count:
                left = [f"{item.kind} {item.name}" for item in found.leftovers]
                raise WorkInterrupted(
                    f"Interrupted; {len(removed)} leftovers were removed", left=left, remedy=_AGAIN
                )
            try:
                if (used := _settle(store, name)) is not None:
                    kept += [*([found.cut_off] if found.cut_off else []), *used]
                    theirs = {(item.kind, item.name) for item in used}
                    there = _still_there(store, survey[name])
                    for item in found.leftovers:
                        if (item.kind, item.name) in theirs:
                            continue
                        name_now = there.get((item.kind, item.name))
                        if name_now is None:
                            removed.append(item)
                        elif name_now == item.name:
                            kept.append(Kept(item.kind, item.name, "it is still used"))
                        else:
                            restored.append(item)
            except KitaruError as error:
                failed.append((name, error))
    if failed:
        raise RegistrationFailed(
            "Not all that dead runs left could be removed",
            left=[f"parts of stack {name}" for name, _ in failed],
            why=_why(failed[0][1]),
            remedy="\n".join(filter(None, [failed[0][1].remedy, _AGAIN])),
        )
    if hold.count:
        raise WorkInterrupted("Interrupted when all that dead runs left was removed")
    return Cleaned(tuple(removed), tuple(restored), tuple(kept), declined=False)


def _why(error: KitaruError) -> str:
    differs = ", ".join(error.differs) if isinstance(error, StackChanged) else None
    return in_sentences(error.what, differs, error.why)


_AGAIN = "Remove the rest with: kitaru stack clean"


def _still_there(store: Store, found: list[tuple[str, _Doc]]) -> dict[tuple[str, str], str]:
    """The kinds and names of parts that are there still, with the names that they have now."""
    if not found:
        return {}
    where = Where(ids=tuple(doc.id for _, doc in found))
    gateway = store.gateway
    docs: list[_Doc] = [
        *gateway.stacks(where),
        *gateway.components(where),
        *gateway.connectors(where),
    ]
    there = {doc.id: doc.name for doc in docs}
    return {(kind, doc.name): there[doc.id] for kind, doc in found if doc.id in there}


# -- looking ---------------------------------------------------------------------------------------


def _orphans(store: Store) -> Iterable[Orphan]:
    """Parts with Kitaru's label that are in no stack, under a name that they keep."""
    components = store.gateway.components(Where())
    links = store.gateway.connectors(Where())
    # The last: what was registered meanwhile holds its parts.
    stacks = store.gateway.stacks(Where())
    names = {stack.name: is_managed(stack.labels) for stack in stacks}
    held = {doc.id for doc in components if any(stack.holds(doc.id) for stack in stacks)}
    used = {doc.connector_id for doc in components if doc.id in held or not _is_part(doc)}
    found: list[tuple[str, ComponentDoc | ConnectorDoc]] = [
        *((doc.type, doc) for doc in components if _is_part(doc) and doc.id not in held),
        *(("service_connector", doc) for doc in links if _is_part(doc) and doc.id not in used),
    ]
    for stack in stacks:
        if is_left_by_earlier(stack) and ASIDE_LABEL not in stack.labels:
            yield _left_by_earlier(stack, is_alone=stack.name.removesuffix(REPLACED) not in names)
    at_work = {name for name in {doc.name for _, doc in found} if not _is_free(name)}
    for kind, doc in found:
        wait = store.seconds_until_stale(doc)
        if doc.name in names or not (wait or doc.name in at_work):
            yield _orphan(kind, doc, names)
            continue
        when = "when that has ended" if doc.name in at_work else f"in {wait} s"
        yield Orphan(
            kind,
            doc.name,
            doc.updated,
            "in no stack yet: a run that registers its stack may be under way",
            f"Look again {when}: kitaru stack clean",
        )


def _is_free(name: str) -> bool:
    with writer_if_free(name) as is_free:
        return is_free


def _is_part(doc: ComponentDoc | ConnectorDoc) -> bool:
    """Whether Kitaru made it, under the name of its stack."""
    is_aside = replaced_by_mark(doc.name, doc.labels) is not None
    passing = is_aside or final_name(doc.name) is not None
    described = isinstance(doc, ConnectorDoc) or doc.type in REMOVED_WITH_STACK
    return described and not passing and is_managed(doc.labels)


def _orphan(kind: str, doc: ComponentDoc | ConnectorDoc, stacks: Mapping[str, bool]) -> Orphan:
    """Say what is known of an orphan; `stacks` has the names there are, and which are managed."""
    name = doc.name
    # By its id: the name may be the one of somebody's new stack by then, which takes it over.
    remedy = f"Delete it with: zenml {kind.replace('_', '-')} delete {doc.id}"
    if name in stacks and not stacks[name]:
        reason = "in no stack, beside one of its name that Kitaru did not make"
    elif name in stacks:
        # No deletion is advised: somebody may be taking it in at this moment.
        reason = "in no stack, beside the one of its name"
        remedy = "Take it in again with the description of its stack: kitaru stack apply -f FILE"
    elif doc.labels.get(ORPHANED_LABEL) == "true":
        reason = "kept by kitaru stack delete"
    else:
        reason = "its stack was deleted without it, or never registered"
    return Orphan(kind, name, doc.updated, reason, remedy)


def _left_by_earlier(stack: StackDoc, *, is_alone: bool) -> Orphan:
    """Say of a stack that it may have been set aside; its remedy goes by its id."""
    name = stack.name.removesuffix(REPLACED)
    why = f"applied as '{name}': renamed since, or set aside by an earlier release's run that died"
    remedy = f"If nobody needs it, delete it with: kitaru stack delete {stack.id} --recursive"
    if is_alone:
        remedy = f"Give it its name back with: kitaru stack rename {stack.id} {name}"
    return Orphan("stack", stack.name, stack.updated, why, remedy)


def _survey(store: Store) -> dict[str, list[tuple[str, _Doc]]]:
    """What has a name for a while, by the stack whose it is; and the stacks of noted runs."""
    everything = Where()
    found: dict[str, list[tuple[str, _Doc]]] = {}
    runs = list(unfinished.every(store.place))
    unmarked = {run.stack for run in runs if run.sets_aside_unmarked}

    def note(kind: str, doc: _Doc) -> None:
        stack = final_name(doc.name) if kind == "service_connector" else None
        if stack is None and doc.name.endswith(REPLACED):
            base = doc.name.removesuffix(REPLACED)
            stack = base if base in unmarked else replaced_by_mark(doc.name, doc.labels)
        if stack and is_managed(doc.labels):
            found.setdefault(stack, []).append((kind, doc))

    for stack in store.gateway.stacks(everything):
        note("stack", stack)
        if RENAMING_LABEL in stack.labels and store.is_stale(stack):
            found.setdefault(stack.name, [])
    for component in store.gateway.components(everything):
        note(component.type, component)
    for connector in store.gateway.connectors(everything):
        note("service_connector", connector)
    for run in runs:
        found.setdefault(run.stack, [])
    known = {secret_part(name) for name in found}
    for secret in store.gateway.orphaned_secrets():
        whose = final_name(secret.connector) or secret.connector
        if whose not in known:  # a secret's name tells that of its connector but for odd characters
            found.setdefault(whose, [])
    return found


def _look(store: Store, name: str, survey: dict[str, list[tuple[str, _Doc]]]) -> _Found:
    """What of a stack is left over, and what may still be somebody's work."""
    with writer_if_free(name) as is_free:
        if not is_free:
            kept = [Kept(kind, doc.name, "its run is under way") for kind, doc in survey[name]]
            return _Found(name, (), tuple(kept))
        store.look_at(name)
        leftovers: list[Leftover] = []
        kept = []
        for kind, doc in survey[name]:
            if final_name(doc.name) is not None and _is_used(store, kind, doc):
                continue
            if wait := store.seconds_until_stale(doc):
                kept.append(Kept(kind, doc.name, f"its run may be under way; look in {wait} s"))
            else:
                leftovers.append(Leftover(name, kind, doc.name, _reason(doc.name)))
        for secret in store.orphaned_secrets(name):
            reason = "the secret of a connector that is not there"
            leftovers.append(Leftover(name, "secret", secret.name, reason))
        leftovers += _half_made(store, name)
        cut_off = _cut_off(store, name)
        store.forget()
    return _Found(name, tuple(leftovers), tuple(kept), cut_off)


def _cut_off(store: Store, name: str) -> Kept | None:
    """A stack at which a run ended in the middle: what it was to become, its description tells."""
    run, stack = store.dead_run, store.stack_named(name)
    if run is not None and run.stack_id not in (None, stack.id if stack is not None else None):
        run = None  # what it was at is gone, and this is somebody else's
    if stack is None:
        return None
    new = stack.labels.get(RENAMING_LABEL) or (run.new_name if run is not None else None)
    if new is not None:
        again = f"kitaru stack rename {name} {new}"
        return Kept("stack", name, f"a renaming of it was cut off; go on with: {again}")
    if run is None:
        return None
    if run.work == "create" and APPLIED_LABEL in stack.labels:  # which it writes last
        on = f"if it was yours, make it active with: kitaru stack use {name}"
        return Kept("stack", name, f"whole; a creation of this name was cut off here; {on}")
    work = {"create": "creation", "delete": "deletion"}.get(run.work, "change")
    # The note goes with this listing, and without it the name of a creation is taken.
    on = "complete it with kitaru stack apply" if work == "creation" else "run that command again"
    return Kept("stack", name, f"a {work} of it was cut off, and may have been made in part; {on}")


def _is_used(store: Store, kind: str, doc: _Doc) -> bool:
    return kind == "service_connector" and bool(store.components_of(doc.id))


def _reason(name: str) -> str:
    return "set aside for a successor" if name.endswith(REPLACED) else "did not come to its name"


def _half_made(store: Store, name: str) -> Iterable[Leftover]:
    """The parts of a stack that was never registered, or that was to be deleted with them."""
    run = store.dead_run
    if run is None or store.stack_named(name) is not None:
        return
    orphans = store.orphans(name)
    parts = [(part.type, part.labels) for part in orphans.components]
    if orphans.connector is not None:
        parts.append(("service_connector", orphans.connector.labels))
    for kind, labels in parts:
        if _goes(run, labels):
            what = "deleted" if run.work == "delete" else "registered"
            yield Leftover(name, kind, name, f"its stack was being {what}")


def _goes(run: unfinished.Unfinished, labels: Mapping[str, str]) -> bool:
    """Whether a part in no stack is the noted run's, and not what a plain deletion has kept."""
    if run.work == "delete":
        return run.recursive
    return not run.took_over and labels.get(ORPHANED_LABEL) != "true"


# -- removing --------------------------------------------------------------------------------------


def _settle(store: Store, name: str) -> list[Kept] | None:
    """Finish or take back what a dead run left of one stack.

    Returns:
        What stays, since others have taken it over meanwhile; None where its name is held again.
    """
    kept: list[Kept] = []
    with writer_if_free(name) as is_free:
        if not is_free:
            return None
        store.look_at(name)
        run = store.dead_run
        rehearse(store, name)  # what cannot be done is refused before anything is deleted
        recover(store, name, take_place)
        store.forget()
        writer = Writer(store.gateway)
        _delete_connectors_to_be(store, writer, name)
        if run is not None and store.stack_named(name) is None:
            orphans = store.orphans(name)
            for part in orphans.components:
                if not _goes(run, part.labels):
                    continue
                uuid = stored_id(part)
                stacks = partial(store.gateway.stacks, Where(uses_component=uuid))
                if not _deleted(partial(writer.delete_component, uuid), stacks):
                    kept.append(Kept(part.type, part.name, "a stack has taken it over meanwhile"))
            link = orphans.connector
            if link is not None and _goes(run, link.labels):
                uuid = stored_id(link)
                users = partial(store.gateway.components, Where(uses_connector=uuid))
                if not _deleted(partial(writer.delete_connector, uuid), users):
                    reason = "a component has taken it over meanwhile"
                    kept.append(Kept("service_connector", link.name, reason))
        writer.require_deleted()
        # Of a renaming of an earlier release, which put no label on the stack, nothing else tells.
        is_all_there_is = run is not None and run.new_name is not None and not run.marks
        if not (is_all_there_is and store.stack_named(name) is not None):
            unfinished.end(store.place, name)
    return kept


def _deleted(delete: Callable[[], object], users: Callable[[], Sequence[object]]) -> bool:
    """Delete something; False where it was refused, and somebody uses it: nobody did before."""
    try:
        delete()
    except NotAllowedError:
        if not users():
            raise
        return False
    return True


def _delete_connectors_to_be(store: Store, writer: Writer, stack: str) -> None:
    """Also those of other machines, of which only the name tells."""
    for doc in store.gateway.connectors(Where()):
        if final_name(doc.name) != stack or not is_managed(doc.labels):
            continue
        if not store.components_of(doc.id) and store.is_stale(doc):
            writer.delete_connector(doc.id)
