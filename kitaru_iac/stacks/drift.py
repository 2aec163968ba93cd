"""What has been changed in a store since a stack was described, without ZenML.

The reader's view of a stack is compared with what its description asks for. Differences that a key
of the description can say are laid over it; the rest is told in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.errors import DescriptionError, KitaruError
from kitaru_iac.gateway import ConnectorView, StackView
from kitaru_iac.gateway.masking import masked
from kitaru_iac.labels import (
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    REUSED_CONNECTORS_LABEL,
    is_managed,
)
from kitaru_iac.plan.model import HIDDEN, Action, Step
from kitaru_iac.records.annotations import ignoring
from kitaru_iac.records.describe import description_of
from kitaru_iac.records.diff import diff
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stack_type
from kitaru_iac.records.parts import REGION_LABEL
from kitaru_iac.spec import StackSpec, from_mapping, to_mapping
from kitaru_iac.spec.stored import Parts, cluster_of, keys_of, keys_read
from kitaru_iac.stacks.desired import desired_records
from kitaru_iac.values import dataclass, replace

__all__ = ["Drift", "drift_of", "lines_of", "records_of_view", "steps_to"]

#: Keys of what the records are called, which is told in words.
_NAMES = frozenset({"name", "connector"})


@dataclass(frozen=True, slots=True)
class Drift:
    """How a stored stack differs from its description.

    Attributes:
        changed: Keys of the description with their values in the store; None where it has none.
        rest: What no key says, one line each.
    """

    changed: Mapping[str, Any]
    rest: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.rest)


def drift_of(
    given: Mapping[str, Any], view: StackView, labels: Mapping[str, str] | None = None
) -> Drift:
    """Compare a stored stack with the description it was made from.

    Args:
        given: The description's keys. Credentials that cannot be resolved here are passed over.
        view: What is stored.
        labels: Further labels that the stack should carry.
    """
    spec, credentials = _spec(given)
    current = records_of_view(view)
    renamed: tuple[str, ...] = ()
    if spec is not None and spec.name != view.name:
        renamed = (f"stack {spec.name}: it is called '{view.name}'",)
        current = replace(current, stack=spec.name)
    changed: dict[str, Any] = {}
    if spec is not None:
        changed = _changed_keys(spec, view)
        if changed:
            laid_over = {**given, **changed}
            spec, credentials = _spec({k: v for k, v in laid_over.items() if v is not None})
            if spec is None:  # no description at all would make what is stored
                changed = {}
                spec, credentials = _spec(given)
    if spec is None:
        return Drift({}, ("its description is not valid any more",))
    desired = _wanted(spec, current, view, labels or {}, credentials=credentials)
    steps = diff(desired, current)
    told = tuple(line for step in steps for line in lines_of(step, current))
    return Drift(changed, renamed + told)


def steps_to(given: Mapping[str, Any], view: StackView) -> list[Step] | None:
    """The steps from what is stored to what a description of that stack asks for.

    Args:
        given: The description's keys. Credentials are passed over: what a variable of that name
            holds on this machine says nothing of what is stored.
        view: What is stored.

    Returns:
        Steps as a plan has them; None where the description is not valid.
    """
    spec, _ = _spec({key: value for key, value in given.items() if key != "credentials"})
    if spec is None:
        return None
    current = records_of_view(view)
    known = "credentials" not in given
    return diff(_wanted(spec, current, view, {}, credentials=known), current)


def records_of_view(view: StackView) -> Records:
    """The records of a stack that the reader gave; secrets are not among them."""
    reused = REUSED_CONNECTORS_LABEL in view.labels
    connectors = {connector.id: connector for connector in view.connectors}
    linked = [connectors[c.connector_id] for c in view.components if c.connector_id in connectors]
    own = [link for link in linked if link.name == view.name and is_managed(link.labels)]
    used = next(iter(own or linked), None)  # as `Store.records_of` chooses among several
    components = tuple(
        ComponentRecord(
            type=component.role_type,
            name=component.name,
            flavor=component.flavor,
            configuration=component.configuration,
            uses_connector=component.connector_id is not None,
            resource_id=component.connector_resource_id,
            labels={key: str(value) for key, value in component.labels.items()},
            id=component.id,
            connector_id=component.connector_id,
        )
        for component in view.components
    )
    runner = view.component("orchestrator")
    return Records(
        stack=view.name,
        stack_type=stack_type(runner.flavor if runner else None),
        components=components,
        connector=None if used is None else _connector(used, reused=reused),
        labels={key: str(value) for key, value in view.labels.items()},
        description=view.description or None,
        id=view.id,
    )


def _connector(view: ConnectorView, *, reused: bool) -> ConnectorRecord:
    return ConnectorRecord(
        name=view.name,
        type=view.type,
        auth_method=view.auth_method,
        configuration=view.configuration,
        labels={key: str(value) for key, value in view.labels.items()},
        existing=reused,
        id=view.id,
    )


def _spec(given: Mapping[str, Any]) -> tuple[StackSpec | None, bool]:
    """The description, and whether its credentials are known here."""
    try:
        return from_mapping(given), True
    except DescriptionError as error:
        if "credentials" not in given or any(p.field != "credentials" for p in error.problems):
            return None, False
    try:
        return from_mapping({k: v for k, v in given.items() if k != "credentials"}), False
    except DescriptionError:
        return None, False


def _changed_keys(spec: StackSpec, view: StackView) -> dict[str, Any]:
    """The described keys whose values are others in the store."""
    try:
        stored = description_of(view)
    except KitaruError:  # of a kind that no description makes: the rest says how
        return {}
    written, found = to_mapping(spec), _canonical(stored)
    # What `extra` adds to a key's field is read back with the key, as a registry's repository.
    made = _canonical(
        keys_of(spec.type, _parts(_with_stored_connector(desired_records(spec), view)))
    )
    # Others are not given back as they were written: what differs by them is told in words.
    compared = keys_read(spec.type) - _NAMES
    return {
        key: found.get(key)
        for key in written
        if key in compared and found.get(key) not in (written[key], made.get(key))
    }


def _parts(records: Records) -> Parts:
    """What a description makes, as the table of fields reads what is stored."""
    runner = records.component("orchestrator")
    return {
        **{component.type: component.configuration for component in records.components},
        "connector": {} if records.connector is None else records.connector.configuration,
        "labels": records.labels,
        "cluster": cluster_of(runner.resource_id if runner else None),
        "stack": {"name": records.stack, "type": records.stack_type},
    }


def _canonical(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return to_mapping(from_mapping(keys))
    except DescriptionError:
        return keys


def _wanted(
    spec: StackSpec,
    current: Records,
    view: StackView,
    labels: Mapping[str, str],
    *,
    credentials: bool,
) -> Records:
    desired, rules = desired_records(spec), spec.ignore_changes
    place = {k: v for k, v in current.labels.items() if k.startswith(DEPLOYMENT_LABELS)}
    desired = replace(desired, labels={**desired.labels, **place, **labels})
    components = (replace(c, configuration=masked(c.configuration)) for c in desired.components)
    desired = replace(desired, components=tuple(components))
    wanted = desired.connector
    if wanted is None and current.connector is not None and not credentials:
        return _as_connected(desired, current)
    if wanted is None:
        return ignoring(desired, current, rules)
    if wanted.existing:
        return ignoring(_with_stored_connector(desired, view), current, rules)
    if not credentials and current.connector is not None:
        wanted = current.connector
    else:
        wanted = replace(wanted, secrets={})
    return ignoring(replace(desired, connector=wanted), current, rules)


def _with_stored_connector(desired: Records, view: StackView) -> Records:
    """The records with an existing connector as it is stored: no description says what it holds."""
    wanted = desired.connector
    if wanted is None or not wanted.existing:
        return desired
    stored = next((c for c in view.connectors if wanted.name in {c.name, c.id}), None)
    return (
        desired if stored is None else replace(desired, connector=_connector(stored, reused=True))
    )


def _as_connected(desired: Records, current: Records) -> Records:
    """The records of a local stack that has a connector only for the credentials unknown here.

    What hangs on the connector is taken as it is stored.
    """

    def connected(component: ComponentRecord) -> ComponentRecord:
        stored = current.component(component.type)
        if stored is None:
            return component
        return replace(
            component,
            uses_connector=stored.uses_connector,
            resource_id=stored.resource_id,
            labels=stored.labels,
        )

    return replace(
        desired,
        components=tuple(map(connected, desired.components)),
        connector=current.connector,
        # A connector holds the region, which else stands on the stack.
        labels={key: text for key, text in desired.labels.items() if key != REGION_LABEL},
    )


def lines_of(step: Step, current: Records | None = None) -> list[str]:
    """Say what a step of repair would undo, a line for each field; nothing where it keeps.

    Args:
        step: From what is stored to what is described.
        current: What is stored: a part that is there, and not Kitaru's any more, is told from it.
    """
    if step.action is Action.KEEP:
        return []
    subject = f"{step.kind} {step.name}"
    if step.action is Action.CREATE:
        if current is not None and _is_there(step, current):
            return [f"{subject} is there without the label {MANAGED_LABEL}"]
        return [f"{subject} is not there any more"]
    if step.action is Action.DELETE:
        return [f"{subject} is there, and not described"]
    if not step.changes:
        return [f"{subject}: {step.reason}"]
    return [
        f"{subject}: {change.field} is {_shown(change.before)}, not {_shown(change.after)}"
        for change in step.changes
        if change.before != change.after  # a member of that name that is not Kitaru's
    ]


def _is_there(step: Step, current: Records) -> bool:
    parts = (current.component(step.kind), current.connector)
    part = parts[step.kind == "service_connector"]
    return part is not None and part.name == step.name


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    return value if value == HIDDEN else repr(value)
