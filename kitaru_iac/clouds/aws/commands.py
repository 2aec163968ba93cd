"""Commands of the AWS CLI, as remedies: complete, with real names, ready to be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from kitaru_iac.clouds.aws.probes import Principal
from kitaru_iac.clouds.aws.resources import role_name

__all__ = ["aws", "note", "put_policy"]


def aws(service: str, command: str, *, region: str | None = None, **options: Any) -> str:
    """``aws SERVICE COMMAND --option VALUE …``; mappings and lists are given as JSON."""
    words = ["aws", service, command]
    for key, value in options.items():
        if value is None:
            continue
        words.append("--" + key.replace("_", "-"))
        if isinstance(value, bool):
            continue
        words.append(value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
    if region:
        words += ["--region", region]
    return shlex.join(words)


def note(command: str, text: str) -> str:
    """The command with a shell comment after it."""
    return f"{command}  # {text}"


def put_policy(principal: Principal | str, name: str, document: Mapping[str, Any]) -> str:
    """The command that gives a policy to a user or role (by ARN, or as looked at).

    Nobody can add a policy to the root user or to a role that IAM Identity Center keeps: then it
    says what to do there, behind a command that shows the identity.
    """
    text = json.dumps(document, separators=(",", ":"))
    if isinstance(principal, str):
        principal = Principal(principal, "role", role_name(principal))
    if principal.kind == "user":
        return aws(
            *("iam", "put-user-policy"),
            user_name=principal.name,
            policy_name=name,
            policy_document=text,
        )
    if principal.name.startswith("AWSReservedSSO_"):
        permission_set = principal.name.removeprefix("AWSReservedSSO_").rsplit("_", 1)[0]
        return note(
            aws("sso-admin", "list-instances"),
            f"add to the permission set {permission_set}: {text}",
        )
    return aws(
        *("iam", "put-role-policy"),
        role_name=principal.name,
        policy_name=name,
        policy_document=text,
    )
