"""The components of this package for programs in any language: built, and described in its schema.

The SDK of a cloud is imported where a component of that cloud is built, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

import pulumi
from pulumi.provider import ConstructResult

from kitaru_iac.clouds import registry
from kitaru_iac.clouds.outputs import IN_EXTRA
from kitaru_iac.clouds.provider import Provisioning
from kitaru_iac.errors import KitaruError, Problem
from kitaru_iac.pulumi._provisioned import ProvisionedStack
from kitaru_iac.pulumi.keys import camel, snake
from kitaru_iac.pulumi.plugin import component_args
from kitaru_iac.pulumi.plugin.enums import reference
from kitaru_iac.pulumi.plugin.package import with_examples
from kitaru_iac.pulumi.plugin.properties import description_properties, input_of
from kitaru_iac.pulumi.provisioned import (
    PROVISIONED_KEYS,
    PROVISIONED_OUTPUTS,
    PROVISIONED_TOKEN,
    checked,
)
from kitaru_iac.pulumi.refusals import InputsRefused, refused
from kitaru_iac.pulumi.values import has_output
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.rules import key_suggestion
from kitaru_iac.spec.suggest import suggest

__all__ = ["construct", "schema"]

Inputs = Mapping[str, Any]
_Build = Callable[[str, dict[str, Any], pulumi.ResourceOptions | None], pulumi.ComponentResource]

_STACK_ID = {"type": "string", "description": "The UUID of the ZenML stack."}


def construct(
    name: str, resource_type: str, inputs: Inputs, options: pulumi.ResourceOptions | None = None
) -> ConstructResult:
    """Build a component for a program in any language.

    Args:
        name: The resource's name in the program.
        resource_type: Its token.
        inputs: By their names on the wire.
        options: Those of the program.

    Raises:
        pulumi.InputPropertiesError: It cannot be built; with every problem, and no traceback.
    """
    if resource_type not in _COMPONENTS:
        raise pulumi.InputPropertiesError(f"There is no component {resource_type}.", [])
    build, accepted, outputs = _COMPONENTS[resource_type]
    given = {snake(key): value for key, value in inputs.items() if value is not None}
    component = resource_type.rsplit(":", 1)[1]

    def shown(key: str) -> bool:
        # What has a wrong name may be a secret too.
        hidden = key in FIELDS and FIELDS[key].secret
        return key in accepted and not hidden and not has_output(given.get(key))

    try:
        made = build(name, given, options)
    except InputsRefused as error:
        raise error.for_the_engine(component, shown) from error
    except (KitaruError, pulumi.RunError) as error:
        raise pulumi.InputPropertiesError(str(error), []) from error
    return ConstructResult(made.urn, {camel(key): getattr(made, key) for key in outputs})


def _provisioned(
    name: str, given: dict[str, Any], options: pulumi.ResourceOptions | None
) -> pulumi.ComponentResource:
    component = "ProvisionedStack"
    problems, known = _strangers(given, PROVISIONED_KEYS, component)
    if problems:
        _, more = checked({"name": name, **known})
        raise InputsRefused([*problems, *more], component)
    arguments = {FIELDS[key].attribute: value for key, value in given.items()}
    return ProvisionedStack(name, opts=options, **arguments)


def _builder(made_by: Provisioning) -> _Build:
    """How the component of a cloud is built."""
    component = made_by.component

    def build(
        name: str, given: dict[str, Any], options: pulumi.ResourceOptions | None
    ) -> pulumi.ComponentResource:
        called = component.token.rsplit(":", 1)[1]
        problems, known = _strangers(given, component_args.fields(component.arguments), called)
        if problems := [*problems, *component_args.problems(component, known)]:
            raise InputsRefused(problems, called)
        try:
            return cast("pulumi.ComponentResource", made_by.build(name, given, options))
        except pulumi.RunError as error:
            raise refused(error, called) from error

    return build


def _strangers(
    given: Inputs, accepted: Collection[str], component: str
) -> tuple[list[Problem], dict[str, Any]]:
    """Inputs that the component does not have, with what may have been meant; and the others."""
    problems = []
    for key in sorted(set(given) - set(accepted)):
        meant = key_suggestion(key)
        near = meant if meant in accepted else suggest(key, accepted)
        names = ", ".join(camel(key) for key in accepted)
        remedy = f"Did you mean `{camel(near)}`?" if near else f"They are {names}."
        problems.append(Problem(key, f"{component} has no such property", remedy=remedy))
    return problems, {key: value for key, value in given.items() if key in accepted}


def _of_clouds() -> tuple[Provisioning, ...]:
    """What the clouds offer that have a component."""
    offered = (provider.provisioning for provider in registry.providers())
    return tuple(found for found in offered if found is not None)


#: How each is built, what it takes, and what comes out.
_COMPONENTS: Mapping[str, tuple[_Build, Collection[str], tuple[str, ...]]] = {
    PROVISIONED_TOKEN: (_provisioned, PROVISIONED_KEYS, (*PROVISIONED_OUTPUTS, "stack_id")),
    **{
        made_by.component.token: (
            _builder(made_by),
            component_args.fields(made_by.component.arguments),
            made_by.component.outputs,
        )
        for made_by in _of_clouds()
    },
}


def schema() -> dict[str, Any]:
    """The components' part of the package's schema: ``resources`` and ``types``."""
    return {
        "resources": {
            PROVISIONED_TOKEN: _provisioned_schema(),
            **{
                found.token: component_args.schema(found, _properties_of(found.outputs))
                for found in (made_by.component for made_by in _of_clouds())
            },
        },
        "types": {},
    }


def _properties_of(outputs: Iterable[str]) -> dict[str, Any]:
    """The schema of a component's outputs: keys of a description, and fields of ``extra``."""
    found: dict[str, Any] = {}
    for key in outputs:
        if key in IN_EXTRA:
            found[camel(key)] = {"type": "string", "description": IN_EXTRA[key].description}
        else:
            found |= description_properties([key])
    return found


def _provisioned_schema() -> dict[str, Any]:
    inputs = {
        camel(key): input_of(key, plain=not may_be_output)
        for key, may_be_output in PROVISIONED_KEYS.items()
    }
    inputs["resources"] |= {
        "description": "What is done about single resources (bucket, registry, role, cluster): "
        "existing, create or skip. What the description does not name is made, but a cluster only "
        "where `create` is said.",
        "additionalProperties": {**reference("ResourceMode"), "plain": True},
    }
    inputs["infrastructure"]["description"] += " They are called as there."
    inputs["credentials"]["description"] += " They make nothing: the cloud's own provider does."
    return {
        "isComponent": True,
        "description": with_examples(
            PROVISIONED_TOKEN,
            "A Kitaru stack on infrastructure that is made for it: what the command makes for the "
            "same description with `infra: provision`, under the same names, in the account of "
            "the program's provider of that cloud. The bucket is protected, and stays when the "
            "rest goes.",
        ),
        "inputProperties": inputs,
        "properties": {**description_properties(PROVISIONED_OUTPUTS), "stackId": _STACK_ID},
        "required": ["name", "type", "stackId"],
    }
