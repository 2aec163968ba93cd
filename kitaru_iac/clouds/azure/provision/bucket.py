"""The storage account with the container of the artifact store: private, encrypted, versioned.

Its settings are resources of their own. They are protected like the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pulumi
from pulumi_azure_native import storage

__all__ = ["Bucket"]

#: Days for which what was deleted can be brought back, and old versions stay.
_OLD = 30


class Bucket:
    """A storage account with its settings, and a container.

    Args:
        prefix: Of the Pulumi names.
        name: The account's.
        container: The container's; None for an account without one of ours.
        group: The name of its resource group.
        region: Where it is.
        tags: On the account.
        parent: The component.
        keep: Protect it, and leave it where it is if it goes from the program.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        container: str | None,
        *,
        group: pulumi.Input[str],
        region: str,
        tags: Mapping[str, str],
        parent: pulumi.Resource,
        keep: bool = True,
    ) -> None:
        self.account = storage.StorageAccount(
            f"{prefix}-account",
            account_name=name,
            resource_group_name=group,
            location=region,
            kind="StorageV2",
            sku={"name": "Standard_LRS"},
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            # ZenML opens blobs with Entra's tokens alone; AzureML is told to do so too.
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=parent, protect=keep, retain_on_delete=keep),
        )

        def setting(*after: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(
                parent=self.account,
                protect=keep,
                retain_on_delete=keep,
                # Known names rather than outputs: what is not there yet can be looked up by them.
                depends_on=[self.account, *after],
            )

        self._settings(prefix, name, group, setting)
        self.container: storage.BlobContainer | None = None
        if container is not None:
            self.container = storage.BlobContainer(
                f"{prefix}-container",
                account_name=name,
                resource_group_name=group,
                container_name=container,
                public_access=storage.PublicAccess.NONE,
                opts=setting(),
            )

    def _settings(
        self,
        prefix: str,
        name: str,
        group: pulumi.Input[str],
        setting: Callable[..., pulumi.ResourceOptions],
    ) -> None:
        """Versions of blobs, how long they stay, and how long deleted ones can be brought back."""
        retention: storage.DeleteRetentionPolicyArgsDict = {"enabled": True, "days": _OLD}
        service = storage.BlobServiceProperties(
            f"{prefix}-account-blobs",
            account_name=name,
            resource_group_name=group,
            blob_services_name="default",
            is_versioning_enabled=True,
            delete_retention_policy=retention,
            container_delete_retention_policy=retention,
            opts=setting(),
        )
        storage.ManagementPolicy(
            f"{prefix}-account-lifecycle",
            account_name=name,
            resource_group_name=group,
            management_policy_name="default",
            policy={"rules": [_old_versions()]},
            # https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure:
            # rules about versions need versioning.
            opts=setting(service),
        )


def _old_versions() -> storage.ManagementPolicyRuleArgsDict:
    """The rule that deletes old versions, which would stay and cost for ever."""
    return {
        "name": "old-versions",
        "type": "Lifecycle",
        "enabled": True,
        "definition": {
            "actions": {"version": {"delete": {"days_after_creation_greater_than": _OLD}}},
            "filters": {"blob_types": ["blockBlob"]},
        },
    }
