"""The inline program around the component: one provider, in one subscription."""

from __future__ import annotations

from collections.abc import Callable

import pulumi_azure_native as azure

from kitaru_iac.clouds.azure.provision.component import Infrastructure
from kitaru_iac.clouds.azure.provision.grants import Use
from kitaru_iac.clouds.azure.provision.layout import Layout
from kitaru_iac.clouds.azure.provision.names import identity_name
from kitaru_iac.clouds.programs import NAME, inline

__all__ = ["physical_names", "program"]


def program(layout: Layout) -> Callable[[], None]:
    """Give the program that makes a layout."""

    def provider() -> azure.Provider:
        return azure.Provider(
            # Whatever the environment says, nothing is done in another subscription.
            "azure",
            subscription_id=layout.subscription,
            location=layout.region,
            # The same chain that was asked beforehand; see `Account.environment`.
            use_default_azure_credential=True,
        )

    return inline(Infrastructure, layout.args(), provider)


def physical_names(layout: Layout) -> dict[str, str]:
    """Give the cloud's names for what the program calls otherwise."""
    named = {
        "group": layout.resource_group if layout.new_group else None,
        **dict.fromkeys(("account", "account-blobs", "account-lifecycle"), layout.new_account),
        "container": layout.new_container,
        "registry": layout.new_registry,
        "identity": layout.new_identity,
        "vault": layout.new_vault,
        **dict.fromkeys(("logs", "insights"), layout.new_insights),
        "workspace": layout.new_workspace,
        "cluster": layout.new_cluster,
        **{use.value: identity_name(layout.stack, use) for use in Use if layout.new_cluster},
    }
    return {f"{NAME}-{part}": name for part, name in named.items() if name is not None}
