"""Every cloud there is, found by its name: the only place that imports a cloud by a table.

A cloud's module is imported when it is asked for, and imports no SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from kitaru_iac.clouds.provider import CloudProvider, Provisioning, Verification
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec.kinds import Cloud

__all__ = [
    "not_provisioned",
    "provider",
    "provider_behind",
    "providers",
    "provisioning",
    "verification",
]

#: The module of each cloud; its `PROVIDER` is what it offers.
_MODULES: Mapping[Cloud, str] = {
    Cloud.AWS: "kitaru_iac.clouds.aws.provider",
    Cloud.GCP: "kitaru_iac.clouds.gcp.provider",
    Cloud.AZURE: "kitaru_iac.clouds.azure.provider",
}


def provider(cloud: Cloud) -> CloudProvider:
    """Find what a cloud offers."""
    found = import_module(_MODULES[cloud]).PROVIDER
    assert isinstance(found, CloudProvider)
    return found


def providers() -> Iterator[CloudProvider]:
    """Give every cloud, in the order of `Cloud`."""
    return map(provider, _MODULES)


def verification(cloud: Cloud, *, what: str = "Infrastructure checks", where: str) -> Verification:
    """Find how a cloud is checked.

    Args:
        cloud: Which.
        what: What is wanted of it, in the plural, for the error.
        where: For whom, for the error.

    Raises:
        KitaruError: It cannot be checked yet.
    """
    found = provider(cloud).verification
    if found is None:
        able = _labels(one for one in providers() if one.verification is not None)
        raise KitaruError(
            f"{what} exist for {able} only",
            where=where,
            why=f"There are none for {cloud.value} yet",
            remedy="Go on without them: --infra none.",
        )
    return found


def provisioning(cloud: Cloud) -> Provisioning:
    """Find how infrastructure is made on a cloud.

    Raises:
        KitaruError: Nothing can be made there yet.
    """
    found = provider(cloud).provisioning
    if found is None:
        raise not_provisioned(cloud.value)
    return found


def provider_behind(provider_type: str) -> CloudProvider | None:
    """Find the cloud that a provider of a deployment's state stands for.

    Args:
        provider_type: Its type in Pulumi, as ``pulumi:providers:NAME``.

    Returns:
        None where it is the provider of no cloud that infrastructure is made on.
    """
    for one in providers():
        found = one.provisioning
        if found is not None and provider_type == f"pulumi:providers:{found.pulumi_provider}":
            return one
    return None


def not_provisioned(where: str) -> KitaruError:
    """Say that nobody has taught us to make anything there.

    Args:
        where: A cloud, ``this machine``, or the type of a provider in Pulumi.
    """
    able = _labels(one for one in providers() if one.provisioning is not None)
    return KitaruError(
        f"Infrastructure cannot be provisioned on {where} yet",
        why=f"It is on {able} only.",
        remedy="Make it yourself, and leave infra out or at `verify`.",
    )


def _labels(found: Iterator[CloudProvider]) -> str:
    *first, last = [one.cloud.label for one in found] or ["no cloud"]
    return f"{', '.join(first)} and {last}" if first else last
