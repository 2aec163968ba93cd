"""Checking that the infrastructure that a description names is fit.

The one entry for the command, the Pulumi function, MCP and Python. It only reads, and it imports
the SDK of the description's own cloud alone.
"""

from __future__ import annotations

import os

from kitaru_iac.checks.model import CheckInfo, CheckReport, run_checks
from kitaru_iac.checks.probes import TIMEOUT, WORKERS
from kitaru_iac.clouds import registry
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_location import address_of_server
from kitaru_iac.redaction import secrets_in, url
from kitaru_iac.spec.model import BaseSpec

__all__ = ["catalog", "policy", "verify"]


def verify(
    spec: BaseSpec,
    *,
    timeout: float = TIMEOUT,
    max_workers: int = WORKERS,
    identity: str | None = None,
    made: bool = True,
) -> CheckReport:
    """Run every check of the description at the same time.

    Args:
        spec: The description. What it wants created or skipped is not checked, but for an account
            of the connector that is there.
        timeout: Seconds for one probe. A slower one is unknown, and holds up no other.
        max_workers: How many probes may be under way at once.
        identity: Who the connector is (on AWS the ARN of a user or role, on Azure an object id),
            where the description does not tell: an existing connector, a server's own identity.
            Which store the stack is in is read from this machine's settings.
        made: Whether what is to be made and is there already is checked. A run that makes it gives
            it what it lacks.

    Returns:
        One result for each check; an empty report for a stack that is all on this machine.

    Raises:
        MissingPackages: The cloud's packages are not installed.
        KitaruError: There are no checks for this cloud yet.
    """
    if spec.cloud is None:
        return CheckReport(spec.name)
    checks = registry.verification(spec.cloud, where=_whose(spec)).checks
    found = checks(spec, timeout=timeout, identity=identity, server=_server())
    if not made:
        found = [check for check in found if check.made is None]
    own = () if spec.credentials is None else spec.credentials.secrets.values()
    secrets = (*secrets_in(own), *known_secrets())
    return CheckReport(spec.name, run_checks(found, timeout, max_workers, secrets))


def policy(spec: BaseSpec) -> dict[str, object]:
    """The exact permissions that a stack needs, by identity, from the table that the checks use.

    Nothing is asked of any cloud, and no SDK is needed.

    Returns:
        ``{"stack", "cloud", "policies": {identity: document}, "trust": {identity: document}}``.
        On AWS: ``connector`` (ZenML's client and server), ``runtime`` (the steps), ``pull`` (who
        pulls the image), ``scheduler`` (what starts scheduled runs, where there is one) and
        ``verify`` (who runs the checks), as IAM documents, and with ``infra: provision``
        ``provision`` (who makes the infrastructure); ``trust`` says who may become the roles of
        `connector`, `runtime`, `pull` and `scheduler`. On Azure each is role definitions, with the
        scopes at which they are assigned.

    Raises:
        KitaruError: There is no table for this cloud yet.
    """
    if spec.cloud is None:
        return {"stack": spec.name, "cloud": None, "policies": {}, "trust": {}}
    found = registry.verification(spec.cloud, what="Permission tables", where=_whose(spec))
    return {
        "stack": spec.name,
        "cloud": spec.cloud.value,
        "policies": found.policies(spec),
        "trust": found.trusts(spec),
    }


def catalog() -> tuple[CheckInfo, ...]:
    """List every check there is, of all clouds. Imports no cloud's SDK."""
    return tuple(
        info
        for provider in registry.providers()
        if provider.verification is not None
        for info in provider.verification.catalog()
    )


def _server() -> str | None:
    """The address of the server that stores the stack, as it may be shown; None for a local one."""
    found = address_of_server(read_global(), os.environ)
    return None if found is None else url(found)


def _whose(spec: BaseSpec) -> str:
    return f"{spec.name} ({spec.type.value} on {spec.cloud})"
