"""What the JSON Schema of a flavor says against a component's configuration.

It is the schema that the server itself has, of whatever version. Values are compared as leniently
as ZenML's own models do: "5" is a number where one is wanted, and a reference to a secret is any
text.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac import redaction
from kitaru_iac.gateway.documents import FieldError
from kitaru_iac.patterns import compiled

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["field_errors", "is_secret", "required_secrets"]

#: So much is shown of what a schema says, which repeats the value.
_LONGEST: Final = 200
_SECRET_REFERENCE: Final = compiled(r"\{\{\s*\S+?\.\S+?\s*\}\}")
_TRUE: Final = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE: Final = frozenset({"0", "off", "f", "false", "n", "no"})


def field_errors(
    schema: Mapping[str, Any], configuration: Mapping[str, object]
) -> list[FieldError]:
    """Compare a configuration with a flavor's schema.

    Args:
        schema: As ``metadata.config_schema`` of the flavor has it.
        configuration: The component's.

    Returns:
        What is wrong with it; nothing, where the schema is not one that can be understood.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return []
    given = {
        key: value
        for key, value in configuration.items()
        if not (isinstance(value, str) and _SECRET_REFERENCE.search(value))
    }
    validator = Draft202012Validator(schema)
    found = [
        FieldError(name, "Field required", is_absent=True)
        for name in schema.get("required", ())
        if name not in configuration
    ]
    for name, value in given.items():
        part = schema.get("properties", {}).get(name)
        if not isinstance(part, Mapping):
            continue
        field = validator.evolve(schema={**part, "$defs": schema.get("$defs", {})})
        best = _best(field, value)
        if best is not None:
            place, message = best
            where = ".".join([name, *place])
            found.append(FieldError(where, message, is_secret=is_secret(part)))
    return found


def _best(validator: Validator, value: object) -> tuple[list[str], str] | None:
    """Where the value is wrong and why; None if it, or what it can be read as, is right."""
    from jsonschema.exceptions import best_match

    if any(validator.is_valid(read) for read in _readings(value)):
        return None
    error = best_match(validator.iter_errors(_readings(value)[0]))
    if error is None:
        return None
    return [str(step) for step in error.absolute_path], redaction.text(str(error.message))[
        :_LONGEST
    ]


def _readings(value: object) -> list[Any]:
    """The value, and what a lenient reader takes it for."""
    if isinstance(value, Mapping):
        return [value, {str(key): _scalars(item)[-1] for key, item in value.items()}]
    if isinstance(value, list | tuple):
        return [list(value), [_scalars(item)[-1] for item in value]]
    return _scalars(value)


def _scalars(value: object) -> list[Any]:
    """A scalar, and what else it may be read as, the closest reading last."""
    if isinstance(value, bool):
        return [value]
    if isinstance(value, int | float):
        whole = [int(value)] if float(value).is_integer() else []
        return [bool(value), value, *whole] if value in (0, 1) else [value, *whole]
    if not isinstance(value, str):
        return [value]
    word, found = value.strip().lower(), [value]
    if word in _TRUE | _FALSE:
        found.append(word in _TRUE)  # type: ignore[arg-type]
    for number in (int, float):
        with suppress(ValueError):
            return [*found, number(word)]
    return list(found)


def is_secret(part: Mapping[str, Any]) -> bool:
    """Say whether a field of a JSON Schema is a secret, as pydantic and ZenML mark them."""
    if part.get("writeOnly") or part.get("format") == "password" or part.get("sensitive"):
        return True
    return any(is_secret(p) for p in part.get("anyOf", ()) if isinstance(p, Mapping))


def required_secrets(schema: Mapping[str, Any]) -> frozenset[str]:
    """Name the secrets without which nothing fits a JSON Schema."""
    fields = schema.get("properties", {})
    return frozenset(name for name in schema.get("required", ()) if is_secret(fields[name]))
