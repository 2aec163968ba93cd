"""Everything in a subscription that carries a deployment's marks, whatever a state knows.

Azure lists resources by one tag at a time, and resource groups apart. What is found counts only if
it exists when it is looked up by itself, and is ours. Role assignments have no tags: they go with
what they are on, and those on what exists already stay there when only their identity is deleted
(https://learn.microsoft.com/azure/role-based-access-control/role-assignments); see `ownership`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.azure.observations import Raw, group_of, known_text, text
from kitaru_iac.clouds.azure.provision.kinds import GROUP, KINDS, kind_of
from kitaru_iac.clouds.azure.provision.ownership import sight
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.clouds.owned import collected
from kitaru_iac.clouds.provider import Claim, Marked

__all__ = ["claim_of", "marked"]

_RESOURCES = "2022-09-01"


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
    return collected(
        (partial(_tagged, access, f"/subscriptions/{subscription}", marks),),
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
    access: AzureAccess, subscription: str, marks: Mapping[str, str]
) -> tuple[list[str], str | None]:
    """Find groups, and resources in any group but those that AKS makes for a cluster's nodes.

    AKS writes a cluster's tags on that group and on what is in it, and all of it goes with the
    cluster. https://learn.microsoft.com/azure/aks/use-tags
    """
    found: list[str] = []
    try:
        groups = _listed(access, f"{subscription}/resourcegroups", marks)
        managed = {key for key, one in groups.items() if text(one, "managedBy") is not None}
        found += [known_text(one, "id") for key, one in groups.items() if key not in managed]
        found += [
            known_text(one, "id")
            for key, one in _listed(access, f"{subscription}/resources", marks).items()
            if key.partition("/providers/")[0] not in managed and text(one, "managedBy") is None
        ]
    except ProbeError as error:
        return found, error.why
    return found, None


def _listed(access: AzureAccess, path: str, marks: Mapping[str, str]) -> dict[str, Raw]:
    """List what carries all of the marks, by its id in small letters.

    A filter takes one tag, and what it leaves in comes without its tags
    (https://learn.microsoft.com/rest/api/resources/resources/list): so each mark is asked for.
    """
    found: dict[str, Raw] | None = None
    for key, value in marks.items():
        listed = access.list(
            path,
            _RESOURCES,
            about="what carries the tags of the deployment",
            filter=f"tagName eq '{key}' and tagValue eq '{value}'",
        )
        seen = {known_text(one, "id").lower(): one for one in listed}
        found = {key: one for key, one in seen.items() if found is None or key in found}
        if not found:
            break
    return found or {}
