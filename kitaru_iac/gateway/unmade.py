"""A local store that is not there yet: nothing is in it, and it is made at the first write.

What only looks, or looks and then refuses, leaves no store behind. What ZenML brings along (its
flavors, the types of connectors) is asked of its packages, as it would fill the store from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kitaru_iac import redaction
from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    ConnectorVerdict,
    FieldError,
    FlavorDoc,
    Kind,
    NewConnector,
    OrphanedSecret,
    ResourceRef,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.gateway.zenml_connectors import installed_connector_types, verify
from kitaru_iac.gateway.zenml_models import refused_by
from kitaru_iac.machine.local_database import examine
from kitaru_iac.machine.packages import version as installed_version

if TYPE_CHECKING:
    from zenml.stack import Flavor

__all__ = ["UnmadeGateway"]


class UnmadeGateway(InProcess):
    """The local store of this machine, before there is one. Implements `Gateway`.

    From the first write on, or as soon as somebody else has made it, it is asked through ZenML's
    client.

    Args:
        path: Where its file will be.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path
        self._brought: dict[tuple[str, str], Flavor] = {}

    @property
    def _is_unmade(self) -> bool:
        return "client" not in self.__dict__ and examine(self._path).state == "absent"

    def _is_empty(self, where: Where) -> bool:
        """Whether nothing of these names can be there: all that ZenML makes is called default."""
        return self._is_unmade and DEFAULT_STACK not in (where.names or ())

    @cached_property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        return StorePlace("local", redaction.url(f"sqlite:///{self._path}"), True)

    @cached_property
    def version(self) -> str:
        """See `Reads.version`: the store will be of the ZenML that is installed here."""
        return installed_version("zenml")

    @cached_property
    def _is_local(self) -> bool:
        return True

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`. The default stack has no id yet, and is only there if it is named."""
        return [] if self._is_empty(where) else super().stacks(where)

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        return [] if self._is_empty(where) else super().components(where)

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        return [] if self._is_unmade else super().connectors(where)

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        return None if self._is_unmade else super().connector_with_secrets(id)

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`."""
        return [] if self._is_unmade else super().orphaned_secrets(connectors)

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        if not self._is_unmade:
            return super().flavors(names)
        with zenml_call() as heard:
            found = [flavor for flavor in _flavors() if flavor.name in names]
        self._heard.update(dict.fromkeys(heard.warnings))
        self._brought = {(flavor.type.value, flavor.name): flavor for flavor in found}
        return [
            FlavorDoc(*key, frozenset(flavor.config_class.model_fields))
            for key, flavor in self._brought.items()
        ]

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """See `Gateway.field_errors`."""
        known = self._brought.get((flavor.type, flavor.name))
        if known is None:
            return super().field_errors(flavor, configuration)
        with zenml_call():
            return refused_by(known.config_class, configuration)

    # -- connectors ------------------------------------------------------------------------------

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`."""
        with zenml_call() as heard:
            found = installed_connector_types()
        self._heard.update(dict.fromkeys(heard.warnings))
        return found

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        if isinstance(connector, str):
            return super().verify_connector(connector, resource)
        return verify(None, connector, resource, is_local=True)

    # -- deleting --------------------------------------------------------------------------------

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        return False if self._is_unmade else super().delete(kind, id)


def _flavors() -> Iterator[Flavor]:
    """Give every flavor that ZenML would put into a new store."""
    from zenml.stack.flavor_registry import FlavorRegistry

    registry = FlavorRegistry()
    for kind in (*registry.builtin_flavors, *registry.integration_flavors):
        yield kind()
