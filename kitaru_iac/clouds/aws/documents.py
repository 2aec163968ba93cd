"""The rules that a policy document must follow before AWS sees it.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (sizes count no
whitespace). AWS's own validation says more; what is refused here, AWS refuses too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from kitaru_iac.patterns import compiled

__all__ = ["DocumentKind", "document_problems"]

_ACTION = compiled(r"\*|[a-z0-9][a-z0-9-]*:[A-Za-z0-9*?]+")
_ARN = compiled(r"\*|arn:[a-z-]+:[a-z0-9-]+:[a-z0-9*-]*:(?:[0-9]{12}|\*)?:\S+")
_SID = compiled(r"[A-Za-z0-9]+")
_KNOWN = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal",
    "NotPrincipal", "Condition",
}  # fmt: skip


class DocumentKind(Enum):
    """What a document is attached as, and the greatest size in characters."""

    MANAGED = ("a managed policy", 6144)
    INLINE = ("all inline policies of a role", 10240)
    TRUST = ("a role's trust policy", 2048)
    USER_INLINE = ("all inline policies of a user", 2048)

    @property
    def most(self) -> int:
        """The greatest size in characters, blanks not counted."""
        return self.value[1]


def document_problems(document: Mapping[str, Any], kind: DocumentKind) -> list[str]:
    """What is wrong with the structure of a policy document; empty when nothing is."""
    problems: list[str] = []
    if set(document) - {"Version", "Id", "Statement"}:
        problems.append(f"unknown keys {sorted(set(document) - {'Version', 'Id', 'Statement'})}")
    if document.get("Version") != "2012-10-17":
        problems.append("Version is not 2012-10-17")
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        return [*problems, "Statement is no list, or empty"]
    strange = [number for number, s in enumerate(statements) if not isinstance(s, Mapping)]
    if strange:
        return [*problems, *(f"Statement {number} is no object" for number in strange)]
    sids = [str(s["Sid"]) for s in statements if s.get("Sid") is not None]
    if len(sids) != len(set(sids)):
        problems.append("a Sid is used twice")
    for number, statement in enumerate(statements):
        problems += [
            f"Statement {number}: {what}"
            for what in _statement_problems(statement, is_trust=kind is DocumentKind.TRUST)
        ]
    size = len(json.dumps(document, separators=(",", ":")))
    if size > kind.most:
        problems.append(f"{size} characters, and at most {kind.most} are allowed")
    return problems


def _statement_problems(statement: Mapping[str, Any], *, is_trust: bool) -> list[str]:
    problems: list[str] = []
    if set(statement) - _KNOWN:
        problems.append(f"unknown keys {sorted(set(statement) - _KNOWN)}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        problems.append("Effect is neither Allow nor Deny")
    sid = statement.get("Sid", "x")
    if not _SID.fullmatch(str(sid)):
        problems.append(f"Sid {sid!r} has other signs than letters and digits")
    actions = _listed(statement.get("Action", statement.get("NotAction")))
    problems += [f"{a!r} is no action" for a in actions if not _ACTION.fullmatch(str(a))]
    if not actions:
        problems.append("no Action")
    if is_trust:
        if "Resource" in statement or "NotResource" in statement:
            problems.append("a trust policy has no Resource")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            problems.append("a trust policy needs a Principal")
    else:
        if "Principal" in statement or "NotPrincipal" in statement:
            problems.append("an identity's policy has no Principal")
        resources = _listed(statement.get("Resource", statement.get("NotResource")))
        problems += [f"{r!r} is no ARN" for r in resources if not _ARN.fullmatch(str(r))]
        if not resources:
            problems.append("no Resource")
    condition = statement.get("Condition", {})
    if not isinstance(condition, Mapping) or not all(
        isinstance(keys, Mapping) and keys for keys in condition.values()
    ):
        problems.append("Condition is not operator -> key -> value")
    return problems


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
