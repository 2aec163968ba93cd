"""The AzureML workspace, and what it stands on beside the storage account and the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    keyvault,
    machinelearningservices,
    operationalinsights,
)

__all__ = ["Attached", "Setting", "attached", "workspace"]

#: The shortest that Azure takes: so many days a deleted vault keeps its name.
_VAULT_KEPT = 7
_LOGS_KEPT = 30


@dataclass(frozen=True, slots=True)
class Setting:
    """What all parts share.

    Attributes:
        prefix: Of the Pulumi names.
        group: The name of their resource group.
        region: Where they are.
        tags: On all of them.
        parent: The component.
    """

    prefix: str
    group: pulumi.Input[str]
    region: str
    tags: Mapping[str, str]
    parent: pulumi.Resource


@dataclass(frozen=True, slots=True)
class Attached:
    """What a workspace stands on, and is made for it."""

    vault: keyvault.Vault
    insights: applicationinsights.Component


def attached(setting: Setting, *, vault: str, insights: str, tenant: str) -> Attached:
    """Make the key vault and Application Insights, with the workspace of its logs.

    Args:
        setting: What all parts share.
        vault: The vault's name.
        insights: The name of the two others.
        tenant: Whose tokens the vault takes.
    """
    options = pulumi.ResourceOptions(parent=setting.parent)
    kept = keyvault.Vault(
        f"{setting.prefix}-vault",
        vault_name=vault,
        resource_group_name=setting.group,
        location=setting.region,
        properties={
            "tenant_id": tenant,
            "sku": {"family": "A", "name": keyvault.SkuName.STANDARD},
            "enable_rbac_authorization": True,
            "enable_soft_delete": True,
            # Protection from purging cannot be turned off again: its name would be lost for days.
            "soft_delete_retention_in_days": _VAULT_KEPT,
        },
        tags=dict(setting.tags),
        opts=options,
    )
    logs = operationalinsights.Workspace(
        f"{setting.prefix}-logs",
        workspace_name=insights,
        resource_group_name=setting.group,
        location=setting.region,
        sku={"name": "PerGB2018"},
        retention_in_days=_LOGS_KEPT,
        tags=dict(setting.tags),
        opts=options,
    )
    component = applicationinsights.Component(
        f"{setting.prefix}-insights",
        resource_name_=insights,
        resource_group_name=setting.group,
        location=setting.region,
        kind="web",
        application_type="web",
        ingestion_mode="LogAnalytics",
        workspace_resource_id=logs.id,
        tags=dict(setting.tags),
        opts=options,
    )
    return Attached(kept, component)


def workspace(
    setting: Setting,
    name: str,
    stands_on: Attached,
    *,
    account: pulumi.Input[str],
    registry: pulumi.Input[str] | None,
    identity: pulumi.Input[str],
    after: Sequence[pulumi.Resource],
) -> machinelearningservices.Workspace:
    """Make the workspace.

    Args:
        setting: What all parts share.
        name: The workspace's.
        stands_on: The vault and the rest.
        account: The id of its storage account.
        registry: The id of its registry; without one AzureML makes one when it builds an image.
        identity: The id of its identity.
        after: The roles of that identity, which have to be there first.
    """
    who = machinelearningservices.ManagedServiceIdentityArgs(
        type="UserAssigned", user_assigned_identities=[identity]
    )
    args = machinelearningservices.WorkspaceArgs(
        workspace_name=name,
        resource_group_name=setting.group,
        location=setting.region,
        kind="Default",
        sku=machinelearningservices.SkuArgs(name="Basic"),
        identity=who,
        primary_user_assigned_identity=identity,
        storage_account=account,
        key_vault=stands_on.vault.id,
        application_insights=stands_on.insights.id,
        container_registry=registry,
        system_datastores_auth_mode="Identity",
        public_network_access="Enabled",
        v1_legacy_mode=False,
        tags=dict(setting.tags),
    )
    options = pulumi.ResourceOptions(parent=setting.parent, depends_on=after)
    return machinelearningservices.Workspace(f"{setting.prefix}-workspace", args, options)
