"""Our evaluation of policies against an evaluator that others keep, on thousands of documents.

What each question asks: with all keys known, our answer is the judge's, or one of the few doubts
below; with some keys hidden, it is the judge's for the request with them and for the one without,
or it is unknown and names a key that is really hidden.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kitaru_iac.clouds.aws.policies.answers import Answer
from kitaru_iac.clouds.aws.policies.document import read_document
from kitaru_iac.clouds.aws.policies.evaluate import Decision, Effect, evaluate, may
from kitaru_iac.clouds.aws.policies.principals import CANONICAL, SESSION
from kitaru_iac.clouds.aws.policies.requests import (
    Caller,
    CallerKind,
    Context,
    Request,
    caller_of,
)
from kitaru_iac.clouds.aws.policies.strangers import openings
from kitaru_iac.clouds.aws.trust import may_assume
from tests.clouds.aws.assuming import principal_may_assume
from tests.clouds.aws.judge.documents import FORMS, OURS, VARIABLES, Question, question
from tests.clouds.aws.judge.node import ask, node_of
from tests.servers.releases import CACHE

DOCUMENTS = 2400
_USER_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_"

#: Where we answer "unknown" though every key is known: how the doubt is worded, and why AWS's
#: documentation does not decide, or decides otherwise than the judge.
DOUBTS = {
    'whether {"AWS": "*"} means a': _USER_GUIDE + "elements_principal.html: all principals; of "
    "services and identity providers under the key AWS it says nothing",
    "whether an account means who comes by": _USER_GUIDE + "elements_principal.html: an account is "
    "the users and roles in it; of web identities it says nothing",
    "NotPrincipal names only one of": _USER_GUIDE + "elements_notprincipal.html: the service "
    "'might validate the account first and then the user'",
    "NotPrincipal with Allow": _USER_GUIDE + "elements_notprincipal.html: 'you might grant access "
    "to anonymous (unauthenticated) users'",
    "a variable has no value in this request": _USER_GUIDE + "variables.html: a variable that "
    "cannot be resolved 'might cause the entire statement to be invalid'",
    "IfExists with ForAnyValue": _USER_GUIDE + "elements_condition_operators.html: IfExists is met "
    "without the key, and ForAnyValue is not",
    "what an ARN operator makes of": _USER_GUIDE + "elements_condition_operators.html: six parts "
    "are compared; of fewer it says nothing",
    "how far the * in": _USER_GUIDE + "elements_resource.html: a * that ends a part 'can expand to "
    "match beyond the colon boundaries'",
}


def caller(principal: str | None) -> Caller:
    if principal is None:
        return Caller(CallerKind.ANONYMOUS)
    if principal.endswith(".amazonaws.com"):
        return Caller(CallerKind.SERVICE, principal)
    if ":oidc-provider/" in principal:
        return Caller(CallerKind.FEDERATED, principal)
    return caller_of(principal)


def context(asked: Question, hidden: frozenset[str] = frozenset()) -> Context:
    known: dict[str, Any] = {
        key.lower(): tuple(value) if isinstance(value, list) else value
        for key, value in asked.context.items()
        if key not in hidden
    }
    if not hidden:
        return Context(known, complete=True)
    keys = {
        key.lower()
        for statement in _statements(asked.document)
        for keys in statement.get("Condition", {}).values()
        for key in keys
    } | {"aws:username", "aws:principalaccount", "aws:principaltag/team", "aws:principaltag/none"}
    lower = {key.lower() for key in hidden}
    return Context(known, absent=frozenset(keys - known.keys() - lower))


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
IDENTITIES: dict[Effect, dict[str, Any] | None] = {
    Effect.ALLOW: {"Version": "2012-10-17", "Statement": [EVERYTHING]},
    Effect.IMPLICIT_DENY: None,
    Effect.EXPLICIT_DENY: {
        "Version": "2012-10-17",
        "Statement": [EVERYTHING, {**EVERYTHING, "Effect": "Deny"}],
    },
}


def ours(asked: Question, identity: Effect, hidden: frozenset[str]) -> tuple[Answer, Decision]:
    who = caller(asked.principal)
    resource = None if asked.trust else asked.resource
    decision = evaluate(
        asked.document, Request(who, asked.action, resource, context(asked, hidden))
    )
    assert decision.problems == ()
    if who.account is None:
        return decision.allow & ~decision.deny, decision
    answer = may(decision, identity, same_account=who.account == OURS, trust=asked.trust)
    return answer, decision


def to_judge(asked: Question, identity: Effect, without: Iterable[str] = ()) -> dict[str, Any]:
    gone = set(without)
    return {
        "principal": asked.principal,
        "action": asked.action,
        "resource": asked.resource,
        "account": OURS,
        "context": {key: value for key, value in asked.context.items() if key not in gone},
        "policy": asked.document,
        "identity": IDENTITIES[identity] if caller(asked.principal).account else None,
    }


def identity_of(number: int) -> Effect:
    return list(IDENTITIES)[number % 3]


@pytest.fixture(scope="module")
def judged() -> list[tuple[Question, Effect, bool, bool]]:
    """Each question, and whether the judge allows it: with all keys, and without the hidden."""
    asked = [(question(number), identity_of(number)) for number in range(DOCUMENTS)]
    said = ask(
        [to_judge(q, who) for q, who in asked] + [to_judge(q, who, q.hidden) for q, who in asked]
    )
    assert {type(answer) for answer in said} == {str}, [a for a in said if not isinstance(a, str)]
    whole = [answer == "Allowed" for answer in said]
    return [(*one, whole[n], whole[n + DOCUMENTS]) for n, one in enumerate(asked)]


def test_the_documents_have_every_form_of_every_operator_and_variable() -> None:
    """Among them are allowances and denials with each, and requests with and without its key."""
    seen: Counter[tuple[str, str, bool]] = Counter()
    texts: Counter[str] = Counter()
    for number in range(DOCUMENTS):
        asked = question(number)
        for statement in _statements(asked.document):
            for operator, keys in statement.get("Condition", {}).items():
                for key in keys:
                    seen[operator, statement["Effect"], key in asked.context] += 1
        text = json.dumps(asked.document)
        texts.update(variable for variable in VARIABLES if variable in text)
    for operator in [*(name for name, _ in FORMS), "Null"]:
        for effect in ("Allow", "Deny"):
            assert seen[operator, effect, True] + seen[operator, effect, False], operator
        for has in (True, False):
            assert seen[operator, "Allow", has] + seen[operator, "Deny", has], operator
    assert min(texts[variable] for variable in VARIABLES) >= 20, texts


def documented(doubts: Iterable[str]) -> bool:
    return any(known in found for found in doubts for known in DOUBTS)


def test_with_every_key_known_we_say_what_the_judge_says(judged: Any) -> None:
    counted: Counter[str] = Counter()
    for asked, identity, allowed, _ in judged:
        answer, decision = ours(asked, identity, frozenset())
        if answer.value is None:
            assert answer.keys <= {CANONICAL, SESSION}, (asked, decision)
            assert answer.keys or documented(answer.doubts), (asked, decision)
            counted["doubt"] += 1
        else:
            assert answer.value is allowed, (asked, identity, decision)
            counted[str(allowed)] += 1
    # The documents are worth asking about: both answers are frequent, and doubts are rare.
    assert counted["True"] > DOCUMENTS / 6, counted
    assert counted["False"] > DOCUMENTS / 3, counted
    assert counted["doubt"] < DOCUMENTS / 8, counted


def test_what_is_hidden_from_us_makes_us_unsure_and_never_wrong(judged: Any) -> None:
    counted: Counter[str] = Counter()
    for asked, identity, allowed, allowed_without in judged:
        if not asked.hidden:
            continue
        answer, decision = ours(asked, identity, asked.hidden)
        if answer.value is not None:
            assert {answer.value} == {allowed, allowed_without}, (asked, identity, decision)
            counted["sure"] += 1
        elif answer.keys:
            hidden = {key.lower() for key in asked.hidden} | {SESSION, CANONICAL}
            assert {key.lower() for key in answer.keys} & hidden, (asked, answer)
            counted["unsure"] += 1
        else:
            assert documented(answer.doubts), (asked, decision)
    assert counted["sure"] > DOCUMENTS / 4, counted
    assert counted["unsure"] > DOCUMENTS / 15, counted


EVE = "arn:aws:iam::777777777777:user/eve"
FOREIGN: dict[str, str | list[str]] = {
    "aws:PrincipalAccount": "777777777777",
    "aws:PrincipalArn": EVE,
    "aws:PrincipalOrgID": "o-evil",
    "aws:PrincipalOrgPaths": ["o-evil/r/ou/"],
    "aws:SourceIp": "198.51.100.7",
}


def test_whom_the_judge_lets_in_from_nowhere_we_call_an_opening() -> None:
    """A user of an account that no document names, with whatever else the requests have."""
    asked = [q for number in range(DOCUMENTS) if (q := question(number)).trust]
    questions = []
    for q in asked:
        context_ = {key: value for key, value in q.context.items() if key != "aws:SourceArn"}
        eve = replace(q, principal=EVE, context={**context_, **FOREIGN})
        alone = {key: FOREIGN[key] for key in ("aws:PrincipalAccount", "aws:PrincipalArn")}
        questions += [eve, replace(eve, context={**eve.context, "aws:username": "ann"})]
        questions.append(replace(eve, context=alone))
    said = ask([to_judge(q, Effect.ALLOW) for q in questions])
    counted: Counter[bool] = Counter()
    for number, q in enumerate(asked):
        let_in = "Allowed" in said[3 * number : 3 * number + 3]
        found = openings(read_document(q.document), q.action, None, OURS)
        assert found or not let_in, q
        counted[let_in] += 1
    assert min(counted.values()) > len(asked) / 10, counted


JUNK: list[Any] = [
    None,
    True,
    7,
    1.5,
    "",
    "*",
    "${",
    "${}",
    "${a, b}",
    [],
    {},
    [[]],
    {"a": {}},
    "\0",
]


def broken(value: Any, random: Random) -> Any:
    """A document with something in it that does not belong there."""
    if random.random() < 0.08 or not isinstance(value, dict | list):
        return random.choice(JUNK) if random.random() < 0.3 else value
    if isinstance(value, list):
        return [broken(one, random) for one in value]
    return {
        random.choice(["", "Sid", "aws:", "NotAction", key]) if random.random() < 0.05 else key:
        broken(one, random)
        for key, one in value.items()
    }  # fmt: skip


def test_no_document_whatever_makes_it_crash() -> None:
    counted: Counter[bool] = Counter()
    for number in range(DOCUMENTS):
        asked = question(number)
        document = broken(asked.document, Random(number))
        request = Request(caller(asked.principal), asked.action, asked.resource, context(asked))
        decision = evaluate(document, request)
        assert decision.effect is Effect.UNKNOWN or not decision.problems
        openings(read_document(document), asked.action, None, OURS)
        may_assume(document, "sagemaker.amazonaws.com", OURS, None, "aws")
        principal_may_assume(document, EVE, OURS)
        counted[bool(decision.problems)] += 1
    assert min(counted.values()) > DOCUMENTS / 10, counted


# --- where the two differ, and AWS's documentation says that ours is right

_ROLE = f"arn:aws:iam::{OURS}:role/app/runner"
_OPERATORS = _USER_GUIDE + "elements_condition_operators.html"
_OLD = {"Version": "2008-10-17"}


@pytest.mark.parametrize(
    ("condition", "context_", "allowed", "document", "source"),
    [
        # an IPv4 address is none of IPv6, with or without the length of a prefix
        ({"NotIpAddress": {"aws:SourceIp": "2001:db8::1"}}, {"aws:SourceIp": "10.1.2.3"}, True, {},
         _OPERATORS + "#Conditions_IPAddress"),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, {"aws:SourceIp": "203.0.113.7"}, True, {},
         _OPERATORS + "#Conditions_IPAddress: CIDR, as RFC 4632 has it"),
        # seconds since 1970 are a date as good as another
        ({"DateEquals": {"aws:CurrentTime": "1767225600"}},
         {"aws:CurrentTime": "2026-01-01T00:00:00Z"}, True, {},
         _OPERATORS + "#Conditions_Date: ISO 8601 or epoch (UNIX) time"),
        # before 2012-10-17, there are no variables
        ({"StringEquals": {"sts:ExternalId": "${aws:username}"}},
         {"sts:ExternalId": "${aws:username}", "aws:username": "ann"}, True, _OLD,
         _USER_GUIDE + "elements_version.html"),
        # a variable of a fixed value is one everywhere
        ({"StringEquals": {"sts:ExternalId": "x${*}"}}, {"sts:ExternalId": "x*"}, True, {},
         _USER_GUIDE + "variables.html#policy-vars-specialchars"),
        # the colon inside of a variable divides no ARN
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:iam::${aws:PrincipalAccount}:role/app/runner"}},
         {"aws:SourceArn": _ROLE, "aws:PrincipalAccount": OURS}, True, {},
         _USER_GUIDE + "variables.html: in ARN operators, too"),
    ],
)  # fmt: skip
def test_where_the_judge_is_wrong(
    condition: Any, context_: Any, allowed: bool, document: Any, source: str
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": _ROLE},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement], **document}
    asked = Question(policy, _ROLE, "sts:AssumeRole", "", context_, frozenset(), trust=True)
    answer, _ = ours(asked, Effect.IMPLICIT_DENY, frozenset())
    assert answer.value is allowed, source
    assert ask([to_judge(asked, Effect.IMPLICIT_DENY)]) == ["ImplicitlyDenied"]


def test_a_machine_without_node_takes_it_from_pypi(tmp_path: Path) -> None:
    node, npm = node_of(CACHE, path=str(tmp_path))
    assert node.startswith(str(CACHE))
    said = subprocess.run([*npm, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout[0].isdigit()
