"""The labels by which stored things are known as Kitaru's: those of `kitaru` 0.21, and ours."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ADOPTING_LABEL",
    "APPLIED_LABEL",
    "ASIDE_LABEL",
    "BACKEND_LABEL",
    "DEPLOYMENT_LABELS",
    "DESCRIBED_LABEL",
    "IGNORED_LABEL",
    "MANAGED_LABEL",
    "ORPHANED_LABEL",
    "OUR_LABELS",
    "OWNER_LABEL",
    "OWNER_RUN_LABEL",
    "PROJECT_LABEL",
    "RENAMING_LABEL",
    "REUSED_CONNECTORS_LABEL",
    "SOURCE_LABEL",
    "STACK_LABEL",
    "is_managed",
]

#: Labels that Kitaru sets begin so; others on a record are the user's own and stay.
OUR_LABELS = "kitaru."
#: On every stack that `kitaru stack create` made; on components and connectors of remote ones too.
MANAGED_LABEL = "kitaru.managed"
#: On what a deleted stack left behind: a new stack of that name takes it over.
ORPHANED_LABEL = "kitaru.orphaned"
#: On a stack while `adopt` labels its parts: a run that died left it, and the next one goes on.
ADOPTING_LABEL = "kitaru.adopting"
#: On a stack while `rename` renames its parts: the name that it is to have.
RENAMING_LABEL = "kitaru.renaming"
#: On what a run sets aside as ``NAME-replaced``, with the name of the stack that it replaces: by
#: that mark it is known, since anybody may call something so.
ASIDE_LABEL = "kitaru.aside"
#: Labels of a stack that say where its deployment is begin so.
DEPLOYMENT_LABELS = "kitaru.pulumi."
#: The Pulumi project, stack and backend of that deployment.
PROJECT_LABEL = f"{DEPLOYMENT_LABELS}project"
STACK_LABEL = f"{DEPLOYMENT_LABELS}stack"
BACKEND_LABEL = f"{DEPLOYMENT_LABELS}backend"
#: On a stack that `pulumi up` made: the URN of its resource, and a token of the run that made it.
OWNER_LABEL = "kitaru.owner"
OWNER_RUN_LABEL = "kitaru.owner_run"
#: On a stack: the records that were applied last, as `records.applied` writes them.
APPLIED_LABEL = "kitaru.applied"
#: On a stack: the descriptions it was applied from, as `stacks.source` writes them.
SOURCE_LABEL = "kitaru.source"
#: On a stack that uses a connector which was there before.
REUSED_CONNECTORS_LABEL = "kitaru.reused_service_connectors"
#: On a stack whose description has `labels`, a `description` or `ignore_changes`: which of the
#: first two are the description's, so that others are known as added by hand; and the rules.
DESCRIBED_LABEL = "kitaru.described"
IGNORED_LABEL = "kitaru.ignore_changes"


def is_managed(labels: Mapping[str, object] | None) -> bool:
    """Whether these labels say that Kitaru made the thing: `kitaru` 0.21's own rule."""
    return bool(labels) and str((labels or {}).get(MANAGED_LABEL)).strip().lower() == "true"
