"""Register twenty local stacks through ZenML's client: ``many.py PREFIX``."""

from __future__ import annotations

import sys

from zenml.client import Client
from zenml.enums import StackComponentType as Kind
from zenml.models import ComponentInfo, StackRequest

local = [ComponentInfo(flavor="local", configuration={})]
for number in range(20):
    Client().zen_store.create_stack(
        StackRequest(
            name=f"{sys.argv[1]}-{number}",
            components={Kind.ORCHESTRATOR: local, Kind.ARTIFACT_STORE: local},
            labels={"kitaru.managed": "true"},
        )
    )
