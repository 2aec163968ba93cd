"""Letting ZenML, in this process, read its settings and open its store anew."""

from __future__ import annotations

import sys

__all__ = ["forget_zenml"]


def forget_zenml() -> None:
    """Drop what ZenML keeps of its settings, client and store; nothing where it is not imported."""
    if "zenml.client" not in sys.modules:
        return
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    configuration = GlobalConfiguration._global_config
    engine = getattr(getattr(configuration, "_zen_store", None), "_engine", None)
    if engine is not None:
        engine.dispose()
    GlobalConfiguration._reset_instance()
    Client._reset_instance()
