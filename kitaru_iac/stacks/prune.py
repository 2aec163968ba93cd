"""Remove managed stacks that no file describes any more: those that were applied from these files.

What goes is what `delete --recursive` takes, and whatever that refuses is refused here: the active
stack, one that a Pulumi program keeps, and one whose infrastructure would stay without a record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import KitaruError, NotConnectedError, PlanMoved, PruneRefused
from kitaru_iac.gateway.documents import ComponentDoc, ConnectorDoc, StackDoc, Where
from kitaru_iac.labels import ORPHANED_LABEL, SOURCE_LABEL, is_managed
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.notices import NotPruned
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.plan.model import Plan, Reason, Step
from kitaru_iac.records.aside import is_left_by_earlier
from kitaru_iac.records.names import REPLACED, replaced_by_mark
from kitaru_iac.records.owner import owner_of
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks.delete import (
    Deletion,
    delete_stack,
    planned_deletion,
    require_deletable,
)
from kitaru_iac.stacks.removed_parts import Leaving
from kitaru_iac.stacks.results import Deleted, with_warnings
from kitaru_iac.stacks.source import Source, source_in

__all__ = ["Pruned", "Pruning", "plan_prune", "prune"]


@dataclass(frozen=True, slots=True)
class Pruned:
    """A stack that no file describes any more.

    Attributes:
        id: Its id: what has its name next is another one.
        labels: Those that it had when this was planned.
        planned: What would be deleted.
        error: Why it cannot be; the plan says so too.
    """

    id: str
    labels: Mapping[str, str]
    planned: StackPlan
    error: KitaruError | None = None

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.planned.plan.stack


@dataclass(frozen=True, slots=True)
class Pruning:
    """What would be pruned, and what looks like it and stays."""

    stacks: tuple[Pruned, ...] = ()
    warnings: tuple[NotPruned, ...] = ()


def plan_prune(
    source: Source, names: Collection[str], described: Sequence[StackPlan] = ()
) -> Pruning:
    """Say which stacks no file of a source describes any more. Writes nothing.

    Args:
        source: The source, of which all descriptions were read.
        names: The names of all that they describe.
        described: Their plans. Where one of them has none, nothing is pruned: a stack that was
            renamed in its file would be gone before the new one is there. What a check could not
            see of a described stack's cloud says nothing about which stacks are of this source.

    Raises:
        NotConnectedError: The store does not answer.
        NotAllowedError: It does not list its stacks.
    """
    if not names:
        raise PruneRefused(
            "No stack is described, so that every stack of this source would be deleted",
            remedy="Delete what is not needed any more by name: kitaru stack delete NAME",
        )
    store = Store.open()
    docs = store.gateway.stacks(Where())
    gone: list[StackDoc] = []
    warnings: list[NotPruned] = []
    for doc in docs:
        is_aside = replaced_by_mark(doc.name, doc.labels) is not None
        if doc.name in names or is_aside or SOURCE_LABEL not in doc.labels:
            continue  # what a replacement has moved aside, its own recovery removes
        text = _why_it_stays(doc, source)
        if text is None and is_left_by_earlier(doc):
            text = (
                f"It was applied as '{doc.name.removesuffix(REPLACED)}', and a run of an earlier "
                "release may have left it; or somebody has renamed it. So it stays. If nobody "
                f"needs it: kitaru stack delete {doc.id} --recursive"
            )
        if text is not None:
            if text:
                warnings.append(NotPruned(f"Stack '{doc.name}' is described nowhere. {text}"))
            continue
        gone.append(doc)
    parts: list[tuple[str, ComponentDoc | ConnectorDoc]] = [
        *((doc.type, doc) for doc in store.gateway.components(Where())),
        *(("service connector", doc) for doc in store.gateway.connectors(Where())),
    ]
    warnings += _left_behind(parts, source, names, docs)
    marked = [*docs, *(doc for _, doc in parts)]
    unrepaired = {replaced_by_mark(doc.name, doc.labels) for doc in marked}
    found = _in_order(store, gone, source, unrepaired)
    unplanned = [plan.plan.stack for plan in described if plan.error is not None]
    if unplanned:
        found = [_refused(item, unplanned) for item in found]
    return Pruning(tuple(found), tuple(warnings))


def _why_it_stays(doc: StackDoc, source: Source) -> str | None:
    """Why a stack is not of this source, in words; empty where nobody would take it for one.

    None: it is.
    """
    kept = source_in(doc.labels)
    if kept is None:
        return f"What its label {SOURCE_LABEL} says is not understood, so it stays."
    if not kept.is_same(source):
        if kept.name and kept.name == source.name:
            return f"It is of another source of this name, {kept}, and stays."
        return ""
    if not source.reads_all_of(kept):
        return f"It was applied from {kept}, of which not all is read here, so it stays."
    if not is_managed(doc.labels):
        return "It is not managed by Kitaru any more, and stays."
    if (owner := owner_of(doc.labels)) is not None:
        return f"It is kept by a Pulumi program by now, as {owner.urn}, and stays."
    return None


def _left_behind(
    parts: Sequence[tuple[str, ComponentDoc | ConnectorDoc]],
    source: Source,
    names: Collection[str],
    stacks: Sequence[StackDoc],
) -> list[NotPruned]:
    """What a deletion of a stack of this source has not come to: it is in no stack any more."""
    found: dict[str, list[str]] = {}
    for kind, doc in parts:
        is_left = is_managed(doc.labels) and ORPHANED_LABEL in doc.labels
        kept = source_in(doc.labels) if is_left else None
        if kept is None or not (kept.is_same(source) and source.reads_all_of(kept)):
            continue
        # One of a name that is described is taken over by `apply`.
        if doc.name not in names and not any(stack.holds(doc.id) for stack in stacks):
            found.setdefault(doc.name, []).append(kind.replace("_", " "))
    return [
        NotPruned(
            f"Stack '{name}' was deleted, and parts of it are still there: {', '.join(kinds)}. "
            f"Where nothing has that name (kitaru stack show {name}), delete them with: "
            f"kitaru stack delete {name} --recursive"
        )
        for name, kinds in sorted(found.items())
    ]


def _in_order(
    store: Store, docs: Sequence[StackDoc], source: Source, unrepaired: Collection[str | None]
) -> list[Pruned]:
    """The plans in the order of their execution: who uses another one's parts goes before it.

    By name otherwise, and where two use parts of each other: the first leaves what the other uses.
    """
    waiting = {
        doc.id: _planned(store, doc, source, is_repaired=doc.name not in unrepaired)
        for doc in sorted(docs, key=lambda d: d.name)
    }
    by_id = {doc.id: doc for doc in docs}
    stacks: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    found: list[Pruned] = []
    while waiting:
        left = {key for key, (item, _) in waiting.items() if item.error is None}
        free = (key for key, (_, of) in waiting.items() if not of.users & left)
        key = next(free, next(iter(waiting)))
        item, deletion = waiting.pop(key)
        if deletion.users & stacks:
            doc, before = by_id[key], Leaving(stacks, parts)
            is_repaired = doc.name not in unrepaired
            item, deletion = _planned(store, doc, source, before, is_repaired=is_repaired)
        if item.error is None:
            stacks, parts = stacks | {key}, parts | deletion.parts
        found.append(item)
    return found


def _planned(
    store: Store,
    doc: StackDoc,
    source: Source,
    before: Leaving | None = None,
    *,
    is_repaired: bool,
) -> tuple[Pruned, Deletion]:
    """The plan for one stack; with what a dead run left of it repaired first, if anything is."""
    nothing = Deletion(Plan(doc.name), frozenset(), frozenset())
    planned = StackPlan(nothing.plan, store="local" if store.is_local else store.url)
    item = Pruned(doc.id, dict(doc.labels), planned)
    steps: tuple[Step, ...] = ()
    try:
        if not is_repaired:
            from kitaru_iac.stacks.mending import Mending

            require_deletable(doc, force=False, flags=["--recursive"], store=store)
            mending = Mending(Store(store.gateway), doc.name, alone=False)
            store, steps = mending.store, mending.steps
        deletion = _deletion(store, doc, source, before)
    except NotConnectedError:
        raise
    except KitaruError as error:
        return _without_plan(item, error), nothing
    plan = Plan(doc.name, (*steps, *deletion.plan.steps))
    return replace(item, planned=replace(planned, plan=plan)), deletion


def _without_plan(item: Pruned, error: KitaruError) -> Pruned:
    planned = replace(item.planned, plan=Plan(item.name), error=error.to_dict())
    return replace(item, planned=planned, error=error)


def _deletion(
    store: Store, doc: StackDoc, source: Source, before: Leaving | None = None
) -> Deletion:
    """What would be deleted.

    Raises:
        KitaruError: As `operations.delete` raises without flags.
    """
    from kitaru_iac.stacks import deployed

    why = f"pruned: nothing in {source} describes the stack"
    deletion = planned_deletion(store, doc, why, Reason.PRUNED, before=before)
    deployed.require_none(doc, ["--recursive"])
    return deletion


def _refused(item: Pruned, unplanned: Sequence[str]) -> Pruned:
    error = PruneRefused(
        f"Stack '{item.name}' is described nowhere, and is not pruned",
        why=f"There is no plan for what is described: {', '.join(unplanned)}. "
        "One of them may be this stack, with another name.",
        remedy="Mend that first, or delete this stack by name.",
    )
    return _without_plan(item, error)


def prune(item: Pruned, source: Source, *, progress: ProgressCallback | None = None) -> Deleted:
    """Delete a stack with its own parts, if that is what was planned.

    Raises:
        KitaruError: That which its plan has.
        PlanMoved: Something else would be deleted by now; nothing was.
        StackChanged: The stack is gone, or was changed meanwhile; nothing was deleted.
        RegistrationFailed: A deletion failed half-way; its `left` says what is still there.
    """
    from kitaru_iac.stacks.mending import Mending

    name = item.name
    if item.error is not None:
        raise item.error
    if progress:
        progress(f"Deleting stack {name}, which is described nowhere")
    try:
        with sole_writer(name):
            mending = Mending(Store.open(), name)
            doc = _as_planned(mending.store, item, source)
            with mending.told():
                if mending.repair is not None:
                    doc = _as_planned(mending.mend(progress), item, source)
                done = delete_stack(mending.store, doc, recursive=True, force=False)
            return with_warnings(done, mending.said())
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        what = f"Interrupted before stack '{name}' was deleted; nothing was changed"
        raise WorkInterrupted(what) from pressed


def _as_planned(store: Store, item: Pruned, source: Source) -> StackDoc:
    """The stack that is to go; refuses another one, and another deletion."""
    from kitaru_iac.stacks.deletion_errors import changed_meanwhile, deleted_meanwhile

    doc, name = store.find(item.id, exact=True), item.name
    if doc is None:
        raise deleted_meanwhile(name)
    if (doc.name, dict(doc.labels)) != (name, dict(item.labels)):
        raise changed_meanwhile(name, doc.id)
    fresh = StackPlan(_deletion(store, doc, source).plan, store=item.planned.store)
    if fresh.digest != item.planned.digest:
        raise PlanMoved(
            f"What would be deleted with stack '{name}' is not what was planned",
            remedy="See what would be done now with: kitaru stack preview --prune",
        )
    return doc
