"""Whether a statement is about a caller: Principal and NotPrincipal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from __future__ import annotations

from dataclasses import dataclass

from kitaru_iac.clouds.aws.policies.answers import NO, YES, Answer, doubt, hangs_on
from kitaru_iac.clouds.aws.policies.document import NamedPrincipal, Statement
from kitaru_iac.clouds.aws.policies.requests import Caller, CallerKind

__all__ = ["CANONICAL", "SESSION", "About", "about"]

#: The name of what a named session hangs on.
SESSION = "the role session's name"
#: What a canonical user id, another name of an account, hangs on.
CANONICAL = "the account's canonical user id"
_UNNAMED = {CallerKind.ANONYMOUS, CallerKind.FEDERATED}
_IN_ACCOUNT = {CallerKind.USER, CallerKind.ROLE, CallerKind.ROOT}


@dataclass(frozen=True, slots=True)
class About:
    """Whether a statement names a caller itself, or the caller's whole account."""

    itself: Answer
    account: Answer = NO

    @property
    def either(self) -> Answer:
        """Whether it is about the caller at all."""
        return self.itself | self.account


def about(statement: Statement, caller: Caller) -> About:
    """Whether a statement is about a caller.

    Naming an account hands the decision to it: its own policies must allow too.
    """
    named = [_named(principal, caller) for principal in statement.principals]
    itself = Answer.any(found.itself for found in named)
    account = Answer.any(found.account for found in named)
    if not statement.negated_principals:
        return About(itself, account)
    return About(_not_named(itself, account, caller, allows=statement.allows))


def _not_named(itself: Answer, account: Answer, caller: Caller, *, allows: bool) -> Answer:
    """NotPrincipal. A denial that excepts a user must also except the user's account.

    "Depending on the service ... AWS might validate the account first and then the user."
    """
    anybody = itself | account
    if allows and anybody.value is False and caller.kind in _UNNAMED:
        # AWS: it "might grant access to anonymous (unauthenticated) users"
        return doubt("NotPrincipal with Allow, and a caller that is in no account")
    if caller.kind not in {CallerKind.USER, CallerKind.ROLE} or anybody.value is not True:
        return ~anybody
    if itself.value is True and (allows or account.value is True):
        return NO
    if not allows and itself.value is True and account.value is None:
        return account
    return doubt("NotPrincipal names only one of the caller and its account")


def _named(principal: NamedPrincipal, caller: Caller) -> About:
    kind, name = principal.kind, principal.name
    if not kind:
        return About(YES, YES)
    if kind == "AWS":
        return _aws(name, caller)
    wanted = {
        "Service": CallerKind.SERVICE,
        "Federated": CallerKind.FEDERATED,
        "CanonicalUser": CallerKind.CANONICAL,
    }[kind]
    if caller.kind is wanted:
        return About(Answer(caller.name == name))
    if kind == "CanonicalUser" and caller.kind in _IN_ACCOUNT:
        return About(NO, hangs_on(CANONICAL))
    return About(NO)


def _aws(name: str, caller: Caller) -> About:
    if name == "*":
        if caller.kind in {CallerKind.SERVICE, CallerKind.FEDERATED}:
            unsure = doubt(f'whether {{"AWS": "*"}} means a {caller.kind.value} principal')
            return About(unsure, unsure)
        return About(YES, YES)
    names_account = name.isdigit() or name.endswith(":root")
    account = name if name.isdigit() else name.split(":")[4] if names_account else ""
    if caller.kind is CallerKind.FEDERATED and names_account and f"::{account}:" in caller.name:
        return About(NO, doubt("whether an account means who comes by its identity provider"))
    if caller.kind not in _IN_ACCOUNT:
        return About(NO)
    if names_account:
        same = Answer(account == caller.account)
        return About(same if caller.kind is CallerKind.ROOT else NO, same)
    if not name.startswith("arn:"):
        return About(NO)  # the id of a user or role that was deleted: nobody is it any more
    return About(_same_arn(name, caller))


def _same_arn(name: str, caller: Caller) -> Answer:
    parts = name.split(":", 5)
    kind, _, rest = parts[5].partition("/")
    if caller.kind is CallerKind.ROLE and kind == "assumed-role":
        role, _, session = rest.partition("/")
        if parts[4] != caller.account or role != _last(caller.name):
            return NO
        return hangs_on(SESSION) if caller.session is None else Answer(session == caller.session)
    if name == caller.name:
        return YES
    same_name = kind == caller.kind.value and parts[4] == caller.account
    if caller.path_known or not same_name or _last(name) != _last(caller.name):
        return NO
    # The ARN of a session shows the role's name, which is unique in its account, without its path.
    return YES


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
