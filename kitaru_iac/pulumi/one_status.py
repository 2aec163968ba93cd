"""One message `google.rpc.Status` in a process, which Pulumi and Google's SDKs each bring.

protobuf takes a message of one name once, and whoever comes second cannot be imported: without this
the plugin could not load ZenML's connectors where `kitaru-iac[gcp]` is installed beside.
"""

from __future__ import annotations

import sys

__all__ = ["unite"]

_PULUMIS = "pulumi.runtime.proto.status_pb2"


def unite() -> None:
    """Let Pulumi's server use Google's message, if there is one. Before Pulumi's is imported."""
    if _PULUMIS in sys.modules:
        return
    try:
        from google.rpc import status_pb2
    except ImportError:
        return
    sys.modules[_PULUMIS] = status_pb2
