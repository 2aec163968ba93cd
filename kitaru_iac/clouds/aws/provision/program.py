"""The inline program around the component: one provider, in one account and region."""

from __future__ import annotations

from collections.abc import Callable

import pulumi_aws as aws

from kitaru_iac.clouds.aws.provision.component import Infrastructure
from kitaru_iac.clouds.aws.provision.layout import Layout
from kitaru_iac.clouds.aws.provision.names import (
    CLUSTER_ROLES,
    log_group_name,
    network_part_name,
    role_name,
)
from kitaru_iac.clouds.programs import NAME, inline

__all__ = ["physical_names", "program"]


def program(layout: Layout) -> Callable[[], None]:
    """The program that makes a layout."""

    def provider() -> aws.Provider:
        return aws.Provider(
            "aws",
            region=layout.region,
            # With credentials of another account nothing is done, whatever the program says.
            allowed_account_ids=[layout.account],
        )

    return inline(Infrastructure, layout.args(), provider)


def physical_names(layout: Layout) -> dict[str, str]:
    """The cloud's names for what the program calls otherwise: what is not there yet has no id."""
    found: dict[str, str] = {}
    if layout.new_bucket:
        parts = ("", "-public-access", "-ownership", "-encryption", "-versioning", "-lifecycle",
                 "-policy")  # fmt: skip
        found |= {f"{NAME}-bucket{part}": layout.new_bucket for part in parts}
    if layout.new_repository:
        found |= {f"{NAME}-repository{part}": layout.new_repository for part in ("", "-lifecycle")}
    if layout.new_role:
        found[f"{NAME}-execution-role"] = layout.new_role
        found[f"{NAME}-execution-policy"] = layout.new_role
    if layout.new_cluster:
        found[f"{NAME}-cluster"] = layout.new_cluster
        found[f"{NAME}-nodes"] = layout.new_cluster
        found[f"{NAME}-cluster-logs"] = log_group_name(layout.new_cluster)
        found[f"{NAME}-network"] = network_part_name(layout.stack, "network")
        found |= {
            f"{NAME}-{use}-role": role_name(layout.stack, use, layout.region)
            for use in CLUSTER_ROLES
        }
    return found
