"""Looking whether the infrastructure that a description names is fit.

The one entry for the command, the Pulumi function, MCP and Python. It only reads, and it imports
the SDK of the description's own cloud alone.
"""

from __future__ import annotations

from kitaru_iac.checks import CheckInfo, CheckReport, run_checks
from kitaru_iac.errors import KitaruError
from kitaru_iac.looks import TIMEOUT, WORKERS
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import BaseSpec

__all__ = ["catalog", "verify"]


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
        timeout: Seconds for one look. A slower one is unknown, and holds up no other.
        max_workers: How many looks may be under way at once.
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
    if spec.cloud is not Cloud.AWS:
        raise KitaruError(
            "Infrastructure checks exist for AWS only",
            where=f"{spec.name} ({spec.type.value} on {spec.cloud.value})",
            why=f"There are none for {spec.cloud.value} yet",
            remedy="Go on without them: --infra none.",
        )
    from kitaru_iac.clouds.aws.verify import checks_for

    checks = checks_for(spec, timeout=timeout, identity=identity)
    return CheckReport(spec.name, run_checks(checks, timeout, max_workers))


def catalog() -> tuple[CheckInfo, ...]:
    """Every check there is, of all clouds. Imports no cloud's SDK."""
    from kitaru_iac.clouds.aws.catalog import CATALOG

    return tuple(CATALOG.values())
