"""What every cloud gives to provisioning; `infrastructure/` brings it to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Account", "Claim", "Sighting", "Target", "marks"]


def marks(project: str, deployment: str, stack: str | None = None) -> dict[str, str]:
    """The tags by which everything that is made is known as a deployment's own.

    Args:
        project: The deployment's Pulumi project.
        deployment: Its Pulumi stack.
        stack: The name of the stack that it is for; the command calls both alike.
    """
    return {
        "managed-by": "kitaru-iac",
        "kitaru-stack": stack or deployment,
        "pulumi-project": project,
        "pulumi-stack": deployment,
    }


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that a program takes in the cloud.

    Attributes:
        type: The resource's type in Pulumi.
        inputs: Those of its inputs that name it.
    """

    type: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What exists in the cloud under a name.

    Attributes:
        id: Its id in Pulumi's state.
        name: What it is, in words: ``bucket team-data``.
        foreign: Why it is not the deployment's; None if it is.
    """

    id: str
    name: str
    foreign: str | None = None


class Account(Protocol):
    """The account (project, subscription) behind some credentials."""

    def environment(self) -> dict[str, str]:
        """The variables that give the engine's plugins the same identity."""

    def sight(
        self, type: str, inputs: Mapping[str, Any], marks: Mapping[str, str]
    ) -> Sighting | None:
        """What the cloud has under the name of a resource, and whether it carries these marks."""

    def holds(self, type: str, id: str) -> str | None:
        """What a stateful resource still holds, in words; None if it is empty or gone."""

    def empty(self, type: str, id: str) -> None:
        """Delete what a stateful resource holds, for good."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be made for one description.

    Attributes:
        account: Where.
        place: The same in words that tell it from others: ``{"account": …, "region": …}``.
        program: Pulumi's inline program.
        plugins: The provider plugins that it needs, as name and version.
        outputs: What its outputs will be: all names are known beforehand.
        claims: The names that it takes.
        names: The cloud's names for what the program calls otherwise.
        makes_anything: Whether anything is made, or all exists.
        place_of: Where a provider of a deployment's state is, by its inputs.
    """

    account: Account
    place: Mapping[str, str]
    program: Callable[[], None]
    plugins: tuple[tuple[str, str], ...]
    outputs: Mapping[str, str | None]
    makes_anything: bool
    place_of: Callable[[Mapping[str, Any]], Mapping[str, str]]
    claims: tuple[Claim, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
