"""An access to AWS for tests of what is asked, and of what follows from answers."""

from __future__ import annotations

from typing import Any

__all__ = ["Nobody"]


class Nobody:
    """An `AwsAccess` whose looks are made and never asked."""

    described_as = "nobody"

    def open(self) -> None: ...

    def ask(self, *_: Any, **__: Any) -> Any: ...
