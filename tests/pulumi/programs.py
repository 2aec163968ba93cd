"""Programs of tests: one remote stack in variations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi

import kitaru_iac.pulumi as kitaru

SECRET = "sEcrEt/Of0The1Tests2And3No4Other"
KEYS = f"aws-access-keys:AKIAFIRST00000000001:{SECRET}"

REMOTE: dict[str, Any] = {
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifact_store": "s3://first-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "execution_role": "arn:aws:iam::123456789012:role/Runtime",
    "credentials": KEYS,
    "verify": False,
}


def program(name: str = "prod", **changed: Any) -> Callable[[], None]:
    """A program with one remote stack; a None takes a key away."""

    def run() -> None:
        stack = kitaru.Stack(name, **{**REMOTE, **changed})
        pulumi.export("id", stack.id)
        pulumi.export("store", stack.artifact_store)
        pulumi.export("components", stack.component_ids)
        pulumi.export("method", stack.connector_auth_method)

    return run


def local(resource: str = "dev", **more: Any) -> Callable[[], None]:
    """A program with one local stack."""

    def run() -> None:
        stack = kitaru.Stack(resource, **more)
        pulumi.export("id", stack.id)

    return run


def not_known() -> pulumi.Output[Any]:
    """An output whose value is not known before the real run."""
    known, value, secret = asyncio.Future(), asyncio.Future(), asyncio.Future()
    known.set_result(False)
    value.set_result(None)
    secret.set_result(False)
    return pulumi.Output(set(), value, known, secret)
