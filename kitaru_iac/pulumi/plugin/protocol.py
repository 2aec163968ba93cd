"""The messages of Pulumi's protocol, without the SDK around them.

They stand below `pulumi.runtime`, and Python runs a package before what is in it: the whole SDK, a
third of what the plugin does for twenty stacks. So the packages are stood in for while the messages
are loaded. Whoever imports `pulumi` afterwards, as the components do, gets the SDK, with these same
messages: protobuf takes one of each name.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = [
    "GRPC_OPTIONS",
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]

#: As the SDK's own servers have it: large messages, and half an hour for one that waits its turn.
GRPC_OPTIONS = [
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.server_max_unrequested_time_in_server", 30 * 60),
]


def _stand_in() -> list[str]:
    """Let the packages around the messages be empty ones; their names, unless they are loaded."""
    if "pulumi" in sys.modules:
        return []
    spec = find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        return []
    names = ["pulumi", "pulumi.runtime", "pulumi.runtime.proto"]
    folder = Path(spec.submodule_search_locations[0])
    for name in names:
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    return names


_stood_in = _stand_in()
try:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
finally:
    for _name in _stood_in:
        del sys.modules[_name]
