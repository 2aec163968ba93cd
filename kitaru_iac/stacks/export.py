"""The description that would make a stored stack, without ZenML: what is there, read backwards.

What a key can say is said by it; a component's other fields go into `extra`. What no description
can say, or what the store does not show, is told in words. The result is held against what is
stored with the comparison that a plan makes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.gateway import StackView, read_stack
from kitaru_iac.gateway.masking import masked
from kitaru_iac.labels import DEPLOYMENT_LABELS, MANAGED_LABEL, OUR_LABELS, STACK_LABEL
from kitaru_iac.patterns import compiled
from kitaru_iac.plan.model import Action, Change, Step
from kitaru_iac.records.applied import without_applied
from kitaru_iac.records.describe import description_of
from kitaru_iac.records.diff import is_own_connector
from kitaru_iac.records.model import ConnectorRecord
from kitaru_iac.records.owner import owner_of
from kitaru_iac.spec import StackSpec, from_mapping
from kitaru_iac.spec.credentials import IDENTITY_FIELDS, Credentials
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import InfraMode, StackType
from kitaru_iac.spec.refusal import is_masked
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.stored import fields_set
from kitaru_iac.stacks.drift import lines_of, records_of_view, steps_to
from kitaru_iac.values import dataclass, replace

__all__ = [
    "Exported",
    "credentials_variable",
    "described",
    "described_view",
    "export",
    "export_view",
    "with_deployment",
]

_CONFIGURATION = "configuration."
#: Plain names whose variable another name's digest may give, or that a cloud's libraries read.
_TAKEN = compiled("-([0-9a-f]{6}|application)$")


@dataclass(frozen=True, slots=True)
class Exported:
    """A description of a stored stack.

    Attributes:
        keys: The keys of stack.yaml.
        comments: What is to be known: what is secret, and what no description says.
    """

    name: str
    keys: Mapping[str, Any]
    comments: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"name", "description", "comments"}``."""
        return {
            "name": self.name,
            "description": dict(self.keys),
            "comments": list(self.comments),
        }


def export(ref: str) -> Exported:
    """Describe the stack with this name or id.

    Raises:
        StackNotFound: There is none.
        KitaruError: It is of no type that a description can have.
    """
    return export_view(read_stack(ref))


def described(ref: str, credentials: str | None = None, *, with_infra: bool = False) -> StackSpec:
    """Describe a stack's infrastructure, to examine it; raises as `export`.

    It names the stack's connector, or holds what that tells and the credentials that are given for
    it. Secrets that stand in plain text among `extra` are left out.

    Args:
        ref: Its name or id.
        credentials: Of its connector.
        with_infra: Say that it was provisioned, where its record names a deployment.

    Raises:
        DescriptionError: The connector is somebody else than these credentials.
    """
    view = read_stack(ref)
    keys = described_view(view)
    if credentials is None:
        spec = from_mapping(keys)
        return with_deployment(spec, view) if with_infra else spec
    connector = records_of_view(view).connector
    keys.pop("connector", None)
    told = {} if connector is None else _told_by_connector(keys, connector.configuration)
    spec = from_mapping({**keys, **told, "credentials": credentials})
    if connector is not None and spec.credentials is not None:
        _require_same_identity(spec.credentials, connector)
    return with_deployment(spec, view) if with_infra else spec


def with_deployment(spec: StackSpec, view: StackView) -> StackSpec:
    """Say in the description of a stack that was read that it was provisioned, if it was.

    Checks know then that what it names may have been made, in the stack's own account. A stack that
    a program's `ProvisionedStack` registered has no label of a deployment: its owner tells.
    """
    owner = owner_of(view.labels)
    provisioned = STACK_LABEL in view.labels or (owner is not None and owner.provisions)
    if spec.cloud is None or not provisioned:
        return spec
    return spec.having(infra=InfraMode.PROVISION)


def _require_same_identity(given: Credentials, connector: ConnectorRecord) -> None:
    """Refuse to say of a connector what somebody else may do; keys alone are told by nobody."""
    stored = {name: connector.configuration.get(name) for name in IDENTITY_FIELDS}
    others = {
        name: who
        for name, who in stored.items()
        if isinstance(who, str) and given.values.get(name, "").lower() != who.lower()
    }
    if others:
        said = ", ".join(f"{name} {who}" for name, who in others.items())
        raise DescriptionError(
            [
                Problem(
                    "credentials",
                    f"the connector {connector.name} is not who they are ({given.kind})",
                    f"the store says of it: {said}",
                    "Give its own credentials, or describe the stack in a file to check others",
                    source="--credentials",
                )
            ]
        )


def described_view(view: StackView) -> dict[str, Any]:
    """Give what `described` gives, for a stack that was read; raises as `export` does."""
    keys = description_of(view)
    extra: dict[str, dict[str, Any]] = {}
    for kind, field, value in _beside(keys, view):
        plain = _without_masked(masked({field: value})[field])
        if plain is not None:
            extra.setdefault(kind, {})[field] = plain
    return keys | ({"extra": extra} if extra else {})


def _without_masked(value: object) -> object:
    """A value without what is masked in it; None where nothing is left."""
    if isinstance(value, Mapping):
        inner = {key: _without_masked(one) for key, one in value.items() if not is_masked(key)}
        return {key: one for key, one in inner.items() if one is not None} or None
    return None if is_masked(value) else value


def export_view(view: StackView) -> Exported:
    """Describe a stack that was read; raises as `export` does."""
    keys = description_of(view)
    comments = list(_about(view))
    current = records_of_view(view)
    if current.connector is not None and is_own_connector(current.connector, current):
        keys.pop("connector", None)
        keys |= _told_by_connector(keys, current.connector.configuration)
        if not _logs_in_without_keys(keys, view):
            variable = credentials_variable(view.name)
            keys["credentials"] = f"env:{variable}"
            method = f"{current.connector.type}, method {current.connector.auth_method}"
            comments.append(
                f"The store does not show the connector's credentials ({method}): set {variable} "
                "to the same ones, in the form of `credentials`, before you preview this."
            )
    if not view.is_managed:
        comments += _left_out(keys, view)
    if not view.is_active:
        keys["activate"] = False
    extra, hidden = _extra(keys, view)
    if extra:
        keys["extra"] = extra
    comments += [
        f"{path} holds a secret as plain text, which is left out: "
        "refer to a ZenML secret as {{name.key}}."
        for path in hidden
    ]
    steps = steps_to(keys, _as_described(view))
    comments += _why_not_valid(keys) if steps is None else ()
    told = [*_unsaid(view), *(line for step in steps or () for line in _lines(step, view))]
    comments += [f"No description says this: {line}." for line in told]
    return Exported(view.name, keys, tuple(comments))


def _left_out(keys: Mapping[str, Any], view: StackView) -> Iterator[str]:
    """The labels and the text of a stack that no description can have."""
    for label in view.labels:
        if label not in (keys.get("labels") or {}):
            yield f"No description can have its label {label!r}."
    if view.description and "description" not in keys:
        yield "No description can have its text, which is left out."


def _why_not_valid(keys: Mapping[str, Any]) -> list[str]:
    """What is wrong with a description that was read from a store, a line for each problem."""
    try:
        from_mapping(keys)
    except DescriptionError as error:
        found = [p for p in error.problems if p.field != "credentials"]
        return [f"This description is not valid as it stands: {p.field}: {p.what}." for p in found]
    return []


def _as_described(view: StackView) -> StackView:
    """The stack with the names and labels that its parts have where a description made it.

    Whose they are, and what they are called, is told in words; the rest can be compared.
    """
    ours = {MANAGED_LABEL: "true"}
    runner = view.component("orchestrator")
    # Those of a local stack have no labels: their names tell.
    theirs = {} if runner is not None and runner.flavor == StackType.LOCAL else ours
    return replace(
        view,
        # What was applied would tell which parts are the stack's own: here they all are.
        labels={**without_applied(view.labels), **ours},
        components=tuple(
            replace(part, name=view.name, labels={**part.labels, **theirs})
            if part.role_type in EXTRA_TARGETS and view.component(part.role_type) is part
            else part
            for part in view.components
        ),
    )


def _lines(step: Step, view: StackView) -> list[str]:
    """What a step would change of a stack, less labels that only what Kitaru made has."""
    changes = tuple(c for c in step.changes if view.is_managed or not _is_own_label(c.field))
    if step.changes and not changes:
        return []
    return lines_of(replace(step, changes=changes))


def _is_own_label(field: str) -> bool:
    return field.startswith(f"labels.{OUR_LABELS}")


def _unsaid(view: StackView) -> list[str]:
    """What of a stack's members no description can say."""
    lines = []
    runner = view.component("orchestrator")
    described = [
        kind
        for kind in EXTRA_TARGETS
        if runner is None or kind not in FIELDS or runner.flavor in FIELDS[kind].types
    ]
    for part in view.components:
        subject = f"{part.role_type} {part.name}"
        if part.role_type not in described or view.component(part.role_type) is not part:
            lines.append(f"{subject} is in the stack")
        elif part.name != view.name:
            lines.append(f"{subject} is not called as its stack")
    return lines


def _about(view: StackView) -> Iterator[str]:
    if not view.is_managed:
        yield "Kitaru did not make this stack: preview and apply refuse it under this name."
    places = {key: str(text) for key, text in view.labels.items() if _is_place(key)}
    if places:
        yield (
            "Its infrastructure was provisioned: add `infra: provision`, with the `resources` and "
            "`infrastructure` of its first description, to change that too."
        )


def _is_place(key: str) -> bool:
    return key.startswith(DEPLOYMENT_LABELS)


def _told_by_connector(keys: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that only the connector tells, as the region of a bucket's.

    An existing connector knows them itself; a description that makes its own has to say them.
    """
    found = {}
    for key, info in FIELDS.items():
        if info.needs_cloud and key not in keys and keys["type"] in info.types:
            values = (configuration.get(name) for name in (key, *info.other_words))
            value = next((value for value in values if isinstance(value, str)), None)
            if value is not None:
                found[key] = value
    return found


def _logs_in_without_keys(keys: Mapping[str, Any], view: StackView) -> bool:
    """Whether a description without credentials makes the stored connector."""
    steps = steps_to(keys, _as_described(view))
    if steps is None:
        return False
    connector = [step for step in steps if step.kind == "service_connector"]
    replaced = any(s.kind == "stack" and s.action is Action.REPLACE for s in steps)
    return not replaced and all(step.action is Action.KEEP for step in connector)


def _extra(
    keys: Mapping[str, Any], view: StackView
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """What the components hold beyond the keys, and the paths of what is secret in it."""
    extra: dict[str, dict[str, Any]] = {}
    hidden: list[str] = []
    for kind, field, value in _beside(keys, view):
        if masked({field: value}) != {field: value} or is_masked(value):
            hidden.append(f"{kind}.{field}")
        elif value is not None:
            extra.setdefault(kind, {})[field] = value
    return extra, tuple(hidden)


def _beside(keys: Mapping[str, Any], view: StackView) -> Iterator[tuple[str, str, Any]]:
    """What the components hold beyond the keys: component, field and value."""
    steps = steps_to(keys, _as_described(view))
    for step in _fields_beside(keys, view) if steps is None else steps:
        if step.kind in EXTRA_TARGETS and step.action is Action.UPDATE:
            component = view.component(step.kind)
            for field in _stored_fields(step):
                yield step.kind, field, component.configuration.get(field) if component else None


def _fields_beside(keys: Mapping[str, Any], view: StackView) -> Iterator[Step]:
    """What the components hold that no key says, without a valid description to compare with."""
    said = fields_set(keys["type"])
    for part in view.components:
        if part.role_type in EXTRA_TARGETS and view.component(part.role_type) is part:
            fields = [
                Change(f"{_CONFIGURATION}{field}", value)
                for field, value in part.configuration.items()
                if (part.role_type, field) not in said
                # A registry's second half is said by the same key.
                and (part.role_type, field) != ("container_registry", "default_repository")
            ]
            yield Step(Action.UPDATE, part.role_type, part.name, changes=tuple(fields))


def _stored_fields(step: Step) -> Iterator[str]:
    for change in step.changes:
        if change.field.startswith(_CONFIGURATION) and change.before is not None:
            yield change.field.removeprefix(_CONFIGURATION)


def credentials_variable(name: str) -> str:
    """Name the environment variable that an exported description takes credentials from.

    Two stacks never have one: each would put its keys into the other's connector. What `prod-eu`
    has is readable; what `prod_eu`, `Prod.EU` and `1prod` would share, no shell takes, or has a
    meaning already, has a digest.
    """
    text = re.sub("[^A-Z0-9]+", "_", name.upper()).strip("_")
    is_plain = re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name) is not None
    if not is_plain or _TAKEN.search(name):
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6].upper()
        parts = ("" if text[:1].isalpha() else "STACK", text, digest)
        text = "_".join(part for part in parts if part)
    return f"{text}_CREDENTIALS"
