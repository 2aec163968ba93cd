"""What is asked about the container registry.

It is found by its login server: a registry with a domain name label has a host that is not made of
its name.
"""

from __future__ import annotations

from kitaru_iac.checks.probes import NotFound, Probe
from kitaru_iac.clouds.azure.observations import (
    Principal,
    Registry,
    Rights,
    VaultKey,
    known_text,
    text,
)
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes
from kitaru_iac.clouds.azure.verify_key import key_of_registry

__all__ = ["RegistryProbes"]

_REGISTRIES = "Microsoft.ContainerRegistry/registries"


class RegistryProbes(CommonProbes):
    """The probes of the registry that images are pushed to."""

    registry: Probe[Registry]
    registry_key: Probe[VaultKey | None]

    def _ask_registry(self) -> None:
        self.registry = self._below(f"{_REGISTRIES}/read", self._registry)
        self.registry_key = self.key_of(self.registry, key_of_registry)

    def rights_on_registry(self, who: Probe[Principal]) -> Probe[Rights]:
        """A probe of what somebody may do with the registry."""
        at: Probe[str] = Probe(
            "the registry's id", lambda seen: seen.id, requires=(self.registry,), inline=True
        )
        return self.rights("the registry", at, who)

    def _registry(self, where: str) -> Registry:
        listed = self._azure.list(
            f"{where}/providers/{_REGISTRIES}",
            VERSIONS["microsoft.containerregistry"],
            about="the subscription's container registries",
        )
        host = str(self._r.registry)
        for one in listed:
            if (text(one, "properties", "loginServer") or "").lower() == host:
                return Registry(known_text(one, "id"), known_text(one, "name"), one)
        self._require_full_view(where, f"{_REGISTRIES}/read", f"the registry {host}")
        raise NotFound(f"the subscription has no container registry {host}")
