"""What follows from IAM's decisions: the worst counts, and each is told with its own command."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.probes import Denied, ProbeError, Unavailable
from kitaru_iac.clouds.aws.decisions import evaluated
from kitaru_iac.clouds.aws.simulate import Decision

ROLE, B, C = "arn:aws:iam::123456789012:role/x", "arn:aws:s3:::b", "arn:aws:s3:::c"
LIMITS = (
    "as IAM simulates identity policies; policies of the resources, of sessions and of endpoints "
    "are not part of it"
)
UNREAD = Denied("not yours", permission="iam:GetRolePolicy")
ALLOWED = Decision("s3:Get", B, allowed=True, why="allowed")


def allowed(**more: Any) -> Decision:
    return Decision("s3:Get", B, allowed=True, why="allowed", **more)


def denied(action: str = "s3:Put", thing: str = B, **more: Any) -> Decision:
    return Decision(action, thing, allowed=False, **{"why": "implicitDeny", **more})


def show(action: str, thing: str = B) -> str:
    return (
        f"aws iam simulate-principal-policy --policy-source-arn {ROLE} --action-names {action} "
        f"--resource-arns {thing}"
    )


def may_not(what: str, above: str | None = None, action: str = "s3:Put") -> Verdict:
    why = f"{ROLE} may not {what}"
    if above is None:
        return fail(why, "grant it")
    return fail(f"{why}: {above} denies {action}", show(action))


@pytest.mark.parametrize(
    ("decisions", "verdict"),
    [
        ([], unknown("nothing was asked of IAM", None)),
        ([ALLOWED], ok("it may", LIMITS)),
        ([ALLOWED, denied()], may_not(f"s3:Put on {B}")),
        ([denied(), denied("s3:Head"), denied("s3:Put", C)],
         may_not(f"s3:Put, s3:Head on {B}; s3:Put on {C}")),
        # One call of several is told with how it is made, unless it is denied in each.
        ([denied(how=" in a copy")], may_not(f"s3:Put on {B} in a copy")),
        ([denied(), denied(how=" in a copy")], may_not(f"s3:Put on {B}")),
        ([denied("s3:Head"), denied(how=" in a copy")],
         may_not(f"s3:Head on {B}; s3:Put on {B} in a copy")),
        ([denied(by="organization")],
         may_not(f"s3:Put on {B}", "a policy of the organization")),
        ([denied(by="boundary", why="explicitDeny")],
         may_not(f"s3:Put on {B}", "the permissions boundary")),
        ([denied(why="explicitDeny")], may_not(f"s3:Put on {B}", "an explicit denial")),
        ([denied("s3:Head"), denied(why="explicitDeny")],
         may_not(f"s3:Head, s3:Put on {B}", "an explicit denial")),
        ([denied("s3:Head", by="boundary"), denied(why="explicitDeny")],
         may_not(f"s3:Head, s3:Put on {B}", "the permissions boundary", "s3:Head")),
        # What is certain comes before what is not.
        ([denied(missing_context=("a:B",)), denied("s3:Head")], may_not(f"s3:Head on {B}")),
        ([denied(unclear=("x",)), denied("s3:Head")], may_not(f"s3:Head on {B}")),
        ([denied(missing_context=("c:D", "a:B")), allowed(missing_context=("a:B",))],
         unknown(f"s3:Put, s3:Get on {B}: depends on the condition keys a:B, c:D",
                 show("s3:Put"))),
        ([allowed(), denied("s3:Head", missing_context=("a:B",), unread=UNREAD)],
         unknown(f"s3:Head on {B}: depends on the condition keys a:B, or not: the policies that "
                 "tell could not be read: not yours", show("s3:Head"), "iam:GetRolePolicy")),
        ([allowed(missing_context=("a:B",)), allowed(unclear=("x",))],
         unknown(f"s3:Get on {B}: depends on the condition keys a:B", show("s3:Get"))),
        ([ALLOWED, denied("s3:Head", unclear=("x", "y")), allowed(unclear=("x",))],
         unknown(f"{ROLE} may s3:Head, s3:Get on {B}, but not of all that it may come to: x; y",
                 show("s3:Head"))),
        ([allowed(unclear=("x",)), allowed(unread=UNREAD)],
         unknown(f"{ROLE} may s3:Get on {B}, but not of all that it may come to: x",
                 show("s3:Get"))),
        ([Decision("s3:Head", C, True, "allowed"), allowed(unread=UNREAD)],
         unknown("it may, as far as one name of many tells; whether a part of them is denied "
                 "could not be looked at: not yours", show("s3:Head", C), "iam:GetRolePolicy")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", [None, "arn:aws:kms:eu-west-1:123456789012:key/1"])
def test_what_follows_from_decisions(
    decisions: list[Decision], verdict: Verdict, key: str | None
) -> None:
    assert evaluated(decisions, ROLE, "it may", "grant it", key) == verdict


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        (Denied("403", permission="kms:DescribeKey"), "aws sts get-caller-identity"),
        (Unavailable("503", "wait"), "wait"),
    ],
)
def test_a_key_that_nobody_could_look_up_leaves_open_what_else_is_fine(
    key: ProbeError, remedy: str
) -> None:
    found = evaluated([ALLOWED], ROLE, "it may", "grant it", key)
    why = f"it may, and the KMS key of the bucket, if it has one, could not be asked about: {key}"
    assert found == unknown(why, remedy, key.permission)
    assert evaluated([denied()], ROLE, "it may", "grant it", key).status is CheckStatus.FAIL
    unread = evaluated([allowed(unread=UNREAD)], ROLE, "it may", "grant it", key)
    assert (unread.status, unread.missing_permission) == (
        CheckStatus.UNKNOWN,
        "iam:GetRolePolicy",
    )
