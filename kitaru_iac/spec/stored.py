"""The fields of a description in the records of a stack: where they are found, and what they write.

Records are plain mappings here, one per part that :class:`~kitaru_iac.spec.rows.Place` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.rows import Place, Stored

__all__ = ["Parts", "cluster_of", "details", "fields_set", "keys_of", "keys_read", "runner_fields"]

#: What the records say, by part: the configuration of ``orchestrator``, and so on.
Parts = Mapping[str, Mapping[str, Any]]


def keys_of(type_: StackType, parts: Parts) -> dict[str, Any]:
    """The keys of stack.yaml that the records of a stack of this type hold."""
    found = {}
    for key, info in FIELDS.items():
        stored = (info.stored or {}).get(type_)
        # What somebody put into the stack may hold what no description of its type can say.
        value = _first(stored.places, parts) if stored and type_ in info.types else None
        if value is not None:
            found[key] = value
    store = found.get("artifact_store")
    if isinstance(store, str) and "://" in store:
        found["artifact_store"] = _completed(store, parts.get("connector", {}))
    return found


def _completed(store: str, connector: Mapping[str, Any]) -> str:
    """The URI of a store with what its connector's configuration says of it."""
    from kitaru_iac.spec.uris import UriError, parse_artifact_store

    if not connector:
        return store
    try:
        uri = parse_artifact_store(store)
    except UriError:  # as it stands there; whoever reads the description says why
        return store
    whole = uri.completed(connector)
    return store if whole is uri else str(whole)


def keys_read(type_: StackType) -> frozenset[str]:
    """The keys that `keys_of` can find for a type; no other is given back by its records."""
    return frozenset(
        key
        for key, info in FIELDS.items()
        if (stored := (info.stored or {}).get(type_)) and stored.places
    )


def details(component: str, type_: StackType, parts: Parts) -> dict[str, Any]:
    """What ``stack show`` says of a component.

    Args:
        component: ZenML's type of it, as ``orchestrator``.
        type_: The stack's type.
        parts: The records, as far as they are known.
    """
    found: dict[str, Any] = {}
    for stored in _shown_of(component, type_):
        for place in (*stored.places, *stored.shown_from):
            value = parts.get(place.part, {}).get(place.name)
            if value is not None:
                found.setdefault(str(stored.shown), value)
            if stored.shown_rest and place.rest:
                rest = parts.get(place.part, {}).get(place.rest)
                found |= {} if rest is None else {stored.shown_rest: rest}
    return found


def fields_set(type_: StackType) -> dict[tuple[str, str], str]:
    """The fields of components, as ``(orchestrator, location)``, that a key sets already.

    In the order in which problems with them are told: stores and registries first, and of the
    orchestrator's, those that every type has last.
    """
    found = {}
    for key, info in FIELDS.items():
        stored = (info.stored or {}).get(type_)
        if stored and stored.places and stored.places[0].part in EXTRA_TARGETS:
            found[stored.places[0].part, stored.places[0].name] = key
    everywhere = frozenset(StackType)

    def last(place: tuple[str, str]) -> bool:
        return place[0] == "orchestrator" and FIELDS[found[place]].types == everywhere

    return {place: found[place] for place in sorted(found, key=last)}


def runner_fields(type_: StackType, values: object) -> dict[str, Any]:
    """The orchestrator's fields that a description sets.

    Args:
        type_: Its type.
        values: The description, with an attribute per key.
    """
    found = {}
    for (part, name), key in fields_set(type_).items():
        value = getattr(values, FIELDS[key].attribute, None)
        if part == "orchestrator" and value is not None:
            found[name] = value if isinstance(value, bool) else str(value)
    return found


def cluster_of(resource_id: str | None) -> dict[str, str | None]:
    """The part ``cluster``, from what the connector gives the runner.

    Args:
        resource_id: ``CLUSTER``, or on Azure ``RESOURCE_GROUP/CLUSTER``.
    """
    group, _, name = (resource_id or "").rpartition("/")
    return {"name": name or None, "group": group or None}


def _first(places: Iterable[Place], parts: Parts) -> object:
    for place in places:
        part = parts.get(place.part, {})
        value = part.get(place.name)
        if value is not None:
            rest = part.get(place.rest) if place.rest else None
            return f"{value}/{rest}" if value and rest else value
    return None


def _shown_of(component: str, type_: StackType) -> list[Stored]:
    every = [(info.stored or {}).get(type_) for info in FIELDS.values()]
    found = [stored for stored in every if stored and stored.shown]
    return sorted(
        (stored for stored in found if _component_of(stored) == component),
        key=lambda stored: stored.order,
    )


def _component_of(stored: Stored) -> str:
    """The component that says it: the one whose field it is, else the runner."""
    part = (*stored.places, *stored.shown_from)[0].part
    return part if part in EXTRA_TARGETS else "orchestrator"
