"""The Pulumi plugins of the clouds: each belongs to the SDK that is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from kitaru_iac.errors import MissingPackages
from kitaru_iac.spec.kinds import Cloud

__all__ = ["version_of"]


def version_of(package: str, cloud: Cloud) -> str:
    """The version of a cloud's Pulumi plugin, which is that of its SDK.

    Args:
        package: The SDK's distribution, as ``pulumi-aws``.
        cloud: Whose it is.

    Raises:
        MissingPackages: The SDK is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise MissingPackages(
            f"The {cloud.label} packages are not installed",
            why=f"Provisioning on {cloud.label} needs {package}",
            remedy=f"pip install 'kitaru-iac[{cloud.value}]'",
        ) from error
