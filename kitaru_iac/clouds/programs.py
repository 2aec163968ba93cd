"""What the components of all clouds do alike in a running Pulumi program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Generic, Self, TypeVar, cast

import pulumi

from kitaru_iac.clouds.provider import Inputs, marks
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec.model import BaseSpec, StackSpec

__all__ = ["NAME", "CloudInfrastructure", "foreseen", "inline", "own_marks"]

#: The component's name in an inline program; its parts are called ``stack-bucket`` and so on.
NAME = "stack"

ArgsT = TypeVar("ArgsT", bound=Mapping[str, object])


class CloudInfrastructure(pulumi.ComponentResource, Generic[ArgsT]):
    """The infrastructure of one stack on a cloud, in one piece.

    The command's inline program and the programs of platform repositories use the same one. A cloud
    says how the arguments are completed, and makes the parts; each output is an attribute.

    Attributes:
        TOKEN: The component's type, as ``kitaru:aws:Infrastructure``.
        OUTPUTS: The names of its outputs.
    """

    TOKEN: ClassVar[str]
    OUTPUTS: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        name: str,
        args: ArgsT | StackSpec,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make it.

        Args:
            name: The component's name; its parts are called ``NAME-bucket`` and so on.
            args: What is made, by name; or a description with ``infra: provision``, from which the
                names follow.
            opts: Pulumi's options. A provider of the cloud among them makes everything.

        Raises:
            pulumi.RunError: It cannot be made as described, or the provider cannot tell where it
                works. Its cause is the `KitaruError`.
        """
        super().__init__(self.TOKEN, name, {}, opts)
        try:
            whole = self._described(args) if isinstance(args, BaseSpec) else self._located(args)
            self._make(name, whole)
        except KitaruError as error:
            raise pulumi.RunError(str(error)) from error
        self.register_outputs({key: getattr(self, key) for key in self.OUTPUTS})

    @classmethod
    def build(cls, name: str, given: Inputs | StackSpec, options: object) -> Self:
        """Make it, called by who knows no cloud: `kitaru_iac.clouds.provider.Build`."""
        return cls(
            name,
            cast("ArgsT | StackSpec", given),
            cast("pulumi.ResourceOptions | None", options),
        )

    def _described(self, spec: StackSpec) -> ArgsT:
        """The arguments that follow from a description, and from this component's provider.

        Raises:
            DescriptionError: It cannot be made as described.
            KitaruError: The provider cannot tell where it works.
        """
        raise NotImplementedError

    def _located(self, args: ArgsT) -> ArgsT:
        """The arguments, with what they leave to this component's provider.

        Raises:
            KitaruError: The provider cannot tell where it works.
        """
        raise NotImplementedError

    def _make(self, name: str, args: ArgsT) -> None:
        """Make the parts, and set the outputs.

        Raises:
            DescriptionError: Something cannot be made as described.
        """
        raise NotImplementedError


def inline(
    component: type[CloudInfrastructure[ArgsT]],
    args: ArgsT,
    provider: Callable[[], pulumi.ProviderResource],
) -> Callable[[], None]:
    """Give the inline program that makes one component with one provider, and exports its outputs.

    Args:
        component: The cloud's.
        args: Its arguments.
        provider: Makes the provider, inside the program.
    """

    def run() -> None:
        made = component(NAME, args, pulumi.ResourceOptions(providers=[provider()]))
        for key in component.OUTPUTS:
            pulumi.export(key, getattr(made, key))

    return run


def own_marks(stack: str) -> dict[str, str]:
    """Name the tags by which what the running program makes for a stack is known as its own."""
    return marks(pulumi.get_project(), pulumi.get_stack(), stack)


def foreseen(
    output: pulumi.Output[str], value: str | None, resource: pulumi.Resource
) -> pulumi.Output[str]:
    """An output; in a preview what it will be, so that what follows from it is previewed too.

    Args:
        output: What only the cloud tells.
        value: What it will be; None where that is not known beforehand.
        resource: Whose it is.
    """
    if value is None or not pulumi.runtime.is_dry_run():
        return output
    return resource.urn.apply(lambda _: value)
