"""The service account that a stack's connector becomes, where it is made.

It has no keys: whoever the description's credentials are at first becomes it, and so does whoever
is named beside. That one is kept in the ZenML server, and makes nothing. Pure: `roles` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable

from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.resources import gcp_resources, impersonates
from kitaru_iac.errors import Problem
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.model import StackSpec

__all__ = ["account_of", "becoming", "role_of", "without_source"]

#: https://cloud.google.com/iam/docs/service-accounts-create
_ID = compiled(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_FIELD = "credentials"


def without_source(spec: StackSpec, project: str) -> list[Problem]:
    """What is wrong with credentials from which nobody becomes the account that is to be made."""
    if impersonates(spec.credentials):
        return []
    return [
        Problem(
            _FIELD,
            "they do not say who becomes the connector's service account",
            "it is made without a key, and needs somebody whom the ZenML server can be first",
            f"Write `gcp-impersonate:NAME@{project}.iam.gserviceaccount.com:/path/key.json`, or "
            "without a key where the application default credentials are a workload identity.",
        )
    ]


def account_of(
    spec: StackSpec, project: str, taken: Iterable[str | None]
) -> tuple[str, list[Problem]]:
    """What stands before the ``@`` of the account to make, and what is wrong with it.

    Args:
        spec: The description.
        project: Where it is made.
        taken: The addresses of the stack's other accounts.
    """
    wrong = without_source(spec, project)
    if wrong:
        return "", wrong
    email = str(gcp_resources(spec).connector)
    name = email.partition("@")[0]
    if email != names.account_email(name, project) or not _ID.fullmatch(name):
        wrong.append(
            Problem(
                _FIELD,
                f"the service account cannot be made under the address `{email}`",
                f"it would be made in the project `{project}`, with a name of 6 to 30 lower-case "
                "letters, digits and dashes",
                f"Write `gcp-impersonate:NAME@{project}.iam.gserviceaccount.com` and so on.",
            )
        )
    elif email in taken:
        wrong.append(
            Problem(
                _FIELD,
                f"the stack has another service account of the address `{email}`",
                "what submits runs may do more than what runs",
                "Give the connector's account another name.",
            )
        )
    if not becoming(spec):
        wrong.append(
            Problem(
                "infrastructure.impersonators",
                "it is not said who may become the connector's service account",
                "the credentials are a workload identity, and do not tell as whom it comes",
                "Write `infrastructure: {impersonators: [principalSet://iam.googleapis.com/…]}` "
                "with who that is in the pool, no more than that.",
            )
        )
    return name, wrong


def becoming(spec: StackSpec) -> tuple[str, ...]:
    """Who may become the account, as IAM names them: the key's own account, and who is named."""
    key = spec.credentials.values.get("client_email") if spec.credentials else None
    found = [f"serviceAccount:{key}"] if key else []
    return tuple(dict.fromkeys((*found, *(spec.infrastructure.impersonators or ()))))


def role_of(member: str) -> str:
    """The role by which a member becomes a service account.

    https://cloud.google.com/iam/docs/service-account-permissions
    """
    federated = member.startswith(("principal://", "principalSet://"))
    return f"roles/iam.{'workloadIdentityUser' if federated else 'serviceAccountTokenCreator'}"
