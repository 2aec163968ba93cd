"""What every cloud gives to provisioning; `kitaru_iac.provision` brings it to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Account", "Target"]


class Account(Protocol):
    """The account (project, subscription) behind some credentials."""

    def environment(self) -> dict[str, str]:
        """The variables that give the engine's plugins the same identity."""

    def identify(self, type: str, inputs: Mapping[str, Any]) -> str | None:
        """The id of a resource that an interrupted run may have made, if the cloud has it."""

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
    names: Mapping[str, str] = field(default_factory=dict)
