"""Commands of the AWS CLI, as remedies: complete, with real names, ready to be pasted."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kitaru_iac.checks.commands import OptionValue, command, note
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.resources import role_name

__all__ = ["aws", "put_policy"]


def aws(service: str, operation: str, *, region: str | None = None, **options: OptionValue) -> str:
    """Write ``aws SERVICE OPERATION --option VALUE …``; the region comes last."""
    return command("aws", service, operation, **options, region=region or None)


def put_policy(principal: Principal | str, name: str, document: Mapping[str, object]) -> str:
    """Write the command that gives a policy to a user or role (by ARN, or as looked at).

    Nobody can add a policy to the root user or to a role that IAM Identity Center keeps: then it
    says what to do there, behind a command that shows the identity.
    """
    text = json.dumps(document, separators=(",", ":"))
    if isinstance(principal, str):
        principal = Principal(principal, "role", role_name(principal))
    if principal.kind == "user":
        return aws(
            "iam",
            "put-user-policy",
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
        "iam",
        "put-role-policy",
        role_name=principal.name,
        policy_name=name,
        policy_document=text,
    )
