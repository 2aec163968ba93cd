"""Whether a user or a role may assume another, by documents that people wrote; no check asks it.

What ZenML's server is, nobody tells beforehand; who checks assumes the connector's role in fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.clouds.aws.policies.document import read_document
from kitaru_iac.clouds.aws.policies.requests import (
    ABSENT,
    CallerKind,
    Context,
    Pattern,
    Possible,
    Request,
    caller_of,
)
from kitaru_iac.clouds.aws.trust import Trust, trust_of

__all__ = ["principal_may_assume"]


def principal_may_assume(
    document: Mapping[str, Any], principal: str, account: str, external_id: str | None = None
) -> Trust:
    """Whether a user, role or session may assume a role of `account`, sending an external id."""
    caller = caller_of(principal)
    head, _, name = caller.name.partition(":role/")
    any_path = f"{head}:role/*{name}"
    known: dict[str, Possible | list[Possible]] = {
        "aws:principalaccount": str(caller.account),
        "aws:principalarn": caller.name if caller.path_known else Pattern(any_path),
        "aws:principalisawsservice": "false",
        "aws:resourceaccount": account,
        "aws:securetransport": "true",
        "sts:externalid": ABSENT if external_id is None else external_id,
    }
    if caller.kind is CallerKind.USER:
        known["aws:username"] = caller.name.rsplit("/", 1)[-1]
        absent = frozenset({"aws:sourcearn", "aws:sourceaccount"})
    else:
        absent = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:username"})
    request = Request(caller, "sts:AssumeRole", context=Context(known, absent))
    return trust_of(read_document(document), request, principal, account)
