"""The evaluations about the keys that encrypt a storage account and a registry."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.azure.commands import az, of
from kitaru_iac.clouds.azure.observations import (
    Account,
    Container,
    CustomerKey,
    Registry,
    VaultKey,
    customer_key,
    known_text,
    text,
)

__all__ = ["evaluate_account_key", "evaluate_registry_key", "key_of_account", "key_of_registry"]

_ENCRYPTION = ("properties", "encryption")
#: What a container's default scope is called that is the account's own encryption.
_ACCOUNTS_OWN = "$account-encryption-key"
#: Registries that take no key but Microsoft's.
#: https://learn.microsoft.com/azure/container-registry/tutorial-customer-managed-keys
_WITHOUT_KEYS = {"Basic", "Standard"}


def key_of_account(account: Account) -> CustomerKey | None:
    """Read which key encrypts a storage account: the version in use, where Azure tells it."""
    if _source(account) != "microsoft.keyvault":
        return None
    key = (*_ENCRYPTION, "keyvaultproperties")
    used = text(account.raw, *key, "currentVersionedKeyIdentifier")
    if used:
        return customer_key(used)
    vault, name = (known_text(account.raw, *key, part) for part in ("keyvaulturi", "keyname"))
    version = text(account.raw, *key, "keyversion") or ""
    return customer_key(f"{vault.rstrip('/')}/keys/{name}/{version}".rstrip("/"))


def key_of_registry(registry: Registry) -> CustomerKey | None:
    """Read which key encrypts a registry: the version in use, where Azure tells it."""
    if text(registry.raw, *_ENCRYPTION, "status") != "enabled":
        return None
    key = (*_ENCRYPTION, "keyVaultProperties")
    used = text(registry.raw, *key, "versionedKeyIdentifier")
    return customer_key(used or known_text(registry.raw, *key, "keyIdentifier"))


def _source(account: Account) -> str:
    return (text(account.raw, *_ENCRYPTION, "keySource") or "").lower()


def evaluate_account_key(
    account: Account, key: Outcome[VaultKey | None], container: Outcome[Container]
) -> Verdict:
    """The account's key; a container may have a scope of its own, with another one."""
    show = az("storage", "account", "show", **of(account.id))
    if _source(account) not in {"microsoft.storage", "microsoft.keyvault"}:
        return unknown(f"{account.name} does not say whose key encrypts it", show)
    verdict = _evaluate(key_of_account(account), key, account.name)
    if verdict.status is not CheckStatus.OK:
        return verdict
    if isinstance(container, ProbeError):
        return unknown(
            f"{verdict.why}; whether the container has a key of its own could not be seen: "
            f"{container.why}",
            container.remedy or show,
            container.permission,
        )
    scope = text(container.raw, "properties", "defaultEncryptionScope")
    if scope in {None, _ACCOUNTS_OWN}:
        return verdict
    return unknown(
        f"{verdict.why}; the container has the encryption scope {scope}, whose key was not looked "
        "at",
        az(
            "storage",
            "account",
            "encryption-scope",
            "show",
            name=scope,
            **of(account.id, "account_name"),
        ),
    )


def evaluate_registry_key(registry: Registry, key: Outcome[VaultKey | None]) -> Verdict:
    """The registry's key."""
    status = text(registry.raw, *_ENCRYPTION, "status")
    tier = text(registry.raw, "sku", "name")
    if status not in {"enabled", "disabled"} and not (status is None and tier in _WITHOUT_KEYS):
        return unknown(
            f"{registry.name} does not say whose key encrypts it",
            az("acr", "encryption", "show", **of(registry.id)),
        )
    return _evaluate(key_of_registry(registry), key, registry.name)


def _evaluate(named: CustomerKey | None, key: Outcome[VaultKey | None], thing: str) -> Verdict:
    if named is None:
        return ok(f"Microsoft's own keys encrypt {thing}")
    show = az("keyvault", "key", "show", id=str(named))
    if isinstance(key, ProbeError):
        return unknown(
            f"the key {named} encrypts {thing}, and could not be looked at: {key.why}",
            key.remedy or show,
            key.permission,
        )
    if key is None or key.enabled is None:
        return unknown(
            f"the key {named} encrypts {thing}, and Key Vault does not say whether it is enabled",
            show,
        )
    if not key.enabled:
        return fail(
            f"its key {named} is disabled: nothing can be stored or read",
            az("keyvault", "key", "set-attributes", id=str(named), enabled="true"),
        )
    if key.untimely:
        return unknown(
            f"the key {named} encrypts {thing}, and {key.untimely}: whether Azure still takes it "
            "is not told",
            show,
        )
    return ok(
        f"the key {named} encrypts {thing}, and is enabled",
        "whether the identity that reads it may use it was not looked at",
    )
