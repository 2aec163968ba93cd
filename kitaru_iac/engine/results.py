"""What an operation of the engine needs and gives: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import OutputMap

from kitaru_iac.engine.events import ResourceChange, steps
from kitaru_iac.plan.model import Step
from kitaru_iac.redaction import SecretText

__all__ = ["Plugin", "Result", "outputs_of"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A provider plugin that the program needs, as ``aws`` ``7.51.1``."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation did, or would do.

    Attributes:
        changes: One for each resource.
        outputs: The program's outputs; a secret one is a `SecretText`. Empty for a preview.
    """

    changes: tuple[ResourceChange, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def steps(self, names: Mapping[str, str] | None = None) -> tuple[Step, ...]:
        """The changes in the cloud as steps of a plan; see `kitaru_iac.engine.events.steps`."""
        return steps(self.changes, names)


def outputs_of(outputs: OutputMap) -> dict[str, Any]:
    """Give the program's outputs as plain values, the secret ones as `SecretText`."""
    return {
        name: SecretText(output.value) if output.secret else output.value
        for name, output in outputs.items()
    }
