"""The closed sets of words, as enums of the package's schema."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.spec.kinds import RUNNING_IN, InfraMode, ResourceMode, StackType

__all__ = ["reference", "schema"]

_INFRA_MODES: Mapping[StrEnum, str] = {
    InfraMode.NONE: "It is taken as given.",
    InfraMode.VERIFY: "It is checked.",
    InfraMode.PROVISION: "What is missing is created.",
}
_RESOURCE_MODES: Mapping[StrEnum, str] = {
    ResourceMode.EXISTING: "It is there, and is used.",
    ResourceMode.CREATE: "It is created.",
    ResourceMode.SKIP: "It is neither created nor checked.",
}
_STATUSES: Mapping[StrEnum, str] = {
    CheckStatus.OK: "It is fit.",
    CheckStatus.WARN: "It works, and something about it should be known.",
    CheckStatus.FAIL: "It does not work.",
    CheckStatus.UNKNOWN: "It could not be looked at.",
}
#: Each enum with what it stands for, and what each of its values means.
_ENUMS: Mapping[type[StrEnum], tuple[str, Mapping[Any, str]]] = {
    StackType: ("Where the flows of a stack run.", RUNNING_IN),
    InfraMode: ("What is done about the infrastructure of a stack.", _INFRA_MODES),
    ResourceMode: ("What is done about one resource.", _RESOURCE_MODES),
    CheckStatus: ("How a check ended.", _STATUSES),
}


def reference(enum: str) -> dict[str, str]:
    """The type of a property whose values are those of an enum.

    Args:
        enum: The name of its class.
    """
    return {"$ref": f"#/types/{_token(enum)}"}


def schema() -> dict[str, Any]:
    """The enums' part of the package's schema, ``types``."""
    return {
        _token(enum.__name__): {
            "type": "string",
            "description": text,
            "enum": [{"value": value.value, "description": texts[value]} for value in enum],
        }
        for enum, (text, texts) in _ENUMS.items()
    }


def _token(enum: str) -> str:
    return f"kitaru:index:{enum}"
