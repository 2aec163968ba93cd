"""A filled local store, and a ZenML that reads its configuration anew for each test."""

from tests.gateway.conftest import filled_home, fresh_zenml

__all__ = ["filled_home", "fresh_zenml"]
