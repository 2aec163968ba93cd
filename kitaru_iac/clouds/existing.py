"""What a description names, less what it does not say to be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kitaru_iac.spec.kinds import ResourceMode
from kitaru_iac.spec.model import BaseSpec
from kitaru_iac.values import replace

__all__ = ["without_absent"]

NamedT = TypeVar("NamedT")


def without_absent(named: NamedT, spec: BaseSpec, fields: Mapping[str, str]) -> NamedT:
    """Take away what a description wants created or skipped.

    Args:
        named: A cloud's dataclass of what the description names.
        spec: The description.
        fields: By the keys of ``resources``, the field of `named` that has each.
    """
    gone = {
        fields[key]: None
        for key, way in spec.resources.items()
        if way is not ResourceMode.EXISTING and key in fields
    }
    return replace(named, **gone)  # type: ignore[type-var]
