"""What the engine says while it works → what changes, with the values of inputs that differ.

The engine's events are the only place where a preview tells more than counts. They come on a thread
of the SDK's own, which swallows every exception: the callback there only puts them into a queue.
Events can be lost (one that the SDK cannot parse is dropped with a warning), and a plan from the
rest would look too small: so what was seen is compared with the engine's own summary.

Of what differs only inputs are kept with their values: those are ours, and what they are in the
cloud. What a provider gives besides is its own, a key perhaps that nobody has marked as a secret.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac.engine.property_values import at, difference, parts
from kitaru_iac.plan.model import Action, Change, Layer, Reason, Step

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent
    from pulumi.automation.events import StepEventMetadata, StepEventStateMetadata

__all__ = [
    "Diagnostic",
    "Recording",
    "ResourceChange",
    "action_of",
    "is_known",
    "name_of",
    "steps",
    "strongest",
    "type_of",
]

#: The engine's operations and what they are in a plan. One that is not here counts as a change.
_ACTIONS: Mapping[str, Action] = {
    "same": Action.KEEP,
    "read": Action.KEEP,
    "create": Action.CREATE,
    "import": Action.CREATE,
    "update": Action.UPDATE,
    "replace": Action.REPLACE,
    "create-replacement": Action.REPLACE,
    "delete-replaced": Action.REPLACE,
    "read-replacement": Action.REPLACE,
    "import-replacement": Action.REPLACE,
    "discard-replaced": Action.REPLACE,
    "remove-pending-replace": Action.REPLACE,
    "delete": Action.DELETE,
    "discard": Action.DELETE,
    "read-discard": Action.DELETE,
    "refresh": Action.KEEP,
}
#: Those that tell of a resource of the program that is as it should be; `read` is of another's.
_UNCHANGED = frozenset({"same", "refresh"})
#: Those after which a resource is there as before, with the options that the program gives it.
STAYING: Final = frozenset({"same", "update"})
#: How much an action says: of two about one resource the stronger one stays.
_STRENGTH = (Action.KEEP, Action.UPDATE, Action.CREATE, Action.DELETE, Action.REPLACE)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource.

    Attributes:
        urn: Pulumi's name for it.
        action: What happens.
        operation: The engine's own word for it.
        differing: The properties that differ, as ``tags`` or ``rules[0].status``, with the values
            that may be shown; of what is made, what it is given.
        forcing: Those that force a replacement.
        id: The cloud's name for it, where it exists.
        protected: Whether the deployment forbids to delete it.
        is_custom: False for components and the stack, which are nothing in the cloud.
        deletes_first: Of a replacement, whether the old one goes before the new one comes.
    """

    urn: str
    action: Action
    operation: str
    differing: tuple[Change, ...] = ()
    forcing: tuple[str, ...] = ()
    id: str | None = None
    protected: bool = False
    is_custom: bool = True
    deletes_first: bool = False

    @property
    def type(self) -> str:
        """Its type token, as ``aws:s3/bucket:Bucket``."""
        return type_of(self.urn)

    @property
    def name(self) -> str:
        """Its name in the program."""
        return name_of(self.urn)

    @property
    def is_of_the_cloud(self) -> bool:
        """Whether it is a thing of the cloud, and no component, stack or provider."""
        return self.is_custom and not self.type.startswith("pulumi:")

    def step(self, name: str | None = None) -> Step:
        """The change as a step of a plan, under the cloud's name for it where one is known."""
        reason, code = self._why()
        return Step(
            self.action,
            self.type,
            name or self.id or self.name,
            Layer.INFRASTRUCTURE,
            self.differing,
            reason,
            code=code,
            key=self.name,
            deletes_first=self.deletes_first,
        )

    def taken_over(self, coming: Collection[str]) -> ResourceChange:
        """The same; of what comes into the state, and is as it should be, that it does.

        Args:
            coming: What comes into it, by Pulumi's names for it.
        """
        if not self.is_custom or self.operation not in _UNCHANGED or self.urn not in coming:
            return self
        return replace(self, action=Action.UPDATE, operation="import")

    def _why(self) -> tuple[str | None, Reason | None]:
        if self.action is Action.REPLACE and self.forcing:
            return f"forced by {', '.join(self.forcing)}", Reason.FORCED
        if self.operation == "import":
            return "it exists, and is taken over", Reason.IMPORTED
        if not is_known(self.operation):
            return f"the engine calls it {self.operation!r}", Reason.UNKNOWN_OPERATION
        if self.protected and self.action is Action.KEEP:
            return "protected", Reason.PROTECTED
        return None, None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something the engine, a plugin or the program said.

    Attributes:
        severity: ``error``, ``warning``, ``info`` …
        message: Its text, without colours.
        urn: The resource it is about, if it is about one.
    """

    severity: str
    message: str
    urn: str | None = None


def action_of(operation: str) -> Action:
    """Give what the engine's operation is in a plan; one that is not known counts as a change."""
    return _ACTIONS.get(operation, Action.UPDATE)


def is_known(operation: str) -> bool:
    """Say whether the engine's operation is one that this version knows."""
    return operation in _ACTIONS


def options_changed(old: Sequence[object], new: Sequence[object]) -> tuple[Change, ...]:
    """Give what differs of the options that say whether the engine may delete a resource.

    Args:
        old: `protect` and `retainOnDelete`, as the state has them; whatever is no true is false.
        new: The same, as the program gives them.
    """
    told = zip(("protect", "retainOnDelete"), map(bool, old), map(bool, new), strict=True)
    return tuple(Change(*one) for one in told if one[1] is not one[2])


def strongest(actions: Iterable[Action]) -> Action:
    """Give the action that says most: of several about one resource the one that stays."""
    return max(actions, key=_STRENGTH.index)


def type_of(urn: str) -> str:
    """The type token in a URN, without those of its parents."""
    parts = urn.split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 3 else ""


def name_of(urn: str) -> str:
    """The name in a URN, which may itself hold ``::``."""
    parts = urn.split("::", 3)
    return parts[3] if len(parts) > 3 else urn


@dataclass(slots=True)
class Recording:
    """All that was said in one operation, in the order in which it was said.

    Attributes:
        refreshing: Whether the operation is itself a refresh: what AWS has is then compared with
            what the deployment remembers, and a difference is the change.
    """

    refreshing: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    summary: dict[str, int] | None = None
    _changes: dict[str, ResourceChange] = field(default_factory=dict)
    _operations: dict[str, set[str]] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[ResourceChange, ...]:
        """One for each resource."""
        return tuple(self._changes.values())

    def take(self, event: EngineEvent) -> None:
        """Take one event in."""
        if event.diagnostic_event is not None:
            said = event.diagnostic_event
            text = _plain(said.message).strip()
            if text and not said.ephemeral:
                self.diagnostics.append(Diagnostic(said.severity, text, said.urn or None))
        elif event.resource_pre_event is not None:
            self._note(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            self.done.append(metadata.urn)
            # A refresh knows only now, with the cloud's answer, whether anything differs.
            self._note(metadata)
        elif event.res_op_failed_event is not None:
            self.failed.append(event.res_op_failed_event.metadata.urn)
        elif event.summary_event is not None:
            changes = event.summary_event.resource_changes or {}
            self.summary = {_word(op): int(count) for op, count in changes.items() if count}

    def _note(self, metadata: StepEventMetadata) -> None:
        operation = _word(metadata.op)
        self._operations.setdefault(operation, set()).add(metadata.urn)
        change = _change(metadata, operation, refreshing=self.refreshing)
        before = self._changes.get(change.urn)
        # Steps of one resource come in their order; see `deleteBeforeReplace`.
        first = operation == "delete-replaced" if before is None else before.deletes_first
        change = replace(change, deletes_first=first)
        if before is None or _STRENGTH.index(change.action) >= _STRENGTH.index(before.action):
            if before is not None and not change.differing:
                if before.action is change.action:
                    return
            self._changes[change.urn] = change

    def missing(self) -> list[str]:
        """What the engine counted and nobody saw, as ``2 create``; empty when nothing is lost."""
        if self.summary is None:
            return ["the summary"]
        lost = []
        for operation, count in self.summary.items():
            seen = self._seen(operation)
            if seen < count:
                lost.append(f"{count - seen} {operation}")
        return lost

    def _seen(self, operation: str) -> int:
        # A refresh counts what it found as same, update or delete, and its events say `refresh`.
        own = len(self._operations.get(operation, ()))
        return own + len(self._operations.get("refresh", ()))


def _change(metadata: StepEventMetadata, operation: str, *, refreshing: bool) -> ResourceChange:
    old, new = metadata.old, metadata.new
    detailed: Mapping[str, Any] = metadata.detailed_diff or {}
    properties = tuple(sorted(detailed or metadata.diffs or ()))
    action = action_of(operation)
    if operation == "refresh" and refreshing:
        if new is None or not (new.id or new.urn):
            action = Action.DELETE
        elif properties:
            action = Action.UPDATE
    kept = _options(old, new) if operation in STAYING else ()
    if kept and action is Action.KEEP:
        # The engine calls it the same, and writes the options into the state all the same.
        action = Action.UPDATE
    known = new or old
    forced = [path for path, how in detailed.items() if _word(how.diff_kind).endswith("-replace")]
    ids = [state.id for state in (new, old) if state is not None and state.id]
    return ResourceChange(
        urn=metadata.urn,
        action=action,
        operation=operation,
        differing=(*_differing(action, properties, metadata.old, metadata.new), *kept),
        forcing=tuple(sorted(forced or metadata.keys or ())),
        id=ids[0] if ids else None,
        protected=bool(known is not None and known.protect),
        is_custom=bool(known is None or known.custom),
    )


def _options(
    old: StepEventStateMetadata | None, new: StepEventStateMetadata | None
) -> tuple[Change, ...]:
    if old is None or new is None:
        return ()
    return options_changed(*((state.protect, state.retain_on_delete) for state in (old, new)))


def _differing(
    action: Action,
    named: Sequence[str],
    old: StepEventStateMetadata | None,
    new: StepEventStateMetadata | None,
) -> tuple[Change, ...]:
    """What is otherwise afterwards: of what is made all inputs, of what is changed what is named.

    A name that a provider chooses is another one in each preview, until it is given.
    """
    given = _inputs(new)
    chosen = given.get("__defaults")
    is_chosen = set(chosen if isinstance(chosen, list) else ()).__contains__
    if action is Action.CREATE:
        own = (key for key in sorted(given) if not (key.startswith("__") or is_chosen(key)))
        return tuple(_difference(key, {}, given) for key in own if given[key] is not None)
    if action not in {Action.UPDATE, Action.REPLACE}:
        return ()
    if old is None or new is None:
        return tuple(map(Change, named))
    marked = [dict(state.outputs or {}) for state in (old, new)]
    return tuple(
        Change(path)
        if action is Action.REPLACE and is_chosen(next(parts(path), ""))
        else _difference(path, _inputs(old), given, *marked)
        for path in named
    )


def _difference(
    path: str, old: Mapping[str, Any], new: Mapping[str, Any], *outputs: Mapping[str, Any]
) -> Change:
    """How an input differs; of anything else only that it does."""
    told = map(dict, outputs)
    return difference(path, at(dict(old), path), at(dict(new), path), *told)


def _inputs(state: StepEventStateMetadata | None) -> dict[str, Any]:
    return {} if state is None else dict(state.inputs or {})


def _word(value: object) -> str:
    """The text of a word that the SDK may have made a member of an enumeration."""
    return str(getattr(value, "value", value))


def _plain(text: str) -> str:
    """The text without Pulumi's colour marks, as ``<{%fg 1%}>``."""
    parts = text.split("<{%")
    return parts[0] + "".join(part.partition("%}>")[2] for part in parts[1:])


def steps(
    changes: Iterable[ResourceChange], names: Mapping[str, str] | None = None
) -> tuple[Step, ...]:
    """The changes in the cloud as steps, in the order of the program's names.

    The engine works at many at once, in an order that is another one each time.

    Args:
        changes: What happens.
        names: The cloud's names for the program's.
    """
    known = names or {}
    shown = sorted((c for c in changes if c.is_of_the_cloud), key=lambda c: (c.name, c.type))
    return tuple(change.step(known.get(change.name)) for change in shown)
