"""The store in memory does with stacks what the local store does, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.planning import plan_stack
from tests.homes import Home

LOCAL = {"name": "dev", "type": "local", "activate": False}
REMOTE = {
    "name": "prod",
    "type": "kubernetes",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "prod-cluster",
    "region": "eu-west-1",
    "credentials": "aws-access-keys:AKIA1:s3cret",
    "verify": False,
    "activate": False,
}


def _said(work: Callable[[], Any]) -> object:
    """What an operation gives or raises, without ids."""
    try:
        done = work().to_dict()
    except KitaruError as error:
        return error.code, str(error)
    return {key: value for key, value in done.items() if key != "id"}


def _life() -> list[object]:
    def create(description: dict[str, Any]) -> object:
        return _said(lambda: operations.create(from_mapping(description)))

    def apply(description: dict[str, Any]) -> object:
        return _said(lambda: operations.apply(from_mapping(description)))

    def delete(name: str, *, recursive: bool = False) -> object:
        return _said(lambda: operations.delete(name, recursive=recursive))

    return [
        create(LOCAL),
        create(LOCAL),
        apply(LOCAL),
        _said(lambda: plan_stack(from_mapping(REMOTE))),
        create(REMOTE),
        apply({**REMOTE, "namespace": "ml"}),
        apply({**REMOTE, "namespace": "ml"}),
        apply({**REMOTE, "name": "dev"}),  # a replacement
        apply({**REMOTE, "name": "dev"}),
        delete("dev"),
        create({**REMOTE, "name": "dev"}),  # takes over what was left
        delete("dev", recursive=True),
        delete("prod", recursive=True),
        delete("nonee"),
        delete("default"),
    ]


def test_a_life_in_memory_is_a_life_on_the_local_store(home: Home) -> None:
    with installed(MemoryGateway(is_local=True)):
        in_memory = _life()
    assert in_memory == _life()
