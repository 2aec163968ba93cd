"""Read any store through ZenML's own client: slow, and right where the fast ways give up.

As ZenML does, opening the store may write: a first database, a new token, the default stack in
place of one that is gone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kitaru_iac.errors import NotFoundError
from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.lookup import Stub, not_found
from kitaru_iac.gateway.payload import Kind, PayloadReader
from kitaru_iac.gateway.views import Active
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE, Named, Scope
from kitaru_iac.machine.environment import apply_environment
from kitaru_iac.machine.settings import CONFIG_FILE

__all__ = ["ZenMLReader"]


class ZenMLReader(PayloadReader):
    """Reads what ZenML's client is connected to.

    Args:
        before: What named the active stack before ZenML was asked, if that could be read: ZenML
            replaces a stack that is gone, and then nothing tells any more that it was.

    Raises:
        NotConnectedError: No store answers.
        NotAllowedError: The login is not accepted.
    """

    def __init__(self, before: Named | None) -> None:
        apply_environment()
        opened = InProcess.open()
        self._client, self._store = opened.client, opened.store
        super().__init__(before or self._named_by_zenml())
        self._current: Stub | None = None

    def active(self) -> Active:
        """See `Reader.active`."""
        named, stub = self._named, self._active_stub()
        if named.scope != "environment" and named.id != stub.id:
            return Active(stub.id, stub.name, "default", named.source, stale=named.ref)
        return Active(stub.id, stub.name, named.scope, named.source)

    def close(self) -> None:
        """See `Reader.close`. ZenML keeps its store for the life of the process."""

    def _active_id(self, among: Sequence[Stub]) -> str | None:  # noqa: ARG002 - ZenML knows
        return self._active_stub().id

    def _is_active(self, stub: Stub) -> bool:
        return self._active_stub().id == stub.id

    def _active_stub(self) -> Stub:
        if self._current is None:
            try:
                with zenml_call():
                    stack = self._client.active_stack_model
            except NotFoundError:
                raise not_found(
                    str(self._named.ref), self._names_to_compare, where=self._named.source
                ) from None
            self._current = Stub(str(stack.id), stack.name, is_managed=False)
        return self._current

    def _named_by_zenml(self) -> Named:
        with zenml_call():
            from zenml.config.global_config import GlobalConfiguration

            scope: Scope = "global"
            source = str(Path(GlobalConfiguration().config_directory) / CONFIG_FILE)
            if os.environ.get(ACTIVE_STACK_VARIABLE):
                scope, source = "environment", ACTIVE_STACK_VARIABLE
            elif self._client.root:
                scope, source = "repository", str(self._client.root)
            return Named(str(self._client.active_stack_model.id), scope, source)

    def _list(self, kind: Kind, *, hydrate: bool, **filters: Any) -> dict[str, Any]:
        with zenml_call():
            from zenml.models import ComponentFilter, ServiceConnectorFilter, StackFilter

            store = self._store
            page: Any
            if kind == "stacks":
                page = store.list_stacks(StackFilter(**filters), hydrate=hydrate)
            elif kind == "components":
                page = store.list_stack_components(ComponentFilter(**filters), hydrate=hydrate)
            else:
                page = store.list_service_connectors(
                    ServiceConnectorFilter(**filters), hydrate=hydrate, expand_secrets=False
                )
            document: dict[str, Any] = page.model_dump(mode="json")
            return document
