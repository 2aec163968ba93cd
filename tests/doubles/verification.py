"""What ZenML said of one resource when a server verified a connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.zenml import ZenMLServer


@dataclass(frozen=True)
class Verdict:
    resource_ids: list[str]
    error: str

    @property
    def ok(self) -> bool:
        return not self.error


def verify(
    server: ZenMLServer,
    connector: tuple[str, str, Mapping[str, Any]],
    resource_type: str | None = None,
    resource_id: str | None = None,
    **fields: Any,
) -> Verdict:
    """Verify (type, authentication method, configuration) for one resource type and id."""
    connector_type, auth_method, configuration = connector
    found = server.verify_connector(
        connector_type, auth_method, configuration, resource_type, resource_id, **fields
    )
    resources = [part for part in found["resources"] if part["resource_type"] == resource_type]
    error = found["error"] or "".join(part["error"] or "" for part in resources)
    return Verdict([name for part in resources for name in part["resource_ids"] or []], error)
