"""Whether the fields that a description sets on ZenML's components exist, and take their values.

ZenML says so too, but only at registration, for one component, and without a suggestion.
"""

from __future__ import annotations

from collections.abc import Collection

from kitaru_iac.errors import Problem
from kitaru_iac.gateway.documents import FlavorDoc
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records.model import ComponentRecord, Records
from kitaru_iac.spec.model import Extra
from kitaru_iac.spec.suggest import did_you_mean

__all__ = ["check_extra"]


def check_extra(gateway: Gateway, records: Records, extra: Extra) -> list[Problem]:
    """What is wrong with the configuration of the records' components.

    Args:
        gateway: Where the flavors are registered.
        records: The desired records, `extra` already laid over them.
        extra: The user's own fields; a problem with one of them is named ``extra.TYPE.FIELD``.

    Returns:
        Every problem, in the order of the components.
    """
    names = {component.flavor for component in records.components}
    flavors = {(flavor.name, flavor.type): flavor for flavor in gateway.flavors(names)}
    problems: list[Problem] = []
    for component in records.components:
        own = set(getattr(extra, component.type, {}))
        flavor = flavors.get((component.flavor, component.type))
        problems.extend(_check(gateway, component, flavor, own))
    return problems


def _check(
    gateway: Gateway, component: ComponentRecord, flavor: FlavorDoc | None, own: set[str]
) -> list[Problem]:
    label = f"ZenML's {component.flavor} {component.type.replace('_', ' ')}"
    if flavor is None:
        return [Problem(component.type, f"the store does not know {label}")]
    fields = flavor.fields
    unknown = [key for key in component.configuration if key not in fields]
    problems = [
        Problem(
            _name(component.type, key, own),
            f"{label} has no field `{key}`",
            remedy=did_you_mean(key, fields) or _listed(fields),
        )
        for key in unknown
    ]
    # What the description says was checked when it was read; a server checks values itself.
    if own or gateway.place.kind == "local":
        known = {k: v for k, v in component.configuration.items() if k in fields}
        for error in gateway.field_errors(flavor, known):
            if error.is_absent:
                continue  # a name that is still to be provisioned
            what = "the value is not valid" if error.is_secret else _sentence(error.message)
            name = _name(component.type, error.field or "*", own)
            problems.append(Problem(name, what))
    return problems


def _listed(fields: Collection[str]) -> str:
    return f"Its fields: {', '.join(sorted(fields))}." if fields else "It has no fields: remove it."


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _name(type: str, key: str, own: set[str]) -> str:
    return f"extra.{type}.{key}" if key.split(".", maxsplit=1)[0] in own else f"{type}.{key}"
