"""What `extra` and the named keys of a description owe each other."""

from __future__ import annotations

from kitaru_iac.spec.draft import Draft
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.stored import fields_set
from kitaru_iac.spec.uris import EcrUri

__all__ = ["check"]


def check(draft: Draft, type_: StackType) -> None:
    """Fields that stand in two places; and the effect of `async`, which joins `extra` here."""
    extra = draft.values.get("extra", {})
    if type_ is StackType.LOCAL and extra.get("container_registry"):
        draft.add(
            "extra.container_registry",
            "type local has no container registry",
            remedy="Leave it out.",
        )
    for (target, name), key in fields_set(type_).items():
        path = f"{target}.{name}"
        value = extra.get(target, {}).get(name)
        if value is not None and value != str(draft.values.get(key, "")):
            if not draft.is_wrong(key):
                draft.add(
                    f"extra.{path}",
                    f"{path} is set by {key}",
                    remedy=f"Give it as {key}, and leave it out of extra.",
                )
    registry = draft.values.get("container_registry")
    repository = extra.get("container_registry", {}).get("default_repository")
    if isinstance(registry, EcrUri) and registry.repository and repository:
        if repository != registry.repository:
            draft.add(
                "extra.container_registry.default_repository",
                "the container registry's URI names another repository",
                why="an ECR registry has one default repository",
                remedy=f"Leave one of them out: the URI without it is `{registry.host}`.",
            )
    if draft.values.get("async") and not draft.is_wrong("extra"):
        orchestrator = dict(extra.get("orchestrator", {}))
        orchestrator.setdefault("synchronous", False)
        draft.values["extra"] = {**extra, "orchestrator": orchestrator}
