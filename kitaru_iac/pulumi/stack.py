"""What a registered stack is for the engine; its arguments and properties are in `_stack`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pulumi

from kitaru_iac.pulumi.keys import STACK_KEYS, camel
from kitaru_iac.pulumi.options import resource_options
from kitaru_iac.spec.fields import FIELDS

__all__ = ["STACK_TOKEN", "Extra", "RegisteredStack"]

STACK_TOKEN = "kitaru:index:Stack"  # noqa: S105

#: Fields of the ZenML components, as ``{"orchestrator": {"synchronous": False}}``.
Extra = Mapping[str, pulumi.Input[Mapping[str, Any]]]

#: What the provider adds to the description.
_COMPUTED = (
    *("component_ids", "connector_id", "connector_type", "connector_auth_method"),
    *("server_id", "server", "owner_urn", "owner_run", "drift"),
)
#: Names on the wire by those in Python.
_WIRE = {
    **{FIELDS[key].attribute: camel(key) for key in STACK_KEYS},
    **{name: camel(name) for name in _COMPUTED},
}
_SECRETS = [FIELDS[key].attribute for key in STACK_KEYS if FIELDS[key].secret]


class RegisteredStack(pulumi.CustomResource):
    """A Kitaru stack, registered in ZenML with its components and its service connector."""

    def __init__(
        self,
        resource_name: str,
        given: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Describe a stack.

        Args:
            resource_name: The resource's name in the program.
            given: Its properties by their names in Python; None stands for nothing.
            opts: Pulumi's options.
        """
        props = _Props()
        props.__dict__.update(dict.fromkeys(_COMPUTED))  # what the engine fills in
        for name, value in (given or {}).items():
            hidden = name in _SECRETS and value is not None
            props.__dict__[name] = pulumi.Output.secret(value) if hidden else value
        secret = pulumi.ResourceOptions(additional_secret_outputs=_SECRETS)
        opts = pulumi.ResourceOptions.merge(resource_options(), opts)
        super().__init__(
            STACK_TOKEN, resource_name, props, pulumi.ResourceOptions.merge(opts, secret)
        )

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """An existing stack, which is read and not managed.

        Args:
            resource_name: The resource's name in the program.
            id: The stack's name or UUID. If there is none, the preview fails.
            opts: Pulumi's options.
        """
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        return cls(resource_name, opts=merged)


def _props() -> object:
    """The class of the properties, by which the SDK translates their names, and theirs alone.

    Without such a class it would translate the names inside of `extra` too, which are ZenML's.
    """
    annotations = dict.fromkeys(_WIRE, Any)
    body = {python: pulumi.property(wire, default=None) for python, wire in _WIRE.items()}
    return pulumi.input_type(type("_Props", (), {"__annotations__": annotations, **body}))


_Props: Any = _props()
