"""What happens to the infrastructure before a stack's records are written: ``--infra``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.errors import KitaruError

if TYPE_CHECKING:
    from kitaru_iac.checks import CheckReport
    from kitaru_iac.spec import StackSpec

__all__ = ["examine"]


def examine(spec: StackSpec) -> CheckReport | None:
    """Run the checks that the description asks for with ``infra: verify``.

    Returns:
        The report; None where the description asks for none or names nothing in a cloud. It is
        the caller's to say whether a failed check stops anything (`raise_if_failed`).

    Raises:
        KitaruError: It asks for ``provision``, which this version does not do from here.
    """
    from kitaru_iac.spec import InfraMode

    if spec.infra is InfraMode.PROVISION:
        raise KitaruError(
            "Infrastructure cannot be provisioned by this version",
            where="--infra provision",
            remedy="Name what exists and use --infra verify, or leave --infra out.",
        )
    if spec.infra is not InfraMode.VERIFY or spec.cloud is None:
        return None
    from kitaru_iac.verify import verify

    return verify(spec)
