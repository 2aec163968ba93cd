"""How ZenML is called: one call at a time, muted, its errors translated, its files guarded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.forgetting import renew_zenml
from kitaru_iac.gateway.guard import guard_zenml
from kitaru_iac.gateway.quiet import Heard, one_at_a_time, quiet, uncollected

__all__ = ["zenml_call"]


@contextmanager
def zenml_call() -> Iterator[Heard]:
    """Stand around single calls of what in ZenML is one for a process: client, settings, own store.

    Its store is the one that the settings name now, whatever another process has changed in them.

    Yields:
        What ZenML said meanwhile.
    """
    with one_at_a_time, uncollected(), quiet() as heard, translate_errors():
        guard_zenml()
        renew_zenml()
        yield heard
