"""What happens to the infrastructure before a stack's records are written: ``--infra``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kitaru_iac.plan.model import Step

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.spec import StackSpec

__all__ = ["Ready", "prepare"]


@dataclass(frozen=True, slots=True)
class Ready:
    """Infrastructure that was looked at, or made, or would be.

    Attributes:
        spec: The description; after ``provision`` with the names of what was made.
        steps: What was done to the infrastructure, or would be.
        labels: For the stack's record: where the deployment is.
        report: What the checks found, with ``verify``.
    """

    spec: StackSpec
    steps: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    report: CheckReport | None = None


def prepare(
    spec: StackSpec,
    *,
    dry: bool,
    progress: Callable[[str], None] | None = None,
    consent: Callable[[str], bool] | None = None,
    show: Callable[[CheckReport], None] | None = None,
) -> Ready:
    """Do what the description's ``infra`` asks for.

    Args:
        spec: The description. Without a cloud, or with ``infra: none``, nothing is done.
        dry: Only say what would be made.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the report of the checks, before one that failed is raised.

    Raises:
        CheckFailed: A check failed.
        EngineError: Pulumi failed; a later run goes on where this one ended.
    """
    from kitaru_iac.spec import InfraMode

    if spec.cloud is None or spec.infra is InfraMode.NONE:
        return Ready(spec)
    if spec.infra is InfraMode.VERIFY:
        from kitaru_iac.infrastructure.verify import verify

        report = verify(spec)
        if show is not None:
            show(report)
        report.raise_if_failed()
        return Ready(spec, report=report)
    from kitaru_iac.infrastructure import provision as making

    run = making.preview_infrastructure if dry else making.provision
    made = run(spec, progress=progress, consent=consent)
    return Ready(made.spec, made.steps, made.labels)
