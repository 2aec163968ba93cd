"""Values on Pulumi's wire: what is secret, what is not known yet, and plain values.

Raw protobuf rather than the SDK's experimental provider classes: those send an empty struct for a
resource that does not exist, which the engine reads as "exists", and cannot say "unknown".
The signatures are those of the engine's `sdk/go/common/resource/plugin/rpc.go`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2

__all__ = [
    "UNKNOWN",
    "Properties",
    "holds_secret",
    "is_secret",
    "read",
    "secret",
    "struct",
]

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

#: Stands for a value that is not known before the real run.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
#: Not known yet, one for each kind of value.
_UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)


class _Unknown:
    """The mark of a value that is not known, once it is read."""

    def __repr__(self) -> str:
        return "(not known yet)"


_UNKNOWN = _Unknown()


@dataclass(frozen=True, slots=True)
class Properties:
    """Properties as they came.

    Attributes:
        wire: With the marks of secrets, to be given back.
        values: Plain values, by wire name. Those that are null or not wholly known are left out.
        unknown: The names of those that are not wholly known.
    """

    wire: Mapping[str, Any]
    values: Mapping[str, Any]
    unknown: frozenset[str]

    @property
    def names(self) -> set[str]:
        """All that were given, known or not."""
        return {*self.values, *self.unknown}

    def without(self, names: Collection[str]) -> Properties:
        """The same, less those."""
        wire, values = (
            {name: value for name, value in given.items() if name not in names}
            for given in (self.wire, self.values)
        )
        return Properties(wire, values, self.unknown - set(names))

    def with_that_of(self, other: Properties, name: str) -> Properties:
        """The same, with one property as the others have it, or without it as they."""
        rest = self.without({name})
        wire, values = (
            {**given, name: others[name]} if name in others else given
            for given, others in ((rest.wire, other.wire), (rest.values, other.values))
        )
        return Properties(wire, values, rest.unknown | (other.unknown & {name}))


def read(message: struct_pb2.Struct) -> Properties:
    """The properties of a message."""
    wire = {name: _marked(value) for name, value in json_format.MessageToDict(message).items()}
    values: dict[str, Any] = {}
    unknown: set[str] = set()
    for name, given in wire.items():
        if name.startswith("__"):  # the SDKs' own
            continue
        value = _plain(given)
        if _has_unknown(value):
            unknown.add(name)
        elif value is not None:
            values[name] = value
    return Properties(wire, values, frozenset(unknown))


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """A message of these values; None is left out."""
    message = struct_pb2.Struct()
    message.update({name: value for name, value in values.items() if value is not None})
    return message


def secret(value: object) -> object:
    """The value, marked as a secret; one that is marked or not known stays as it is."""
    if isinstance(value, Mapping) and _SIGNATURE in value:
        return value
    if value is None or (isinstance(value, str) and value in _UNKNOWNS):
        return value
    return {_SIGNATURE: _SECRET, "value": value}


def is_secret(value: object) -> bool:
    """Whether a value is marked as a secret."""
    return isinstance(value, Mapping) and value.get(_SIGNATURE) == _SECRET


def holds_secret(value: object) -> bool:
    """Whether a value is marked as a secret, or anything in it is."""
    if is_secret(value):
        return True
    if isinstance(value, Mapping):
        return any(map(holds_secret, value.values()))
    return isinstance(value, list) and any(map(holds_secret, value))


def _marked(value: object) -> object:
    """The value with no other marks than that of a secret, as a resource's state may hold it."""
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_SIGNATURE) != _OUTPUT:
        return {key: _marked(item) for key, item in value.items()}
    inner = _marked(value["value"]) if "value" in value else UNKNOWN
    return secret(inner) if value.get("secret") else inner


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _UNKNOWN if value in _UNKNOWNS else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        signature = value.get(_SIGNATURE)
        if signature == _SECRET:
            return _plain(value.get("value"))
        return {key: _plain(item) for key, item in value.items()}
    return value


def _has_unknown(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_has_unknown, value))
    return value is _UNKNOWN
