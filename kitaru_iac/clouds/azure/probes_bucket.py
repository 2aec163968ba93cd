"""What is asked about the blob container and its storage account.

``az://CONTAINER`` names no account: every account of the subscription is asked for the container,
since two of them may have one of that name.
"""

from __future__ import annotations

from kitaru_iac.checks.probes import (
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    in_batches,
)
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.observations import (
    Account,
    Container,
    Found,
    Raw,
    VaultKey,
    known_text,
)
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes
from kitaru_iac.clouds.azure.verify_key import key_of_account

__all__ = ["BucketProbes"]

_ACCOUNTS = "Microsoft.Storage/storageAccounts"
_VERSION = VERSIONS["microsoft.storage"]


class BucketProbes(CommonProbes):
    """The probes of the artifact store."""

    accounts: Probe[tuple[Account, ...]]
    account: Probe[Account]
    found: Probe[Found]
    container: Probe[Container]
    service: Probe[Raw]
    touched: Probe[None]
    account_key: Probe[VaultKey | None]

    def _ask_bucket(self) -> None:
        name, wanted = self._r.container, self._r.account
        self.accounts = self._below(f"{_ACCOUNTS}/read", self._accounts)
        named = Probe(
            "the storage account", self._named_account, requires=(self._where, self.accounts)
        )
        self.found = Probe(
            f"{_ACCOUNTS}/blobServices/containers/read",
            self._found_in_one if wanted else self._found_in_all,
            requires=(named,) if wanted else (self._where, self.accounts),
        )
        self.container = Probe("the container", self._only, requires=(self.found,), inline=True)
        in_container: Probe[Account] = Probe(
            "the container's account", lambda c: c.account, requires=(self.container,), inline=True
        )
        self.account = named if wanted else in_container
        self.account_key = self.key_of(self.account, key_of_account)
        self.service = Probe(
            f"{_ACCOUNTS}/blobServices/read", self._service, requires=(self.account,)
        )
        self.touched = Probe(
            "the container's own answer",
            lambda before: self._azure.touch_container(
                before.name if isinstance(before, Account) else str(wanted), str(name)
            ),
            requires=(self.session,) if wanted else (self.account,),
        )

    def _accounts(self, where: str) -> tuple[Account, ...]:
        listed = self._azure.list(
            f"{where}/providers/{_ACCOUNTS}", _VERSION, about="the subscription's storage accounts"
        )
        return tuple(Account(known_text(a, "id"), known_text(a, "name"), a) for a in listed)

    def _named_account(self, where: str, accounts: tuple[Account, ...]) -> Account:
        wanted = str(self._r.account)
        for account in accounts:
            if account.name.lower() == wanted:
                return account
        self._require_full_view(where, f"{_ACCOUNTS}/read", f"the storage account {wanted}")
        make = az(
            "storage",
            "account",
            "create",
            name=wanted,
            resource_group=self._r.group or "GROUP",
            location=self._r.location,
            allow_blob_public_access="false",
            min_tls_version="TLS1_2",
            subscription=self._r.subscription,
        )
        raise NotFound(f"the subscription has no storage account {wanted}", make)

    def _found_in_one(self, account: Account) -> Found:
        seen = self._container_of(account)
        if isinstance(seen, NotFound):
            return Found((), 1)
        return Found((), 1, (seen,)) if isinstance(seen, ProbeError) else Found((seen,), 1)

    def _found_in_all(self, where: str, accounts: tuple[Account, ...]) -> Found:
        by_id = {account.id: account for account in accounts}
        outcomes = in_batches(lambda each: self._container_of(by_id[each]), by_id)
        containers = tuple(one for one in outcomes if isinstance(one, Container))
        unseen = [
            one for one in outcomes if isinstance(one, ProbeError) and not isinstance(one, NotFound)
        ]
        if len(containers) < 2:
            what = f"an account with the container {self._r.container}"
            try:
                self._require_full_view(where, f"{_ACCOUNTS}/read", what)
            except ProbeError as error:
                unseen.append(error)
        return Found(containers, len(accounts), tuple(unseen))

    def _container_of(self, account: Account) -> Outcome[Container]:
        """The account's container of this name, or why there is none to be seen.

        Raises:
            NoCredentials: That is about all accounts.
        """
        name = self._r.container
        about = f"the container {name} in {account.name}"
        path = f"{account.id}/blobServices/default/containers/{name}"
        try:
            return Container(account, self._azure.resource(path, _VERSION, about=about))
        except NoCredentials:
            raise
        except ProbeError as error:
            return error

    def _only(self, found: Found) -> Container:
        """The one container that is meant; what several of one name are like is not asked."""
        if len(found.containers) > 1:
            raise Skipped(f"{len(found.containers)} accounts have a container of this name")
        if found.containers:
            return found.containers[0]
        if found.unseen:
            raise found.unseen[0]
        raise NotFound(f"there is no container {self._r.store}")

    def _service(self, account: Account) -> Raw:
        return self._azure.resource(
            f"{account.id}/blobServices/default",
            _VERSION,
            about=f"the blob service of {account.name}",
        )
