"""What a program would make on AWS: run in this process, without an engine, against Pulumi's mocks.

Every resource is registered by the real SDKs, whose argument names and types are those of the real
plugin; nothing is made.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from typing import Any, NamedTuple

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.stack import wait_for_rpcs

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.provision.component import Infrastructure
from kitaru_iac.spec.model import StackSpec

ACCOUNT = "123456789012"


class Made(NamedTuple):
    """A resource as the program registered it: inputs by Pulumi's names."""

    type: str
    name: str
    inputs: Mapping[str, Any]


class _Mocks(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[Made] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.made.append(Made(args.typ, args.name, args.inputs))
        outputs = {"arn": f"arn:of:{args.name}", "name": args.name, **args.inputs}
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {
                "accountId": ACCOUNT,
                "arn": f"arn:aws:iam::{ACCOUNT}:user/me",
                "id": ACCOUNT,
            }, []
        if args.token == "aws:index/getAvailabilityZones:getAvailabilityZones":
            region = args.args["region"]
            assert args.args["excludeZoneIds"]
            return {"names": [f"{region}{letter}" for letter in "dcba"]}, []
        if args.token == "aws:eks/getAccessEntry:getAccessEntry":
            return {}, [("", "couldn't find resource")]
        raise AssertionError(f"the program asked {args.token}")


def made_of(given: InfrastructureArgs | StackSpec, *, preview: bool = False) -> list[Made]:
    """What the component makes of a description or of arguments, in the order of registration."""
    return contextvars.Context().run(_run, given, preview)


def one(made: list[Made], type: str) -> Mapping[str, Any]:
    """The inputs of the only resource of a type, as ``eks/cluster:Cluster``."""
    found = [each.inputs for each in made if each.type == f"aws:{type}"]
    assert len(found) == 1, f"{len(found)} of {type} in {sorted({each.type for each in made})}"
    return found[0]


def _run(given: InfrastructureArgs | StackSpec, preview: bool) -> list[Made]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    seen = _Mocks()
    try:
        mocks.set_mocks(seen, project="kitaru", stack="prod", preview=preview)

        async def program() -> None:
            made = Infrastructure("stack", given)
            await pulumi.Output.all(made.artifact_store, made.cluster).future()
            await wait_for_rpcs()

        loop.run_until_complete(program())
        return seen.made
    finally:
        loop.close()
        asyncio.set_event_loop_policy(None)  # others find a loop again
