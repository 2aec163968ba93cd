"""IAM's policy simulator, small: moto has none, but it has the policies.

It evaluates inline and attached ones with wildcards and the string conditions; no boundaries and no
service control policies. Enough to tell a granted action from one that is not.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any
from xml.sax.saxutils import escape

from tests.doubles.aws import AwsLoopback
from tests.doubles.faults import error_response
from tests.doubles.web import Request, Response

Overrides = dict[str, dict[str, Any]]


class PolicySimulator:
    """The answer to SimulatePrincipalPolicy.

    Args:
        aws: Whose policies count.
    """

    def __init__(self, aws: AwsLoopback) -> None:
        self._iam = aws.client("iam")
        #: For an action: fields of its result, set as they are (`decision`, `missing`, `extra`).
        self.overrides: Overrides = {}
        #: Pairs of actions that are refused in one call, as AWS refuses some.
        self.apart: set[frozenset[str]] = set()
        #: How many results an answer holds at most; 0 for all.
        self.page = 0
        #: Every question: principal, actions, resources.
        self.asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    def __call__(self, request: Request) -> Response:
        form = request.form
        principal = form["PolicySourceArn"]
        actions, resources = _members(form, "ActionNames"), _members(form, "ResourceArns") or ("*",)
        self.asked.append((principal, actions, resources))
        for pair in self.apart:
            if pair <= set(actions):
                names = ", ".join(sorted(pair))
                text = (
                    f"Invalid Input Actions: [{names}] require different authorization information"
                )
                return error_response("iam", "InvalidInput", text, 400)
        try:
            documents = self._documents(principal)
        except self._iam.exceptions.NoSuchEntityException:
            return error_response("iam", "NoSuchEntity", f"{principal} cannot be found", 404)
        context = _context(form)
        every = [
            self._result(action, resource, documents, context)
            for action in actions
            for resource in resources
        ]
        start = int(form.get("Marker", 0))
        end = start + (self.page or len(every))
        results = "".join(every[start:end])
        more = str(end < len(every)).lower()
        text = (
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            f"<SimulatePrincipalPolicyResult><IsTruncated>{more}</IsTruncated>"
            f"<Marker>{end}</Marker>"
            f"<EvaluationResults>{results}</EvaluationResults>"
            "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
        return Response(200, text.encode(), {"Content-Type": "text/xml"})

    def _result(
        self, action: str, resource: str, documents: list[Any], context: dict[str, str]
    ) -> str:
        override = self.overrides.get(action, {})
        decision = override.get("decision") or _decide(action, resource, documents, context)
        missing = "".join(f"<member>{key}</member>" for key in override.get("missing", ()))
        return (
            f"<member><EvalActionName>{action}</EvalActionName>"
            f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/>"
            f"<MissingContextValues>{missing}</MissingContextValues>"
            f"{override.get('extra', '')}</member>"
        )

    def _documents(self, principal: str) -> list[Any]:
        name = principal.rsplit("/", 1)[-1]
        kind = "user" if ":user/" in principal else "role"
        key = {f"{kind.capitalize()}Name": name}
        if principal.endswith(
            ":user/moto"
        ):  # whom moto takes unknown keys for; IAM has no such user
            return [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        inline = getattr(self._iam, f"list_{kind}_policies")(**key)["PolicyNames"]
        documents = [
            getattr(self._iam, f"get_{kind}_policy")(**key, PolicyName=policy)["PolicyDocument"]
            for policy in inline
        ]
        attached = getattr(self._iam, f"list_attached_{kind}_policies")(**key)["AttachedPolicies"]
        for policy in attached:
            version = self._iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]
            documents.append(
                self._iam.get_policy_version(
                    PolicyArn=policy["PolicyArn"], VersionId=version["DefaultVersionId"]
                )["PolicyVersion"]["Document"]
            )
        return [statement for d in documents for statement in _listed(d["Statement"])]


def _decide(action: str, resource: str, statements: list[Any], context: dict[str, str]) -> str:
    decision = "implicitDeny"
    for statement in statements:
        if (
            any(fnmatchcase(action.lower(), a.lower()) for a in _listed(statement["Action"]))
            and any(fnmatchcase(resource, r) for r in _listed(statement["Resource"]))
            and _conditions_met(statement.get("Condition", {}), context)
        ):
            if statement["Effect"] == "Deny":
                return "explicitDeny"
            decision = "allowed"
    return decision


def _conditions_met(conditions: dict[str, Any], context: dict[str, str]) -> bool:
    return all(
        any(fnmatchcase(context.get(key.lower(), ""), str(wanted)) for wanted in _listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
        if operator in {"StringEquals", "StringLike", "ArnLike", "ArnEquals"}
    )


def _members(form: dict[str, str], name: str) -> tuple[str, ...]:
    found = [(int(k.rsplit(".", 1)[-1]), v) for k, v in form.items() if k.startswith(f"{name}.mem")]
    return tuple(value for _, value in sorted(found))


def _context(form: dict[str, str]) -> dict[str, str]:
    found = {}
    for key, value in form.items():
        if key.startswith("ContextEntries.member.") and key.endswith(".ContextKeyName"):
            found[value.lower()] = form[key.replace("KeyName", "KeyValues.member.1")]
    return found


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
