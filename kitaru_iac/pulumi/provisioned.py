"""A stack and the infrastructure it stands on, as one resource of a program.

`ProvisionedStack` itself, with its arguments and properties, is in `_provisioned`. No
`from __future__ import annotations` here: Pulumi reads the annotations of these classes.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import pulumi

from kitaru_iac.clouds import registry
from kitaru_iac.clouds.outputs import IN_EXTRA, InExtra
from kitaru_iac.errors import DescriptionError, KitaruError, Problem
from kitaru_iac.pulumi._stack import Stack
from kitaru_iac.pulumi.keys import STACK_KEYS
from kitaru_iac.pulumi.refusals import InputsRefused, not_plain, refused
from kitaru_iac.pulumi.values import has_output
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import InfraMode, StackType
from kitaru_iac.spec.model import StackSpec

__all__ = [
    "PROVISIONED_KEYS",
    "PROVISIONED_OUTPUTS",
    "PROVISIONED_TOKEN",
    "Provisioned",
    "checked",
]

PROVISIONED_TOKEN = "kitaru:index:ProvisionedStack"  # noqa: S105

#: What stands for an output in the check of the whole: what may be one changes no name.
_STAND_INS: Mapping[str, Any] = {
    key: info.program.stand_in
    for key, info in FIELDS.items()
    if info.program.of_provisioned and info.program.stand_in is not None
}

#: The keys that it takes, and whether each may be an output.
PROVISIONED_KEYS: Mapping[str, bool] = {
    key: key in _STAND_INS for key, info in FIELDS.items() if info.program.of_provisioned
}

#: The keys of a description that come out again; `stack_id` comes beside them.
PROVISIONED_OUTPUTS = tuple(key for key, info in FIELDS.items() if info.program.comes_out)

_COMPONENT = "ProvisionedStack"


class Provisioned(pulumi.ComponentResource):
    """A Kitaru stack on infrastructure that is made for it.

    Attributes:
        stack_id: The UUID of the ZenML stack.
        stack: The registered stack itself.
    """

    stack_id: pulumi.Output[str]
    stack: Stack

    def __init__(
        self,
        resource_name: str,
        given: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the infrastructure of a description, and register the stack on it.

        Args:
            resource_name: The resource's name in the program.
            given: By key, as of a description. None stands for nothing.
            opts: Pulumi's options; providers of ``aws`` and ``kitaru`` reach the parts.

        Raises:
            InputsRefused: The description is wrong; with every problem.
            pulumi.RunError: It cannot be made: the cloud, its packages, its account.
        """
        given = {"name": resource_name} | {k: v for k, v in given.items() if v is not None}
        spec, problems = checked(given)
        if spec is None or problems:
            raise InputsRefused(problems, _COMPONENT)
        super().__init__(PROVISIONED_TOKEN, resource_name, {}, opts)
        try:
            made, outputs = _infrastructure(resource_name, spec, self)
        except (KitaruError, pulumi.RunError) as error:
            raise refused(error, _COMPONENT) from error
        options = pulumi.ResourceOptions(parent=self)
        if made is not None:
            given = _with(given, outputs)
            # So that it goes before what it stands on.
            options = pulumi.ResourceOptions(parent=self, depends_on=[made])
        arguments = {FIELDS[key].attribute: given[key] for key in STACK_KEYS if key in given}
        self.stack = Stack(resource_name, opts=options, **arguments)
        for key in PROVISIONED_OUTPUTS:
            setattr(self, key, getattr(self.stack, key))
        self.stack_id = self.stack.id
        self.register_outputs(
            {key: getattr(self, key) for key in (*PROVISIONED_OUTPUTS, "stack_id")}
        )


def checked(given: Mapping[str, Any]) -> tuple[StackSpec | None, list[Problem]]:
    """The description, checked as a whole as far as it is known; and everything wrong with it.

    Args:
        given: By key, as of a description. None stands for nothing.
    """
    problems = []
    known: dict[str, Any] = {}
    for key, value in given.items():
        if not has_output(value):
            known[key] = value
        elif PROVISIONED_KEYS[key]:
            known[key] = _STAND_INS[key]
        else:
            problems.append(not_plain(key))
    if not _at_home(known):
        known["infra"] = InfraMode.PROVISION
    try:
        return from_mapping(known), problems
    except DescriptionError as error:
        unknown = {problem.field for problem in problems}
        problems += [found for found in error.problems if found.field not in unknown]
    return None, problems


def _at_home(known: Mapping[str, Any]) -> bool:
    """Whether there is nothing to make: a local stack whose artifacts lie on this machine."""
    is_local = known.get("type", StackType.LOCAL) == StackType.LOCAL
    return is_local and "://" not in str(known.get("artifact_store", ""))


def _infrastructure(
    name: str, spec: StackSpec, parent: pulumi.Resource
) -> tuple[pulumi.Resource | None, dict[str, Any]]:
    """The component of the description's cloud, and of its outputs those that the type takes.

    None if there is nothing to make.

    Raises:
        KitaruError: Nothing can be made in this cloud, or its packages are missing.
        pulumi.RunError: It cannot be made as described.
    """
    if spec.infra is not InfraMode.PROVISION:
        return None, {}
    if spec.cloud is None:
        raise registry.not_provisioned("this machine")
    made_by = registry.provisioning(spec.cloud)
    made = made_by.build(name, spec, pulumi.ResourceOptions(parent=parent))
    outputs = made_by.component.outputs
    keys = (key for key in outputs if spec.type in (IN_EXTRA.get(key) or FIELDS[key]).types)
    return cast("pulumi.Resource", made), {key: getattr(made, key) for key in keys}


def _with(given: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """A description with what was made: its keys, and the fields of ``extra``."""
    found = {**given, **{key: value for key, value in outputs.items() if key not in IN_EXTRA}}
    for key, place in IN_EXTRA.items():
        if key in outputs:
            both = pulumi.Output.all(found.get("extra") or {}, outputs[key])
            found["extra"] = both.apply(partial(_filled, place))
    return found


def _filled(place: InExtra, known: Sequence[Any]) -> dict[str, Any]:
    extra, value = known
    if value is None:
        return dict(extra)
    return {**extra, place.component: {**(extra.get(place.component) or {}), place.field: value}}
