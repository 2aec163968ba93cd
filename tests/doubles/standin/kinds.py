"""What a kind of resource is to the stand-in: four operations over boto3, and what AWS forces."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

Inputs = Mapping[str, Any]


class Missing(Exception):
    """AWS says that the resource does not exist."""


class Kind:
    """One resource type.

    Attributes:
        token: Pulumi's type token.
        forces: Inputs whose change replaces the resource.
        computed: Outputs that only AWS knows; unknown in a preview.
        regional: Whether it is in a region: the provider's, or the one it is given.
    """

    token: ClassVar[str]
    forces: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[tuple[str, ...]] = ()
    regional: ClassVar[bool] = True

    def __init__(self, client: Callable[[str], Any], region: str) -> None:
        self.client = client
        self.region = region

    def create(self, inputs: Inputs) -> str:
        """Make it and give its id."""
        raise NotImplementedError

    def read(self, id: str) -> dict[str, Any]:
        """Inputs and outputs as AWS has them. Raises `Missing`."""
        raise NotImplementedError

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        """Change it in place."""
        raise NotImplementedError

    def delete(self, id: str, state: Inputs) -> None:
        """Delete it; what is gone already is fine."""
        raise NotImplementedError


def code_of(error: Exception) -> str:
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def ask(codes: set[str], call: Callable[..., Any], **parameters: Any) -> Any:
    """Call boto3; the given error codes say that the thing is not there."""
    from botocore.exceptions import ClientError

    try:
        return call(**parameters)
    except ClientError as error:
        if code_of(error) in codes:
            raise Missing(str(error)) from error
        raise


def gone(codes: set[str], call: Callable[..., Any], **parameters: Any) -> None:
    """Delete something that may be gone already."""
    with contextlib.suppress(Missing):
        ask(codes, call, **parameters)


def pairs(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def mapping(tags: list[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def same_document(one: Any, other: Any) -> bool:
    """Whether two policy documents say the same, whatever their spaces."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except (TypeError, ValueError):
        return bool(one == other)


def faults() -> Mapping[str, Any]:
    """What a test wants to go wrong: see README.md beside this."""
    path = os.environ.get("STANDIN_FAULTS")
    if not path:
        return {}
    try:
        with open(path) as file:  # noqa: PTH123
            found: Mapping[str, Any] = json.load(file)
    except FileNotFoundError:
        return {}
    return found
