"""Looking whether the infrastructure that a description names is fit.

The one entry for the command, the Pulumi function, MCP and Python. It only reads, and it imports
the SDK of the description's own cloud alone.
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.checks.model import CheckInfo, CheckReport, run_checks
from kitaru_iac.checks.probes import TIMEOUT, WORKERS
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import BaseSpec

__all__ = ["catalog", "policy", "verify"]


def verify(
    spec: BaseSpec,
    *,
    timeout: float = TIMEOUT,
    max_workers: int = WORKERS,
    identity: str | None = None,
) -> CheckReport:
    """Run every check of the description at the same time.

    Args:
        spec: The description. What it wants created or skipped is not checked.
        timeout: Seconds for one probe. A slower one is unknown, and holds up no other.
        max_workers: How many probes may be under way at once.
        identity: On AWS the ARN of the user or role that the connector is, where the description
            does not tell (an existing connector; a server's own identity).

    Returns:
        One result for each check; an empty report for a stack that is all on this machine.

    Raises:
        MissingPackages: The cloud's packages are not installed.
        KitaruError: There are no checks for this cloud yet.
    """
    if spec.cloud is None:
        return CheckReport(spec.name)
    _aws_only(spec, "Infrastructure checks")
    from kitaru_iac.clouds.aws.verify import checks_for

    checks = checks_for(spec, timeout=timeout, identity=identity)
    return CheckReport(spec.name, run_checks(checks, timeout, max_workers))


def policy(spec: BaseSpec) -> dict[str, Any]:
    """The exact permissions that a stack needs, by identity, from the table that the checks use.

    Nothing is asked of any cloud, and no SDK is needed.

    Returns:
        ``{"stack", "cloud", "policies": {identity: document}, "trust": {identity: document}}``.
        On AWS: ``connector`` (ZenML's client and server), ``runtime`` (the steps), ``pull`` (who
        pulls the image) and ``verify`` (who runs the checks), as IAM documents; ``trust`` says who
        may become the roles of `runtime` and `pull`.

    Raises:
        KitaruError: There is no table for this cloud yet.
    """
    if spec.cloud is None:
        return {"stack": spec.name, "cloud": None, "policies": {}, "trust": {}}
    _aws_only(spec, "Permission tables")
    from kitaru_iac.clouds.aws.permissions import policies, trusts

    return {
        "stack": spec.name,
        "cloud": spec.cloud.value,
        "policies": policies(spec),
        "trust": trusts(spec),
    }


def catalog() -> tuple[CheckInfo, ...]:
    """Every check there is, of all clouds. Imports no cloud's SDK."""
    from kitaru_iac.clouds.aws.catalog import CATALOG

    return tuple(CATALOG.values())


def _aws_only(spec: BaseSpec, what: str) -> None:
    if spec.cloud is not Cloud.AWS:
        cloud = "no cloud" if spec.cloud is None else spec.cloud.value
        raise KitaruError(
            f"{what} exist for AWS only",
            where=f"{spec.name} ({spec.type.value} on {cloud})",
            why=f"There are none for {cloud} yet",
            remedy="Go on without them: --infra none.",
        )
