"""The process `pulumi-resource-kitaru`, which the engine starts."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["engine_address", "main"]

#: Seconds that a registration under way is given after an interrupt: the engine kills after ten.
_GRACE = 8.0
#: The same where the engine is gone, and nobody kills: as long as a server may take.
_GRACE_ALONE = 300.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the provider until the engine ends it."""
    parent = os.getppid()
    asyncio.run(_serve(engine_address(arguments), parent))


def engine_address(arguments: Sequence[str] | None = None) -> str:
    """Where the engine listens, by the plugin's command line."""
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-kitaru",
        description="The Pulumi plugin of Kitaru stacks. The Pulumi engine starts it.",
    )
    parser.add_argument("engine", metavar="ADDRESS", nargs="+", help="where the engine listens")
    # What the engine puts before it (`buildPluginArguments`), for its own flags of these names.
    parser.add_argument("--logtostderr", "--logflow", action="store_true", help=argparse.SUPPRESS)
    for name in ("-v", "--tracing"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    given, _ = parser.parse_known_intermixed_args(arguments)
    # The address is the last one: a flag that is not known here may have a value.
    return str(given.engine[-1])


async def _stop_without(engine: str, parent: int, stop: asyncio.Event) -> None:
    from kitaru_iac.pulumi.plugin.engine import until_gone

    await until_gone(engine, parent)
    stop.set()


async def _serve(engine: str, parent: int) -> None:
    import grpc.aio

    from kitaru_iac.machine.environment import apply_environment
    from kitaru_iac.pulumi.plugin.protocol import GRPC_OPTIONS, provider_pb2_grpc
    from kitaru_iac.pulumi.plugin.servicer import Servicer
    from kitaru_iac.pulumi.plugin.threads import busy, sdk_threads

    apply_environment()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(sdk_threads())
    server = grpc.aio.server(options=GRPC_OPTIONS)
    servicer = Servicer(engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    # The engine reads the port and nothing else.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    watch = asyncio.create_task(_stop_without(engine, parent, stop))
    await stop.wait()
    servicer.ended.set()
    # Nothing half-made: what is being written is finished, or taken back by its own failure.
    waited = 0.0
    while servicer.working or busy():
        # Looked at each time: the engine may go while this waits for it.
        if waited >= (_GRACE_ALONE if watch.done() else _GRACE):
            break
        await asyncio.sleep(0.05)
        waited += 0.05
    servicer.close()
    # At once: threads of gRPC and of ZenML would hold the process, and the engine with it.
    os._exit(0)


if __name__ == "__main__":
    main()
