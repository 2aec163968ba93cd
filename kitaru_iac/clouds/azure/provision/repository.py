"""The registry that images are pushed to: without an admin user, and nothing is removed from it.

Whether it takes roles on the registry or on repositories is what Azure gives new ones: the version
of the API that Pulumi's provider uses has no such property. See `grants.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import containerregistry

__all__ = ["registry"]


def registry(
    prefix: str,
    name: str,
    *,
    group: pulumi.Input[str],
    region: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    keep: bool = True,
) -> containerregistry.Registry:
    """Make the registry.

    Args:
        prefix: Of the Pulumi names.
        name: The registry's.
        group: The name of its resource group.
        region: Where it is.
        tags: On it.
        parent: The component.
        keep: Protect it, and leave it where it is if it goes from the program: Azure deletes a
            registry with its images, also where another one takes its place.
    """
    return containerregistry.Registry(
        f"{prefix}-registry",
        registry_name=name,
        resource_group_name=group,
        location=region,
        sku={"name": "Basic"},
        admin_user_enabled=False,
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent, protect=keep, retain_on_delete=keep),
    )
