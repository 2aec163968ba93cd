"""Three clouds on loopback; the README beside this says what they do not prove."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.doubles.aws import AwsLoopback
from tests.doubles.azure import AzureLoopback
from tests.doubles.gcp import GcpLoopback
from tests.doubles.proxy import ConnectProxy
from tests.doubles.tls import ThrowAwayCA

__all__ = ["AwsLoopback", "AzureLoopback", "GcpLoopback", "LoopbackClouds"]


class LoopbackClouds:
    """AWS, Google Cloud and Azure for one environment: one certificate authority, one proxy."""

    def __init__(self, directory: Path) -> None:
        for name in ("aws", "gcp", "azure"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        self._ca = ThrowAwayCA(directory)
        self.proxy = ConnectProxy(self._ca)
        self.aws = AwsLoopback(directory / "aws")
        self.gcp = GcpLoopback(directory / "gcp", self._ca, self.proxy)
        self.azure = AzureLoopback(directory / "azure", self._ca, self.proxy)
        self._running = ExitStack()

    def __enter__(self) -> LoopbackClouds:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with ExitStack() as started:
            for part in (self.proxy, self.aws, self.gcp, self.azure):
                part.start()
                started.callback(part.stop)
            self._running = started.pop_all()

    def stop(self) -> None:
        self._running.close()

    def env(self, *, credentials: bool = True) -> dict[str, str]:
        """For a process whose three clouds are these. It reaches nothing else through the proxy."""
        return {
            **self.aws.env(credentials=credentials),
            **self.gcp.env(credentials=credentials),
            **self.azure.env(credentials=credentials),
        }

    def reset(self) -> None:
        """Empty clouds that let everybody in, as after the start."""
        self.aws.reset()
        self.gcp.reset()
        self.azure.reset()
        self.proxy.requests.clear()
        self.proxy.refused.clear()
