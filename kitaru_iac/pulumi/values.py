"""Whether a value of a program is known: plain, or an output that has one later."""

from collections.abc import Mapping

import pulumi

__all__ = ["has_output"]


def has_output(value: object) -> bool:
    """Whether it is an output or something else to wait for, or holds one."""
    if isinstance(value, Mapping):
        return any(has_output(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_output(item) for item in value)
    if isinstance(value, pulumi.Output) or value is pulumi.UNKNOWN:
        return True
    return hasattr(value, "__await__")
