"""Change or delete a stack through ZenML's client: ``client.py WORK NAME``."""

from __future__ import annotations

import sys

from zenml.client import Client
from zenml.enums import StackComponentType as Kind

work, name = sys.argv[1:3]
client = Client()
stack = client.get_stack(name, allow_name_prefix_match=False)
if work == "change":
    (part,) = stack.components[Kind.ORCHESTRATOR]
    configuration = {**part.configuration, "kubernetes_namespace": sys.argv[3]}
    client.update_stack_component(part.id, Kind.ORCHESTRATOR, configuration=configuration)
elif work == "delete":
    parts = [part for kind in stack.components.values() for part in kind]
    connectors = {part.connector.id for part in parts if part.connector}  # asked of the server
    if client.active_stack_model.id == stack.id:
        client.activate_stack("default")
    client.delete_stack(stack.id, recursive=True)
    for connector in connectors:
        client.delete_service_connector(connector)
