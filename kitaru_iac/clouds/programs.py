"""What the components of all clouds do alike in a running Pulumi program."""

from __future__ import annotations

import pulumi

__all__ = ["foreseen"]


def foreseen(
    output: pulumi.Output[str], value: str | None, resource: pulumi.Resource
) -> pulumi.Output[str]:
    """An output; in a preview what it will be, so that what follows from it is previewed too.

    Args:
        output: What only the cloud tells.
        value: What it will be; None where that is not known beforehand.
        resource: Whose it is.
    """
    if value is None or not pulumi.runtime.is_dry_run():
        return output
    return resource.urn.apply(lambda _: value)
