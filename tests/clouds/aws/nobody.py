"""An access to AWS for tests of what is asked, and of what follows from answers."""

from __future__ import annotations

from typing import Any

__all__ = ["Nobody", "everything_listed", "everything_read"]


class Nobody:
    """An `AwsAccess` whose looks are made and never asked."""

    described_as = "nobody"

    def open(self) -> None: ...

    def close(self) -> None: ...

    def ask(self, *_: Any, **__: Any) -> Any: ...


def everything_read(operation: str) -> Any:
    """AWS's answer about the policies of a user or role who may do everything; None for others."""
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    answers = {
        "get_user": {"User": {}},
        "get_role": {"Role": {}},
        "get_user_policy": {"PolicyDocument": everything},
        "get_role_policy": {"PolicyDocument": everything},
    }
    return answers.get(operation)


def everything_listed(operation: str) -> list[Any]:
    """As `everything_read`, for what AWS lists in pages."""
    return ["all"] if operation in {"list_user_policies", "list_role_policies"} else []
