"""Read all that ZenML keeps of one stack."""

from __future__ import annotations

import sys

from zenml.client import Client

stack = Client().get_stack(sys.argv[1])
for components in stack.components.values():
    for component in components:
        _ = component.configuration
