"""Put the stand-in where the engine looks for plugins."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tests.warm import client as warm

__all__ = ["install"]

_PROGRAM = """import sys

sys.path.append({folder!r})
from standin_azure.plugin import serve

serve()
"""


def install(pulumi_home: Path) -> Path:
    """Install it under a Pulumi home, as the version of the SDK beside us; returns the program."""
    folder = pulumi_home / "plugins" / f"resource-azure-native-v{version('pulumi-azure-native')}"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "main.py"
    source.write_text(_PROGRAM.format(folder=str(Path(__file__).parents[1])))
    program = folder / "pulumi-resource-azure-native"
    warm.executable(program, source)
    return program
