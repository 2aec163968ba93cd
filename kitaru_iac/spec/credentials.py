"""Credential strings: how a description says who the service connector is.

``kind[:fields]``, or ``env:NAME``, ``file:PATH`` and ``-`` for a place that holds such a string, so
that no secret has to stand on a command line. A service account's or an external account's JSON is
understood as it is, wherever a string is.

What ZenML 0.98's connectors make of each kind (read from its three ``*_service_connector.py``; the
mapping itself stands in ``kitaru_iac/clouds/*/records.py``):

======================================== ===================== ==================================
string                                   method                fields
======================================== ===================== ==================================
``implicit``                             ``implicit``
``aws-profile:NAME``                     ``implicit``          ``profile_name``
``aws-access-keys:KEY:SECRET``           ``secret-key``        ``aws_access_key_id``, …
``aws-session-token:KEY:SECRET:TOKEN``   ``sts-token``         the same and ``aws_session_token``
``aws-role:ARN``                         ``implicit``          ``role_arn``
``gcp-service-account:FILE``             ``service-account``   ``service_account_json``
``gcp-impersonate:ACCOUNT:KEYFILE``      ``impersonation``     the same and ``target_principal``
``gcp-impersonate:ACCOUNT``              ``external-account``  see below
``gcp-workload-identity:FILE``           ``external-account``  ``external_account_json``
``azure-service-principal:TENANT:…``     ``service-principal`` ``tenant_id``, ``client_id``, …
``azure-managed-identity``               ``implicit``
======================================== ===================== ==================================

What it cannot express, and what is done about it:

* **A role's external id.** Both ways to assume a role (``iam-role``, ``implicit``) call AssumeRole
  without one. ``aws-role:ARN:EXTERNAL_ID`` is refused; a profile with ``role_arn`` and
  ``external_id`` can do it, because there boto3 makes the call.
* **A role without a key** is not ``iam-role``, which demands an access key, but ``implicit`` with a
  ``role_arn``: whoever owns the store assumes the role with its own identity.
* **Impersonation without a key.** ``impersonation`` demands a service account's key. Without one,
  the application default credentials decide: an external account's file (workload identity
  federation) is taken with its ``service_account_impersonation_url`` set to the account, which the
  ``external-account`` method honours; an impersonation of that account made by ``gcloud auth
  application-default login --impersonate-service-account`` is ``implicit``, and good on
  this machine alone. Anything else is refused: no key and no person's login is taken unasked.
* **Workload identity is implicit to ZenML**: ``external-account`` is refused as ``implicit`` is
  where implicit methods are off, because its file tells the store's process what to read and run.
* **Which managed identity.** ``implicit`` is ``DefaultAzureCredential``, which has no field for a
  client id: ``AZURE_CLIENT_ID`` beside the store's process selects a user-assigned identity.
* **An Azure access token** opens one audience, not blob storage ("does not support blob"), and its
  expiry cannot be given with a stack. Every Azure stack stores its artifacts in blob storage, so
  ``azure-access-token:TOKEN`` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.clouds import VOCABULARIES
from kitaru_iac.spec.clouds.forms import CredentialKind, Credentials
from kitaru_iac.spec.sources import CredentialsError, resolve_source

__all__ = [
    "CREDENTIAL_FORMS",
    "IDENTITY_FIELDS",
    "Credentials",
    "CredentialsError",
    "parse_credentials",
    "resolve_source",
]


def _implicit(kind: CredentialKind, rest: str) -> Credentials:
    kind.require_nothing(rest)
    return Credentials(None, kind.name)


_KINDS: Mapping[str, CredentialKind] = {
    kind.name: kind
    for kind in (
        *(kind for words in VOCABULARIES.values() for kind in words.credentials),
        CredentialKind("implicit", "implicit", _implicit),
    )
}

#: The fields of ZenML's connectors that say who they are.
IDENTITY_FIELDS = frozenset(field for kind in _KINDS.values() for field in kind.tells)
#: Every kind and how it is written.
CREDENTIAL_FORMS: Mapping[str, str] = {name: kind.form for name, kind in _KINDS.items()}


def parse_credentials(text: str) -> Credentials:
    """Understand a credential string whose place is already resolved by `resolve_source`.

    Fields are split from the left, so that the last one, the secret, may hold colons.

    Raises:
        CredentialsError: The kind is unknown, a field is missing or malformed, a file is absent or
            not what it should be, or ZenML cannot do what is asked.
    """
    text = text.strip()
    if text.startswith("{"):
        return _from_file_content(text)
    name, _, rest = text.partition(":")
    name = name.strip().lower()
    kind = _KINDS.get(name)
    if kind is None:
        raise _unknown_kind(name, text)
    return kind.parse(kind, rest)


def _from_file_content(text: str) -> Credentials:
    readers = [words.read_credential_file for words in VOCABULARIES.values()]
    return next(read for read in readers if read is not None)(text)


def _unknown_kind(name: str, text: str) -> CredentialsError:
    # A string of no known kind may be a bare secret: only what is nearly a known word is repeated.
    from difflib import get_close_matches

    near = get_close_matches(name, CREDENTIAL_FORMS, n=1, cutoff=0.75)
    if not text:
        return CredentialsError("The credentials are empty", remedy=_forms())
    if near:
        return CredentialsError(
            f"There are no credentials of kind {name!r}",
            remedy=f"Did you mean {CREDENTIAL_FORMS[near[0]]}?",
        )
    return CredentialsError("The credentials are of no known kind", remedy=_forms())


def _forms() -> str:
    offered = ", ".join(kind.form for kind in _KINDS.values() if kind.is_offered)
    return f"Write one of {offered}; or env:NAME or file:PATH for where it is."
