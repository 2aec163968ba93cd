"""What Pulumi's own SDK answers: it builds component resources, by telling the engine of each part.

Imported for the first component: the SDK takes as long to load as twenty stacks to register.
"""

from __future__ import annotations

import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer

from kitaru_iac._version import __version__
from kitaru_iac.pulumi.plugin.components import construct

__all__ = ["component_servicer"]


class _Components(Provider):
    """What the SDK's servicer asks for the component resources."""

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Build a component for a program in any language."""
        return construct(name, resource_type, inputs, options)

    def cancel(self) -> None:
        """A component's children are the engine's to stop."""


def component_servicer(engine: str) -> ProviderServicer:
    """The SDK's servicer with our components; it speaks to the engine at this address."""
    return ProviderServicer(_Components(__version__), [], engine)
