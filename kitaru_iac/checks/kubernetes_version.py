"""Whether a cloud still supports the Kubernetes of a cluster, by the versions that it offers."""

from __future__ import annotations

from collections.abc import Iterable

from kitaru_iac.checks.model import Verdict, fail, ok, unknown, warn
from kitaru_iac.patterns import compiled

__all__ = ["evaluate_version", "minors_of"]

Minor = tuple[int, int]
_MINOR = compiled(r"(\d+)\.(\d+)(?:\.|$)")


def minors_of(versions: Iterable[str]) -> set[Minor]:
    """Give the minor versions of some: ``1.34.1-gke.2`` is of ``(1, 34)``."""
    found = (_MINOR.match(version) for version in versions)
    return {(int(one[1]), int(one[2])) for one in found if one is not None}


def evaluate_version(
    version: str, supported: set[Minor], extended: set[Minor], service: str, remedy: str
) -> Verdict:
    """Evaluate a cluster's version. By its minor version: patches go while that one stays.

    Args:
        version: As the cloud writes it; empty where it was not told.
        supported: The minor versions that are offered.
        extended: Those that are offered at a higher price alone.
        service: The cloud's name for its clusters.
        remedy: The command that shows what is offered.
    """
    minor = next(iter(minors_of([version])), None)
    if minor in supported:
        return ok(f"Kubernetes {version} is supported")
    if minor in extended:
        return warn(f"Kubernetes {version} is in extended support, which costs more", remedy)
    offered = supported | extended
    if minor is not None and offered and minor < min(offered):
        return fail(f"{service} does not offer Kubernetes {version} any more", remedy)
    what = f"Kubernetes {version}" if version else "the Kubernetes of this cluster"
    return unknown(f"{service} does not tell whether it supports {what}", remedy)
