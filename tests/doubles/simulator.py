"""IAM's policy simulator, small: moto has none, but it has the policies.

It evaluates inline and attached policies and a permissions boundary, with wildcards (no policy
variables), and condition keys as AWS documents them, those that were not sent too:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
No service control policies: `overrides` gives answers that it would not find.
"""

from __future__ import annotations

import contextlib
import json
import operator as comparing
from collections.abc import Callable
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
        self._whoever_comes()
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
        self,
        action: str,
        resource: str,
        documents: tuple[list[Any], list[Any] | None],
        context: dict[str, list[str]],
    ) -> str:
        override = self.overrides.get(action, {})
        own, boundary = documents
        decision = decide(action, resource, own, context)
        extra = override.get("extra", "")
        if boundary is not None:
            bounded = decide(action, resource, boundary, context)
            extra += (
                "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>"
                f"{str(bounded == 'allowed').lower()}</AllowedByPermissionsBoundary>"
                "</PermissionsBoundaryDecisionDetail>"
            )
            decision = _both(decision, bounded)
        decision = override.get("decision") or decision
        lacking = override.get("missing", missing([*own, *(boundary or ())], context))
        keys = "".join(f"<member>{key}</member>" for key in lacking)
        keys = f"<MissingContextValues>{keys}</MissingContextValues>"
        if resource != "*":  # then they stand below the thing, says EvaluationResult's page
            extra += (
                f"<ResourceSpecificResults><member><EvalResourceName>{escape(resource)}"
                f"</EvalResourceName><EvalResourceDecision>{decision}</EvalResourceDecision>"
                f"{keys}</member></ResourceSpecificResults>"
            )
            keys = "<MissingContextValues/>"
        return (
            f"<member><EvalActionName>{action}</EvalActionName>"
            f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/>{keys}"
            f"{extra}</member>"
        )

    def _whoever_comes(self) -> None:
        """Make the user for whom moto takes unknown keys: it may do everything."""
        with contextlib.suppress(self._iam.exceptions.EntityAlreadyExistsException):
            self._iam.create_user(UserName="moto")
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            document = {"Version": "2012-10-17", "Statement": [everything]}
            self._iam.put_user_policy(
                UserName="moto", PolicyName="all", PolicyDocument=json.dumps(document)
            )

    def _documents(self, principal: str) -> tuple[list[Any], list[Any] | None]:
        """The statements of the principal's policies, and of its boundary."""
        name = principal.rsplit("/", 1)[-1]
        kind = "user" if ":user/" in principal else "role"
        key = {f"{kind.capitalize()}Name": name}
        inline = getattr(self._iam, f"list_{kind}_policies")(**key)["PolicyNames"]
        documents = [
            getattr(self._iam, f"get_{kind}_policy")(**key, PolicyName=policy)["PolicyDocument"]
            for policy in inline
        ]
        attached = getattr(self._iam, f"list_attached_{kind}_policies")(**key)["AttachedPolicies"]
        documents += [self._managed(policy["PolicyArn"]) for policy in attached]
        own = [statement for d in documents for statement in _listed(d["Statement"])]
        whole = getattr(self._iam, f"get_{kind}")(**key)[kind.capitalize()]
        boundary = whole.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return own, None if boundary is None else _listed(self._managed(boundary)["Statement"])

    def _managed(self, arn: str) -> Any:
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return found["PolicyVersion"]["Document"]


def _both(own: str, bounded: str) -> str:
    for decision in ("explicitDeny", "implicitDeny"):
        if decision in {own, bounded}:
            return decision
    return "allowed"


def missing(statements: list[Any], context: dict[str, list[str]]) -> list[str]:
    """The keys that any statement asks for, about this call or not, and that were not sent."""
    keys = {
        key
        for statement in statements
        for operators in statement.get("Condition", {}).values()
        for key in operators
    }
    return sorted(key for key in keys if key.lower() not in context)


def decide(action: str, resource: str, statements: list[Any], context: dict[str, list[str]]) -> str:
    """IAM's word for what these statements say."""
    decision = "implicitDeny"
    for statement in statements:
        if (
            _about(statement, "Action", action.lower())
            and _about(statement, "Resource", resource)
            and all(
                _met(operator, _sent(context, key), [str(v) for v in _listed(values)])
                for operator, keys in statement.get("Condition", {}).items()
                for key, values in keys.items()
            )
        ):
            if statement["Effect"] == "Deny":
                return "explicitDeny"
            decision = "allowed"
    return decision


def _about(statement: Any, element: str, name: str) -> bool:
    negated = f"Not{element}" in statement
    patterns = _listed(statement[f"Not{element}" if negated else element])
    if element == "Action":
        patterns = [pattern.lower() for pattern in patterns]
    return negated != any(fnmatchcase(name, pattern) for pattern in patterns)


def _sent(context: dict[str, list[str]], key: str) -> list[str] | None:
    return context.get(key.lower())


def _met(operator: str, actual: list[str] | None, wanted: list[str]) -> bool:
    """One key of a condition. A key that was not sent meets only what is negated or optional."""
    qualifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (actual is None) == (wanted == ["true"])
    if name.endswith("IfExists"):
        if actual is None:
            return True
        name = name.removesuffix("IfExists")
    if qualifier == "ForAllValues":
        return all(_one(name, value, wanted) for value in actual or ())
    if qualifier == "ForAnyValue":
        return any(_one(name, value, wanted) for value in actual or ())
    if actual is None:
        return "Not" in name
    return _one(name, actual[0], wanted)


def _one(name: str, value: str, wanted: list[str]) -> bool:
    negated, name = "Not" in name, name.replace("Not", "")
    if name in {"StringEqualsIgnoreCase", "Bool"}:
        value, wanted = value.lower(), [w.lower() for w in wanted]
    if name in {"StringLike", "ArnLike", "ArnEquals"}:
        found = any(fnmatchcase(value, w) for w in wanted)
    elif name in {"StringEquals", "StringEqualsIgnoreCase", "Bool"}:
        found = value in wanted
    elif name.startswith("Numeric"):
        found = any(_ORDERS[name.removeprefix("Numeric")](float(value), float(w)) for w in wanted)
    elif name.startswith("Date"):
        found = any(_ORDERS[name.removeprefix("Date")](value, w) for w in wanted)
    else:
        raise NotImplementedError(name)
    return found != negated


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": comparing.eq,
    "LessThan": comparing.lt,
    "LessThanEquals": comparing.le,
    "GreaterThan": comparing.gt,
    "GreaterThanEquals": comparing.ge,
}


def _members(form: dict[str, str], name: str) -> tuple[str, ...]:
    found = [(int(k.rsplit(".", 1)[-1]), v) for k, v in form.items() if k.startswith(f"{name}.mem")]
    return tuple(value for _, value in sorted(found))


def _context(form: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in form.items():
        if key.startswith("ContextEntries.member.") and key.endswith(".ContextKeyName"):
            entry = key.removesuffix("ContextKeyName")
            values = [v for k, v in form.items() if k.startswith(f"{entry}ContextKeyValues.")]
            found[value.lower()] = values
    return found


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
