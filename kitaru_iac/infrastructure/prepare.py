"""What happens to the infrastructure before a stack's records are written: ``--infra``."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.spec import StackSpec

__all__ = ["engine_is_ready", "prepare", "require_engine"]

#: Seconds for which what was found fit counts: as long as a plan takes, and a short look at it.
_FRESH = 300.0


def prepare(
    spec: StackSpec,
    *,
    dry_run: bool,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: Callable[[CheckReport], None] | None = None,
    take_back: bool = False,
    checked: float | None = None,
) -> InfrastructureResult:
    """Do what the description's ``infra`` asks for.

    With ``provision``, what the description names and is not made is checked as by ``verify``
    before anything is made beside it.

    Args:
        spec: The description. Without a cloud, or with ``infra: none``, nothing is done.
        dry_run: Only say what would be made.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the report of the checks, before one that failed is raised.
        take_back: See `provision.preview_infrastructure`.
        checked: When the same description was found fit, as its result says. What it names that
            exists is not looked at again within five minutes; later it may have changed.

    Raises:
        CheckFailed: A check failed.
        EngineError: Pulumi failed; a later run resumes it.
    """
    from kitaru_iac.spec import InfraMode

    if spec.cloud is None or spec.infra is InfraMode.NONE:
        return InfrastructureResult(spec)
    verifies = spec.infra is InfraMode.VERIFY
    report = None
    if verifies or checked is None or monotonic() - checked > _FRESH:
        used = spec if verifies else _used(spec)
        if used is not None:
            from kitaru_iac.infrastructure.verify import verify

            report = verify(used, made=verifies)
            if show is not None:
                show(report)
            report.raise_if_failed()
            if verifies:
                return InfrastructureResult(spec, report=report)
        checked = monotonic()
    from kitaru_iac.infrastructure import provision as making

    run = making.preview_infrastructure if dry_run else making.provision
    done = run(spec, progress=progress, consent=consent, take_back=take_back)
    return replace(done, checked=checked, report=report)


def _used(spec: StackSpec) -> StackSpec | None:
    """The description with what exists, and nothing else; None where nothing does.

    A cluster exists that is named and not to be made. What else is named without a word in
    `resources` exists, unless it has the name that the cloud gives what is made.
    """
    from kitaru_iac.clouds import registry
    from kitaru_iac.spec import ResourceMode
    from kitaru_iac.spec.resources import resources_on

    known = resources_on(spec.type, spec.cloud)
    modes = dict.fromkeys(known, ResourceMode.SKIP) | spec.resources
    unsaid = {
        resource
        for resource, key in known.items()
        if resource not in spec.resources and key and getattr(spec, key, None) is not None
    }
    if "cluster" in unsaid:
        modes["cluster"] = ResourceMode.EXISTING
    if spec.cloud is not None and unsaid - {"cluster"}:
        used = registry.provisioning(spec.cloud).load().used(spec)
        modes |= dict.fromkeys(unsaid & used, ResourceMode.EXISTING)
    if ResourceMode.EXISTING not in modes.values():
        return None
    return spec.having(resources=modes)


def engine_is_ready() -> bool:
    """Whether there is a Pulumi engine that is new enough."""
    from kitaru_iac.engine.find import EngineNotFound, EngineTooOld

    try:
        require_engine()
    except (EngineNotFound, EngineTooOld):
        return False
    return True


def require_engine(
    consent: ConfirmCallback | None = None, *, progress: ProgressCallback | None = None
) -> None:
    """See that there is a Pulumi engine, and download it with consent.

    Args:
        consent: Asked before it is downloaded; None means no.
        progress: Gets one-line messages.

    Raises:
        EngineError: There is none, or no usable one, and no consent; or the download failed.
    """
    from kitaru_iac.engine.install import ensure_engine

    ensure_engine(consent, progress=progress)
