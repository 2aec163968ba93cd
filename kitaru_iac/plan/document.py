"""The plan as a format of its own: versioned, written to a file, reviewed, compared by its digest.

What is promised is Terraform's promise for ``terraform show -json``: a new minor version adds, and
a reader passes over what it does not know; a new major version breaks, and a reader refuses it. An
action that a reader does not know counts as a change. `schema` has the format's JSON Schema.

The digest is that of what would be done and of what was asked for: of each stack its canonical
description, and of each change its address, actions, differing fields and who else uses the thing.
Texts, times, versions, checks and warnings are not in it, nor what is done first about what a run
that died has left, nor what is made inside a cluster, where not every login may look. Nor is any
secret, not hashed either, nor that a service connector's secrets differ, which not every login may
see: two plans that differ in secrets alone have one digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kitaru_iac._version import __version__
from kitaru_iac.plan.canonical import sha256
from kitaru_iac.plan.model import Action, Layer, Plan, Reason, Step
from kitaru_iac.values import dataclass, field

__all__ = [
    "FORMAT_VERSION",
    "StackPlan",
    "address_of",
    "changes",
    "counted_as",
    "digest_of",
    "digested_entry",
    "digested_part",
    "document",
    "is_change",
    "is_repair",
    "needs_review",
]

FORMAT_VERSION = "1.0"

_NO_OP = "no-op"
_ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.ACTIVATE: "update",
    Action.DELETE: "delete",
    Action.KEEP: _NO_OP,
}
#: What of a change is in the digest.
_DIGESTED = ("address", "previous_address", "actions", "used_by")


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What would be done for one stack, and what was asked for.

    Attributes:
        plan: The steps.
        description: The keys of stack.yaml in canonical form, without secrets.
        sensitive: Dotted paths of `description` whose values are secret, and hidden.
        source: The file that describes it, as it was given.
        store: Where the records are: ``local``, or the server's address without secrets. It is in
            the digest, so that what was reviewed for one server is not applied to another.
        checks: Results of the infrastructure's checks, as `CheckResult.to_dict` gives them.
        drift: Differences between what was applied and what is; None where nobody looked.
        error: Why there is no plan, as `KitaruError.to_dict` gives it.
        checked: When what exists was found fit, as `time.monotonic` counts; None if it was not
            looked at. It is of this process alone, and not in the document.
    """

    plan: Plan
    description: Mapping[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()
    source: str | None = None
    store: str | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    drift: tuple[Mapping[str, Any], ...] | None = None
    error: Mapping[str, Any] | None = None
    checked: float | None = field(default=None, compare=False)

    @property
    def digest(self) -> str:
        """The digest of this stack's part alone."""
        return sha256(digested_entry(self.to_dict(digest=False)))

    def to_dict(self, *, digest: bool = True) -> dict[str, Any]:
        """Give the stack's entry in the document's ``stacks``."""
        found = changes(self.plan.steps, self.plan.stack)
        known = not any(check.get("status") == "unknown" for check in self.checks)
        complete = self.error is None and known
        failed = any(check.get("status") == "fail" for check in self.checks)
        return {
            "stack": self.plan.stack,
            "source": self.source,
            "has_changes": any(is_change(change) for change in found),
            "complete": complete,
            "applyable": self.error is None and not failed,
            "digest": self.digest if digest else None,
            "description": dict(self.description),
            "sensitive": [f"description.{path}" for path in self.sensitive],
            "changes": found,
            "drift": None if self.drift is None else [dict(item) for item in self.drift],
            "checks": [dict(check) for check in self.checks],
            "warnings": [warning.to_dict() for warning in self.plan.warnings],
            "error": None if self.error is None else dict(self.error),
        }


def document(stacks: Sequence[StackPlan]) -> dict[str, Any]:
    """Put the plans of several stacks into one document.

    Args:
        stacks: In the order in which they are shown.

    Returns:
        Plain data: ``{"format_version", "kitaru_version", "store", "stacks", "digest", "complete",
        "applyable", "summary"}``.
    """
    store = next((stack.store for stack in stacks if stack.store is not None), None)
    entries = [stack.to_dict() for stack in stacks]
    return {
        "format_version": FORMAT_VERSION,
        "kitaru_version": __version__,
        "store": store,
        "stacks": entries,
        "digest": digest_of({"store": store, "stacks": entries}),
        "complete": all(entry["complete"] for entry in entries),
        "applyable": all(entry["applyable"] for entry in entries),
        "summary": _summary(entries),
    }


def digest_of(plan: Mapping[str, Any]) -> str:
    """Compute the digest anew from a document, whatever its ``digest`` says."""
    stacks = sorted(plan["stacks"], key=lambda entry: str(entry["stack"]))
    return sha256({"store": plan.get("store"), "stacks": [digested_entry(s) for s in stacks]})


def changes(steps: Iterable[Step], stack: str | None = None) -> list[dict[str, Any]]:
    """Give the steps as the format has them: one change for each address, in the steps' order.

    A thing that is made and one that makes room for it have one address; what is done to both are
    the change's ``actions``, in order.

    Args:
        steps: What would be done, or was done.
        stack: The stack's name, which its own records carry.
    """
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(address_of(step, stack), []).append(step)
    return [_change(address, group) for address, group in found.items()]


def address_of(step: Step, stack: str | None = None) -> str:
    """Give what a thing is called in every run's plan, for as long as its description names it.

    ``infrastructure/TYPE/NAME``, with Pulumi's type and the name in the program;
    ``records/KIND`` for the stack and its own parts; ``records/KIND/NAME`` for parts with other
    names; ``machine/active_stack`` for the choice of the active stack; ``repair/KIND/NAME`` for
    what is done first about what a run that died has left.
    """
    if step.action is Action.ACTIVATE:
        return "machine/active_stack"
    if step.code is Reason.LEFT_BY_DEAD_RUN:
        return f"repair/{step.kind}/{step.name}"
    if step.layer is Layer.INFRASTRUCTURE:
        return f"infrastructure/{step.kind}/{step.key or step.name}"
    own = f"records/{step.kind}"
    return own if step.name == stack else f"{own}/{step.name}"


def is_change(change: Mapping[str, Any]) -> bool:
    """Say whether a change of a document does anything; an action that is not known does."""
    return any(action != _NO_OP for action in change["actions"])


def is_repair(change: Mapping[str, Any]) -> bool:
    """Say whether a change is about what a run that died has left."""
    return _code(change) == Reason.LEFT_BY_DEAD_RUN


def _code(change: Mapping[str, Any]) -> object:
    return (change.get("reason") or {}).get("code")


def needs_review(change: Mapping[str, Any]) -> bool:
    """Say whether a change does anything that the digest knows of: more than writing secrets.

    That something is taken over is known to each login, also to one that is shown no secrets. What
    a run that died has left is put right whichever plan is applied, and nothing else with it. So is
    what a cluster lacks that is the stack's own: who reviews need not be let in there, and what is
    made follows from the description.
    """
    if is_repair(change) or _code(change) == Reason.IN_CLUSTER:
        return False
    takes_over = _code(change) == Reason.TAKEN_OVER
    if takes_over or change["actions"] != ["update"] or not change.get("undigested"):
        return is_change(change)
    return bool(digested_part(change)["changed"])


def digested_part(change: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a change without the fields that the digest does not know of."""
    left_out = set(change.get("undigested", ()))
    if not left_out:
        return change
    changed = [field for field in change["changed"] if field["path"] not in left_out]
    sensitive = [path for path in change["sensitive"] if path not in left_out]
    return {**change, "changed": changed, "sensitive": sensitive}


def _change(address: str, steps: Sequence[Step]) -> dict[str, Any]:
    first = steps[0]
    activates = first.action is Action.ACTIVATE
    actions = [action for step in steps for action in _actions(step)]
    done = [action for action in dict.fromkeys(actions) if action != _NO_OP]
    fields = [change for step in steps for change in step.changes]
    undigested = [change.field for change in fields if change.undigested]
    # Made and deleted may each say why: the first one that does is shown.
    told = next((step for step in steps if step.reason), None)
    return {
        "layer": "machine" if activates else first.layer.value,
        "address": address,
        "previous_address": first.previous and f"infrastructure/{first.previous}",
        "kind": "active_stack" if activates else first.kind,
        "name": first.name,
        "actions": done or [_NO_OP],
        "reason": _reason(told),
        "changed": [change.to_dict() for change in fields],
        "sensitive": [change.field for change in fields if change.sensitive],
        "unknown": [change.field for change in fields if change.unknown],
        "used_by": sorted({user for step in steps for user in step.used_by}),
        **({"undigested": undigested} if undigested else {}),
    }


def _actions(step: Step) -> tuple[str, ...]:
    if step.action is Action.REPLACE:
        return ("delete", "create") if step.deletes_first else ("create", "delete")
    return (_ACTIONS[step.action],)


def _reason(step: Step | None) -> dict[str, str] | None:
    if step is None:
        return None
    return {"code": "other" if step.code is None else step.code.value, "text": str(step.reason)}


def digested_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a stack's entry is in the digest."""
    done = [digested_part(change) for change in entry["changes"] if needs_review(change)]
    return {
        "stack": entry["stack"],
        "description": entry["description"],
        "changes": [
            {
                **{key: change[key] for key in _DIGESTED},
                "changed": change["changed"],
                "sensitive": change["sensitive"],
            }
            for change in sorted(done, key=lambda change: str(change["address"]))
        ],
        "failed": None if entry["error"] is None else entry["error"].get("code"),
    }


def _summary(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = dict.fromkeys(("create", "update", "replace", "delete", "other", "no_op"), 0)
    for change in (change for entry in entries for change in entry["changes"]):
        counts[counted_as(change["actions"])] += 1
    statuses = [check.get("status") for entry in entries for check in entry["checks"]]
    return {
        "stacks": len(entries),
        "with_changes": sum(entry["has_changes"] for entry in entries),
        "failed": sum(entry["error"] is not None for entry in entries),
        **counts,
        "checks_failed": statuses.count("fail"),
        "checks_unknown": statuses.count("unknown"),
    }


def counted_as(actions: Sequence[str]) -> str:
    """Give the summary's word for a change's actions; ``other`` for what is not known."""
    if set(actions) == {"create", "delete"}:
        return "replace"
    word = actions[0] if len(actions) == 1 else ""
    known = {"create": "create", "update": "update", "delete": "delete", _NO_OP: "no_op"}
    return known.get(word, "other")
