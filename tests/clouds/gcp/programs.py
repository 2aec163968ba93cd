"""What a program would make on Google Cloud: in this process, without an engine, on Pulumi's mocks.

Every resource is registered by the real SDK, whose argument names are those of the real plugin;
nothing is made.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from typing import Any, NamedTuple

from pulumi.runtime import mocks
from pulumi.runtime.stack import wait_for_rpcs

from kitaru_iac.clouds.gcp.provision.args import OUTPUTS, InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.component import Infrastructure
from kitaru_iac.spec.model import StackSpec
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER


class Made(NamedTuple):
    """A resource as the program registered it: inputs by Pulumi's names."""

    type: str
    name: str
    inputs: Mapping[str, Any]


class _Mocks(mocks.Mocks):
    def __init__(self, number: str) -> None:
        self.made: list[Made] = []
        self.number = number

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.made.append(Made(args.typ, args.name, args.inputs))
        outputs = {"name": args.name, **args.inputs}
        if args.typ == "gcp:serviceaccount/account:Account":
            email = f"{args.inputs['accountId']}@{args.inputs['project']}.iam.gserviceaccount.com"
            outputs |= {"email": email, "member": f"serviceAccount:{email}"}
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        if args.token == "gcp:compute/getSubnetwork:getSubnetwork":
            return {"name": args.args["name"], "network": "projects/p/global/networks/team"}, []
        assert args.token == "gcp:organizations/getProject:getProject"
        project = args.args.get("projectId") or PROJECT
        return {"projectId": project, "number": self.number, "id": project}, []


def made_of(
    given: InfrastructureArgs | StackSpec, *, number: str = PROJECT_NUMBER
) -> tuple[list[Made], dict[str, Any]]:
    """What the component makes, in the order of registration, and what comes out."""
    return contextvars.Context().run(_run, given, number)


def _run(given: InfrastructureArgs | StackSpec, number: str) -> tuple[list[Made], dict[str, Any]]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    seen = _Mocks(number)
    out: dict[str, Any] = {}
    try:
        mocks.set_mocks(seen, project="kitaru", stack="prod")

        async def program() -> None:
            try:
                made = Infrastructure("stack", given)
                for key in OUTPUTS:
                    out[key] = await getattr(made, key).future()
            finally:
                await wait_for_rpcs()  # what is left of a refused one would be the next one's

        loop.run_until_complete(program())
        return seen.made, out
    finally:
        loop.close()
        asyncio.set_event_loop_policy(None)  # others find a loop again
