"""What operations on infrastructure return: plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.plan.model import Action, Kept, Step
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.spec.model import StackSpec

__all__ = ["Destroyed", "InfrastructureResult", "new_beside", "new_ones"]


@dataclass(frozen=True, slots=True)
class InfrastructureResult:
    """Infrastructure that was checked, or made, or would be.

    Attributes:
        spec: The description; after ``provision`` with the names of what was made.
        steps: What was done to the infrastructure, or would be.
        labels: For the stack's record: where the deployment is. Empty where there is none.
        report: What the checks found, with ``provision`` of what exists beside it; None where
            nothing was looked at.
        made: The keys of the description whose things are new.
        beside: What else is new, as ``role: kitaru-prod-pods``.
        checked: When what the description names and is not made was found fit, as
            `time.monotonic` counts; None if it was not looked at.
        warnings: What the user has to know, in plain words.
    """

    spec: StackSpec
    steps: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    report: CheckReport | None = None
    made: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()
    checked: float | None = field(default=None, compare=False)
    warnings: tuple[KitaruWarning, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether anything was done, or would be."""
        return any(step.action is not Action.KEEP for step in self.steps)


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Infrastructure that was taken down, or would be.

    Attributes:
        steps: What was deleted, or would be.
        kept: What stays, and why.
        foreign: Those of them that are not the deployment's own, and stay until they are forgotten.
        hidden: Those of `foreign` that may not be looked at: they are not forgotten, since they may
            be the deployment's own.
        forgotten: What was taken out of the state, and is where it was.
        warnings: What the user has to know, in plain words.
    """

    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()
    foreign: tuple[Kept, ...] = ()
    hidden: tuple[Kept, ...] = ()
    forgotten: tuple[Kept, ...] = ()
    warnings: tuple[KitaruWarning, ...] = ()


def new_ones(spec: StackSpec, types: Mapping[str, str], steps: Sequence[Step]) -> frozenset[str]:
    """Tell what of the things that a description names was made, and is not only used.

    Args:
        spec: The description, with the names of what was made.
        types: The type in Pulumi of what a key of it names.
        steps: What was done.

    Returns:
        Keys of `types`.
    """
    made = {(step.kind, step.name) for step in steps if step.action is Action.CREATE}
    return frozenset(
        key
        for key, type_ in types.items()
        if (value := getattr(spec, key, None)) is not None
        and any(kind == type_ and _is_named(name, str(value)) for kind, name in made)
    )


def new_beside(
    words: Mapping[str, str], named: Mapping[str, str], spec: StackSpec, steps: Sequence[Step]
) -> tuple[str, ...]:
    """Tell what was made that no key of the description names.

    Args:
        words: By its type in Pulumi, a word for it.
        named: The type in Pulumi of what a key of a description names.
        spec: The description, with the names of what was made.
        steps: What was done.

    Returns:
        Each as ``WORD: NAME``.
    """
    told = [(type_, str(getattr(spec, key, ""))) for key, type_ in named.items()]
    return tuple(
        f"{words[step.kind]}: {_last_of(step.name)}"
        for step in steps
        if step.action is Action.CREATE
        and step.kind in words
        and not any(step.kind == type_ and _is_named(step.name, value) for type_, value in told)
    )


def _is_named(name: str, value: str) -> bool:
    """Whether a URI, an ARN or a name is that of a thing: never by a part of another name."""
    # It ends in the name, or has it before a path, an account (`abfs://NAME@ACCOUNT`) or, as the
    # first part of a host, before a domain.
    last = re.escape(_last_of(name))
    return bool(re.search(rf"(^|[/:]){last}([/@]|$)|^{last}\.", value))


def _last_of(name: str) -> str:
    """The name in an id of Azure's or Google's; another one has no path of its own."""
    return name.rsplit("/", 1)[-1] if name.startswith(("/", "projects/")) else name
