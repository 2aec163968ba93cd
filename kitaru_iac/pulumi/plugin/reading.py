"""What is stored for a stack, as the properties of a resource. Reads, and does without ZenML."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.errors import KitaruError, StackNotFound, UsageError
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, wire_names
from kitaru_iac.pulumi.plugin import place
from kitaru_iac.pulumi.plugin.check import description
from kitaru_iac.pulumi.plugin.wire import Properties, holds_secret, is_secret, secret
from kitaru_iac.spec.fields import FIELDS

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackView

__all__ = ["COMPUTED", "CONNECTOR", "Made", "imported", "made", "refreshed", "view_of"]

#: Properties that may hold a secret by themselves.
SECRETS = frozenset(camel(key) for key in STACK_KEYS if FIELDS[key].secret)
#: What is said of the service connector; left out where the stack has none.
CONNECTOR = ("connectorId", "connectorType", "connectorAuthMethod")
#: Properties that the provider adds to those of the program.
COMPUTED = (
    *("type", "componentIds", *CONNECTOR),
    *("serverId", "server", "ownerUrn", "ownerRun", "drift"),
)
_UNMARKED = (
    "Stack '{name}' belongs to no program yet. Once the resource is in this one, pulumi up marks "
    "the stack as its own."
)
_LET_GO = (
    "Once the resource is in this program, pulumi up takes stack '{name}' over, and marks it as "
    "its own."
)
_ANOTHER_STATE = (
    "Stack '{name}' was made by a resource of this very address, in another state or in one that "
    "is lost. Once the resource is in this program, pulumi up takes it over. If another state has "
    "it (in another backend or organization, or of a Pulumi stack that was renamed), let one of "
    "the two forget it: pulumi state delete {urn}"
)


@dataclass(frozen=True, slots=True)
class Made:
    """A stack that is stored.

    Attributes:
        id: Its UUID.
        properties: All of its properties, as they go over the wire.
        inputs: Those of the program, where a read found them.
        warnings: What the user has to know.
        advice: What is to be done after an import, by the property that is missing; nothing where
            the stack is only looked at, or the program has that property.
    """

    id: str
    properties: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    advice: Mapping[str, str] = field(default_factory=dict)


def view_of(ref: str) -> StackView | None:
    """The stack with exactly this name or id."""
    with place.reader() as reader:
        try:
            view = reader.stack(ref)
        except (StackNotFound, UsageError):  # no stack, or a name that begins several ids
            return None
    # The reader takes the beginning of an id too, which is for people.
    return view if view.name == ref or _is_id(ref, view.id) else None


def _is_id(ref: str, id: str) -> bool:
    try:
        return UUID(ref) == UUID(id)
    except ValueError:
        return False


def made(id: str, new: Properties, warnings: tuple[str, ...] = ()) -> Made:
    """The properties of a stack that was just written."""
    view = view_of(id)
    if view is None:
        raise KitaruError(f"The stack {id} was registered, and is gone again")
    return Made(id, {**new.wire, **_computed(view), "drift": []}, new.wire, warnings)


def _computed(view: StackView) -> dict[str, Any]:
    from kitaru_iac.records.owner import owner_of
    from kitaru_iac.stacks.drift import records_of_view

    records, owner = records_of_view(view), owner_of(view.labels)
    connector = records.connector
    return {
        "type": records.stack_type,
        "componentIds": {component.role_type: component.id for component in view.components},
        "connectorId": connector.id if connector else None,
        "connectorType": connector.type if connector else None,
        "connectorAuthMethod": connector.auth_method if connector else None,
        **place.properties(),
        "ownerUrn": owner.urn if owner else None,
        "ownerRun": owner.run if owner else None,
    }


def refreshed(
    view: StackView,
    inputs: Properties,
    labels: Mapping[str, str],
    run: str | None = None,
    *,
    back: Properties | None = None,
) -> Made:
    """The properties of a stack as they are now, beside those that it was last given.

    Args:
        view: The stack.
        inputs: Those that it was last given.
        labels: What its record should say of its owner.
        run: The token that the state holds. That of the record may be somebody else's by now, and
            whoever had it in its state would own the stack as well.
        back: What of the inputs is given back; None for all.
    """
    from kitaru_iac.stacks.drift import drift_of

    given = description(inputs.values, None)
    given.setdefault("name", view.name)
    drift = drift_of({**given, "activate": False}, view, labels)
    found = dict((back or inputs).wire)
    for key, value in drift.changed.items():
        hidden = is_secret(found.get(camel(key)))
        found[camel(key)] = secret(value) if hidden else value
    found = {key: value for key, value in found.items() if value is not None}
    rest: Any = list(drift.rest)
    # The words repeat what was given. Credentials are not among it: no store gives them back.
    if rest and any(
        holds_secret(given) for key, given in inputs.wire.items() if key not in SECRETS
    ):
        rest = secret(rest)
    properties = {**found, **_computed(view), "drift": rest, "ownerRun": run}
    return Made(view.id, properties, found)


def imported(
    view: StackView, urn: str, *, former: str | None = None, known: Collection[str] = ()
) -> Made:
    """The properties that would make a stack which was not made by a program.

    A store does not give secrets back: for a connector with any, the program has to have them. The
    owner's token is the owner's: another resource or another state that had it would own the stack
    as well. Without one, the next update marks the stack as the resource's, or says whose it is.

    Args:
        view: The stack.
        urn: The resource's.
        former: The resource that is said to have let the stack go; its token is taken over.
        known: The tokens that this machine noted for the resource in this state.
    """
    from kitaru_iac.records.describe import description_of
    from kitaru_iac.records.diff import is_own_connector
    from kitaru_iac.records.owner import owner_of
    from kitaru_iac.stacks.drift import records_of_view

    warnings: list[str] = []
    advice: dict[str, str] = {}
    try:
        found = description_of(view)
    except KitaruError as error:
        found = {"name": view.name}
        warnings.append(str(error))
    records = records_of_view(view)
    connector = records.connector
    if connector is not None and is_own_connector(connector, records):
        found.pop("connector", None)
        if connector.auth_method != "implicit":
            advice["credentials"] = (
                f"The credentials of connector {connector.name} ({connector.auth_method}) cannot "
                "be read back. Write `credentials` in the program before `pulumi up`: without them "
                "the stack would be replaced by one with implicit authentication."
            )
    accepted = {key: value for key, value in found.items() if key in STACK_KEYS}
    inputs = wire_names(accepted)
    properties = {**inputs, **_computed(view), "drift": []}
    owner = owner_of(view.labels)
    if owner is None:
        advice["ownerUrn"] = _UNMARKED.format(name=view.name)
    elif owner.urn == former:
        advice["ownerUrn"] = _LET_GO.format(name=view.name)
    elif owner.run not in known:
        properties["ownerRun"] = None
        if owner.urn == urn:
            advice["ownerUrn"] = _ANOTHER_STATE.format(name=view.name, urn=shlex.quote(urn))
        else:
            advice["ownerUrn"] = (
                f"Stack '{view.name}' is {owner}, which keeps it: to be looked at here, and no "
                "more. pulumi up will say how to take it over if that program has let it go."
            )
    return Made(view.id, properties, inputs, tuple(warnings), advice)
