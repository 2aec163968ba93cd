"""What holds data, or what others made: asked before anything goes.

Azure deletes a storage account, a registry and a whole resource group with all that is in them, and
asks nobody. So it is looked up here, and what holds something stays until that is said to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kitaru_iac.checks.probes import Denied, NotFound, ProbeError
from kitaru_iac.clouds.azure.decisions import reads_all
from kitaru_iac.clouds.azure.observations import (
    Raw,
    group_of,
    known_text,
    raws,
    roles_in,
    text,
    within,
)
from kitaru_iac.clouds.azure.provision.kinds import ACCOUNT, GROUP, KINDS, REGISTRY, kind_of
from kitaru_iac.clouds.azure.provision.ownership import tags_of
from kitaru_iac.clouds.azure.session import AzureAccess

__all__ = ["Contents", "contents", "others_told", "told"]

_GROUPS, _AUTHORIZATION = "2022-09-01", "2022-04-01"
_FEW = 3
_MARKS = ("kitaru-stack", "pulumi-project", "pulumi-stack")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a thing.

    Attributes:
        data: What it holds, in words; None if nothing.
        others: What is in it and is not the deployment's own, in words; None if nothing.
    """

    data: str | None = None
    others: str | None = None


def contents(access: AzureAccess, type: str, id: str) -> Contents:
    """Look into a stateful resource; what is gone holds nothing.

    Raises:
        ProbeError: It cannot be told.
    """
    try:
        if type == ACCOUNT:
            return Contents(_blobs(access, id) or _files(access, id))
        if type == REGISTRY:
            return Contents(_images(access, id))
        if type == GROUP:
            return _group(access, id)
    except NotFound:
        pass
    return Contents()


def _blobs(access: AzureAccess, id: str) -> str | None:
    account = id.rsplit("/", 1)[-1]
    listed = access.list(
        f"{id}/blobServices/default/containers",
        KINDS[ACCOUNT].version,
        about=f"the containers of {account}",
    )
    for one in listed:
        name = known_text(one, "name")
        try:
            if access.holds_blobs(account, name):
                return f"its container {name} holds blobs"
        except NotFound:
            continue
    return None


def _files(access: AzureAccess, id: str) -> str | None:
    """What file shares hold: AzureML keeps its users' notebooks and code in one.

    https://learn.microsoft.com/azure/machine-learning/concept-workspace#associated-resources,
    https://learn.microsoft.com/rest/api/storagerp/file-shares/get
    """
    account = id.rsplit("/", 1)[-1]
    shares, version = f"{id}/fileServices/default/shares", KINDS[ACCOUNT].version
    for one in access.list(shares, version, about=f"the file shares of {account}"):
        name = known_text(one, "name")
        about = f"how much the file share {name} of {account} holds"
        try:
            found = access.get(f"{shares}/{name}", version, about=about, expand="stats")
        except NotFound:
            continue
        used = within(found, "properties", "shareUsageBytes")
        if used is None:
            return f"its file share {name} may hold files: Azure does not say how much"
        if used:
            return f"its file share {name} holds files"
    return None


def _images(access: AzureAccess, id: str) -> str | None:
    name = id.rsplit("/", 1)[-1]
    answer = access.get(
        f"{id}/listUsages", KINDS[REGISTRY].version, about=f"what the registry {name} stores"
    )
    for one in raws(answer, "value"):
        if text(one, "name") == "Size":
            return "it holds images" if within(one, "currentValue") else None
    return "it may hold images: Azure does not say how much it stores"


def _group(access: AzureAccess, id: str) -> Contents:
    """All of a group: the data of what is ours, and what is not ours."""
    name = id.rsplit("/", 1)[-1]
    tags = tags_of(access.get(id, _GROUPS, about=f"the resource group {name}"))
    _require_whole_view(access, id, name)
    listed = access.list(f"{id}/resources", _GROUPS, about=f"what is in the group {name}")
    ours = [one for one in listed if _is_like(one, tags)]
    others = [
        f"{text(one, 'type')} {text(one, 'name')}"
        for one in listed
        if one not in ours and not _is_by_product(one)
    ]
    data = None
    for one in ours:
        token = kind_of(known_text(one, "type"))
        if token in {ACCOUNT, REGISTRY}:
            inside = contents(access, token, known_text(one, "id")).data
            if inside is not None:
                data = f"it has {known_text(one, 'name')}: {inside}"
                break
    more = f" and {len(others) - _FEW} more" if len(others) > _FEW else ""
    return Contents(data, f"{', '.join(others[:_FEW])}{more}" if others else None)


def _require_whole_view(access: AzureAccess, id: str, name: str) -> None:
    """Refuse to call empty what is listed in part: Azure leaves out what one may not read.

    Who may delete a group deletes all that is in it, read or not.

    Raises:
        Denied: The caller may not read all that is in the group.
        ProbeError: It is not known whether they may.
    """
    path = f"{id}/providers/Microsoft.Authorization/permissions"
    listed = access.list(path, _AUTHORIZATION, about=f"the caller's rights on the group {name}")
    if not reads_all(role for page in listed for role in roles_in({"value": [page]}, "value")):
        raise Denied(
            f"these credentials may not see all that is in the group {name}",
            permission="*/read",
            resource=id,
        )


def _is_like(one: Raw, group: Mapping[str, str]) -> bool:
    """Whether a resource carries the marks that its group carries, and is of a kind that is made.

    Tags alone do not tell: Azure's policies "Inherit a tag from the resource group" write the
    group's on whatever a colleague makes in it. A group that has lost one of its marks tells no
    deployment from another one: then nothing in it is.
    """
    if kind_of(known_text(one, "type")) is None:
        return False
    tags = tags_of(one)
    return all(key in group and tags.get(key) == group[key] for key in _MARKS)


def _is_by_product(one: Raw) -> bool:
    """What Azure adds by itself to a group with Application Insights, without data."""
    kind, name = known_text(one, "type").lower(), known_text(one, "name").lower()
    return (kind, name) == (
        "microsoft.insights/actiongroups",
        "application insights smart detection",
    ) or (
        kind == "microsoft.alertsmanagement/smartdetectoralertrules"
        and name.startswith("failure anomalies - ")
    )


def told(access: AzureAccess, type: str, id: str) -> str | None:
    """Say what a stateful resource holds, in words; None if it is empty or gone."""
    try:
        found = contents(access, type, id)
    except ProbeError as error:
        return f"it may hold data: {error.why}"
    return found.data if found.others is None else _of_others(id, found.others)


def others_told(access: AzureAccess, type: str, id: str) -> str | None:
    """Say what is in a resource and is not the deployment's own; None if nothing."""
    if type != GROUP:
        return None
    try:
        others = contents(access, type, id).others
    except ProbeError as error:
        return f"what is in it cannot be told, and all of it would go: {error.why}"
    return None if others is None else _of_others(id, others)


def _of_others(id: str, others: str) -> str:
    return f"the group {group_of(id) or id} has what was not made for this stack: {others}"
