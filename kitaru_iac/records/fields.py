"""Whether the fields that a description sets on ZenML's components exist, and take their values.

ZenML says so too, but only at registration, for one component, and without a suggestion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import KitaruError, Problem
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.model import ComponentRecord, Records
from kitaru_iac.spec.model import Extra
from kitaru_iac.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel
    from zenml.models import FlavorResponse

    from kitaru_iac.records.stored import Store

__all__ = ["check_extra"]

#: Pydantic's error for a required field that is not there.
_ABSENT = "missing"


def check_extra(store: Store, records: Records, extra: Extra) -> list[Problem]:
    """What is wrong with the configuration of the records' components.

    Args:
        store: Where the flavors are registered.
        records: The desired records, `extra` already laid over them.
        extra: The user's own fields; a problem with one of them is named ``extra.TYPE.FIELD``.

    Returns:
        Every problem, in the order of the components.
    """
    problems: list[Problem] = []
    with quiet():
        flavors = _flavors(store, records)
        for component in records.components:
            own = set(getattr(extra, component.type, {}))
            flavor = flavors.get((component.flavor, component.type))
            problems.extend(_check(store, component, flavor, own))
    return problems


def _check(
    store: Store, component: ComponentRecord, flavor: FlavorResponse | None, own: set[str]
) -> list[Problem]:
    label = f"ZenML's {component.flavor} {component.type.replace('_', ' ')}"
    if flavor is None:
        return [Problem(component.type, f"the store does not know {label}")]
    # What the description says was checked when it was read. A server's flavors are not imported
    # for it: that takes longer than everything else before the write, and the server does so too.
    model = _model(flavor) if own or store.is_local else None
    fields = _fields(flavor, model)
    unknown = [key for key in component.configuration if key not in fields]
    problems = [
        Problem(
            _name(component.type, key, own),
            f"{label} has no field `{key}`",
            remedy=did_you_mean(key, fields) or f"Its fields: {', '.join(sorted(fields))}.",
        )
        for key in unknown
    ]
    known = {k: v for k, v in component.configuration.items() if k in fields}
    if model is not None:
        problems.extend(_wrong_values(model, known, component.type, own))
    return problems


def _flavors(store: Store, records: Records) -> dict[tuple[str, str], FlavorResponse]:
    """The flavors of the records' components, by name and type."""
    from zenml.models import FlavorFilter

    names = json.dumps(sorted({component.flavor for component in records.components}))
    # A name stands for a flavor of each type at most.
    page = store.zen_store.list_flavors(FlavorFilter(name=f"oneof:{names}", size=200), hydrate=True)
    return {(flavor.name, flavor.type.value): flavor for flavor in page.items}


def _model(flavor: FlavorResponse) -> type[BaseModel] | None:
    """The flavor's own model; None where its packages are not installed here."""
    from zenml.stack.flavor import Flavor

    try:
        return Flavor.from_model(flavor).config_class
    except ImportError:
        return None


def _fields(flavor: FlavorResponse, model: type[BaseModel] | None) -> Iterable[str]:
    if model is not None:
        return set(model.model_fields)
    return set(flavor.config_schema.get("properties", {}))


def _wrong_values(
    model: type[BaseModel], configuration: Mapping[str, Any], type: str, own: set[str]
) -> list[Problem]:
    from pydantic import ValidationError
    from zenml.utils.secret_utils import is_secret_field

    problems: list[Problem] = []
    try:
        model(**configuration)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            place = [str(part) for part in detail["loc"]]
            key = place[0] if place else ""
            if detail["type"] == _ABSENT and len(place) <= 1:
                continue  # a name that is still to be provisioned
            field = model.model_fields.get(key)
            hidden = field is not None and is_secret_field(field)
            what = "the value is not valid" if hidden else _sentence(detail["msg"])
            problems.append(Problem(_name(type, ".".join(place) or "*", own), what))
    except KitaruError:
        raise
    except Exception as error:  # noqa: BLE001 (a flavor's validator may raise what it likes)
        lines = str(error).strip().splitlines() or [error.__class__.__name__]
        problems.append(Problem(type, _sentence(lines[0])))
    return problems


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _name(type: str, key: str, own: set[str]) -> str:
    return f"extra.{type}.{key}" if key.split(".", maxsplit=1)[0] in own else f"{type}.{key}"
