"""Everything in a subscription that carries a deployment's marks, whatever a state knows.

Azure lists resources by one tag, and resource groups apart. What is found counts only if it exists
when it is looked up by itself, and is ours. Role assignments have no tags: they go with what they
are on, and those on what exists already stay there when only their identity is deleted
(https://learn.microsoft.com/azure/role-based-access-control/role-assignments); see `ownership`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.azure.observations import group_of, known_text, text
from kitaru_iac.clouds.azure.provision.kinds import GROUP, KINDS, kind_of
from kitaru_iac.clouds.azure.provision.ownership import sight, tags_of
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.clouds.owned import collected
from kitaru_iac.clouds.provider import Claim, Marked

__all__ = ["claim_of", "marked"]

_RESOURCES = "2022-09-01"
_TAG = "kitaru-stack"


def marked(
    access: AzureAccess,
    subscription: str,
    marks: Mapping[str, str],
    named: tuple[Claim, ...] = (),
) -> Marked:
    """Find what exists and carries the marks, in all regions and groups of the subscription.

    Args:
        access: Asks.
        subscription: Its id.
        marks: The tags that say it is the deployment's.
        named: What is looked up by name too: Azure leaves out of a listing what one may not see,
            without a word, and refuses only who asks for it.
    """
    where = f"/subscriptions/{subscription}"
    return collected(
        (
            partial(_tagged, access, f"{where}/resources", marks),
            partial(_tagged, access, f"{where}/resourcegroups", marks),
        ),
        named,
        claim_of,
        lambda claim: sight(access, subscription, claim.type, claim.inputs, marks),
    )


def claim_of(path: str) -> Claim | None:
    """Say what an id means as a resource of ours; None for kinds that are not looked up.

    Args:
        path: As ``/subscriptions/…/resourceGroups/ml/providers/Microsoft.KeyVault/vaults/kv``.
    """
    group = group_of(path)
    if group is None:
        return None
    _, _, rest = path.partition("/providers/")
    inputs = {"resourceGroupName": group}
    if not rest:
        return Claim(GROUP, inputs)
    kind, _, name = rest.rpartition("/")
    token = kind_of(kind)
    return None if token is None else Claim(token, {**inputs, KINDS[token].name: name})


def _tagged(
    access: AzureAccess, path: str, marks: Mapping[str, str]
) -> tuple[list[str], str | None]:
    try:
        found = access.list(
            path,
            _RESOURCES,
            about="what carries the tags of the deployment",
            filter=f"tagName eq '{_TAG}' and tagValue eq '{marks[_TAG]}'",
        )
        return [
            known_text(one, "id")
            for one in found
            # AKS writes a cluster's tags on the group that it makes for the nodes, which goes with
            # the cluster.
            if marks.items() <= tags_of(one).items() and text(one, "managedBy") is None
        ], None
    except ProbeError as error:
        return [], error.why
