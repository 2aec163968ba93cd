"""Put the stand-in where the engine looks for plugins."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tests.warm import client as warm

__all__ = ["install"]

_PROGRAM = """import sys

sys.path.append({folder!r})
from standin.{module} import serve

serve()
"""


def install(pulumi_home: Path, cloud: str = "aws", module: str = "plugin") -> Path:
    """Install it under a Pulumi home, as the version of the SDK beside us; returns the program.

    From there the engine takes it in silence; found on PATH, every run would say so.

    Args:
        pulumi_home: Where the engine looks.
        cloud: Whose plugin, as Pulumi calls it.
        module: Of this folder, whose `serve` it is.
    """
    folder = pulumi_home / "plugins" / f"resource-{cloud}-v{version(f'pulumi-{cloud}')}"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "main.py"
    source.write_text(_PROGRAM.format(folder=str(Path(__file__).parents[1]), module=module))
    program = folder / f"pulumi-resource-{cloud}"
    warm.executable(program, source)
    return program
