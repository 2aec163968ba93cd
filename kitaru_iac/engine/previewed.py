"""What `pulumi preview --json` says of a project → steps of a plan, with the values that differ.

The document is Pulumi's own (`pkg/display/json.go`, `PreviewDigest`), without a version. It holds
the resources that change, each as it is and as it would be; with `--show-sames` the others too.
Of these the engine writes the options into the state, which may lift the protection from deletion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kitaru_iac.engine.events import (
    STAYING,
    Diagnostic,
    action_of,
    is_known,
    name_of,
    options_changed,
    strongest,
    type_of,
)
from kitaru_iac.engine.property_values import Json, at, difference, parts
from kitaru_iac.plan.model import Action, Change, Layer, Reason, Step

__all__ = ["Previewed", "previewed"]

_STACK: Final = "pulumi:pulumi:Stack"
#: What stands for a name that a provider chooses, and how many signs it has at least after our own.
_CHOSEN: Final = "(chosen when it is made)"
_RANDOM: Final = 5


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a preview found.

    Attributes:
        steps: One for each resource that would change, in the order of their addresses.
        diagnostics: What the engine, the program and the plugins said.
        missing: What the engine counted and its document does not hold, as ``1 create``.
    """

    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...]
    missing: tuple[str, ...]


def previewed(document: Mapping[str, Json]) -> Previewed:
    """Read the document of a preview.

    Args:
        document: What ``pulumi preview --json`` printed.

    Raises:
        ValueError: It is not such a document.
    """
    found: dict[str, list[Mapping[str, Json]]] = {}
    for step in _mappings(document.get("steps")):
        urn = step.get("urn")
        if not isinstance(urn, str) or not isinstance(step.get("op"), str):
            raise ValueError("a step without `urn` or `op`")
        found.setdefault(urn, []).append(step)
    names = sorted(_chosen_names(found), key=len, reverse=True)
    found = {urn: [_with_names_open(step, names) for step in group] for urn, group in found.items()}
    steps = [
        made
        for urn, group in found.items()
        if type_of(urn) != _STACK and (made := _step(urn, group)) is not None
    ]
    return Previewed(
        tuple(sorted(steps, key=lambda step: (step.kind, str(step.key)))),
        tuple(_diagnostics(document)),
        tuple(_missing(document, found)),
    )


def _step(urn: str, group: Sequence[Mapping[str, Json]]) -> Step | None:
    operations = [str(step["op"]) for step in group]
    action = strongest(map(action_of, operations))
    reason, code = _why(operations, group)
    previous = _previous(urn, group)
    if previous is not None and code is None:
        reason, code = f"it was {previous} before", Reason.RENAMED
    if operations[0] == "delete" and operations[-1] == "create":
        # The refresh did not find it, and the program asks for it.
        action, reason = Action.CREATE, "it is gone, and is made again"
    kept = tuple(_options(group))
    if kept and action is Action.KEEP:
        action = Action.UPDATE
    if action is Action.KEEP:
        return None
    return Step(
        action,
        type_of(urn),
        name_of(urn),
        Layer.INFRASTRUCTURE,
        () if action is Action.DELETE else (*_changes(action, group), *kept),
        reason,
        code=code,
        key=_key(urn),
        deletes_first=next((w for w in operations if w != "refresh"), "") == "delete-replaced",
        previous=previous,
    )


def _chosen_names(found: Mapping[str, Sequence[Mapping[str, Json]]]) -> set[str]:
    """The names that providers would give now: the resource's own, and what is random after it.

    Each preview has others, so that no two would be alike where something new has one.
    """
    return {
        value
        for urn, group in found.items()
        for step in group
        for key, value in _values(step, "newState", "inputs").items()
        if key in _texts(_inputs(step, "newState").get("__defaults"))
        and isinstance(value, str)
        and value != _inputs(step, "oldState").get(key)
        and value.lower().startswith(name_of(urn).lower())
        and len(value) >= len(name_of(urn)) + _RANDOM
    }


def _with_names_open(step: Mapping[str, Json], names: Sequence[str]) -> Mapping[str, Json]:
    """The step without names of this preview alone, wherever in what it gives they stand."""
    if not names or not step.get("newState"):
        return step
    given = _open(_inputs(step, "newState"), names)
    return {**step, "newState": {**_mapping(step["newState"]), "inputs": given}}


def _open(value: Json, names: Sequence[str]) -> Json:
    if isinstance(value, dict):
        return {key: _open(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_open(inner, names) for inner in value]
    if isinstance(value, str):
        for name in names:
            value = value.replace(name, _CHOSEN)
    return value


def _key(urn: str) -> str:
    """Its name, with the types of the components that it is in: what is unique in the program."""
    around, sign, _ = urn.split("::")[2].rpartition("$")
    return f"{around}{sign}{name_of(urn)}"


def _previous(urn: str, group: Sequence[Mapping[str, Json]]) -> str | None:
    """``TYPE/NAME`` of what is known by another URN, to which the program gives an alias."""
    for step in group:
        before = _mapping(step.get("oldState")).get("urn")
        if isinstance(before, str) and before.count("::") >= 3 and before != urn:
            return f"{type_of(before)}/{_key(before)}"
    return None


def _why(
    operations: Sequence[str], group: Sequence[Mapping[str, Json]]
) -> tuple[str | None, Reason | None]:
    strange = [word for word in operations if not is_known(word)]
    if strange:
        return f"the engine calls it {strange[0]!r}", Reason.UNKNOWN_OPERATION
    if any(word.startswith("import") for word in operations):
        return "it exists, and is taken over", Reason.IMPORTED
    forcing = sorted({key for step in group for key in _texts(step.get("replaceReasons"))})
    if forcing and any(action_of(word) is Action.REPLACE for word in operations):
        return f"forced by {', '.join(forcing)}", Reason.FORCED
    return None, None


# -- what differs ----------------------------------------------------------------------------------


def _changes(action: Action, group: Sequence[Mapping[str, Json]]) -> Iterator[Change]:
    """What differs by path: as the provider says, and whatever else of the inputs is another."""
    told: dict[str, Change] = {}
    for step in group:
        new = action is Action.CREATE
        before = {} if new else _values(step, "oldState", "inputs")
        was = {} if new else _values(step, "oldState", "outputs")
        after = _values(step, "newState", "inputs")
        outputs = (_values(step, "oldState", "outputs"), _values(step, "newState", "outputs"))
        if not step.get("newState"):
            continue
        for path in sorted({*_mapping(step.get("detailedDiff")), *_texts(step.get("diffReasons"))}):
            # What is no input differs from what a refresh found: then it is an output.
            known = at(before, path)
            known = at(was, path) if known is None else known
            told[path] = difference(path, known, at(after, path), *outputs)
        covered = {next(parts(path), "") for path in told}
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key) and key not in covered:
                told[key] = difference(key, before.get(key), after.get(key), *outputs)
    yield from (told[path] for path in sorted(told))


def _options(group: Sequence[Mapping[str, Json]]) -> Iterator[Change]:
    """What differs of the options that say whether the engine may delete it."""
    for step in group:
        old, new = step.get("oldState"), step.get("newState")
        if step["op"] in STAYING and old and new:
            states = map(_mapping, (old, new))
            yield from options_changed(
                *((state.get("protect"), state.get("retainOnDelete")) for state in states)
            )


def _values(step: Mapping[str, Json], state: str, which: str) -> dict[str, Json]:
    """Its inputs or outputs by name, without those that Pulumi keeps for itself."""
    found = _mapping(_mapping(step.get(state)).get(which))
    return {key: value for key, value in found.items() if not key.startswith("__")}


def _inputs(step: Mapping[str, Json], state: str) -> dict[str, Json]:
    return _mapping(_mapping(step.get(state)).get("inputs"))


# -- around it -------------------------------------------------------------------------------------


def _diagnostics(document: Mapping[str, Json]) -> Iterator[Diagnostic]:
    for said in _mappings(document.get("diagnostics")):
        message, urn = str(said.get("message") or "").strip(), said.get("urn")
        if message:
            severity = str(said.get("severity") or "info")
            yield Diagnostic(severity, message, urn if isinstance(urn, str) and urn else None)


def _missing(
    document: Mapping[str, Json], found: Mapping[str, Sequence[Mapping[str, Json]]]
) -> Iterator[str]:
    """What the engine counted and did not tell: a plan without it would be too small."""
    seen = Counter(str(step["op"]) for group in found.values() for step in group)
    for operation, count in _mapping(document.get("changeSummary")).items():
        if action_of(operation) is Action.KEEP or not isinstance(count, int):
            continue
        if seen[operation] < count:
            yield f"{count - seen[operation]} {operation}"


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
