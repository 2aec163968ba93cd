"""What ZenML imports for stacks of AWS, in a folder beside the environment, once on a machine.

s3fs holds botocore back by months: in `requirements.lock` it would do so for everything else.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.docs.markdown import ROOT
from tests.servers.releases import CACHE, _alone, _digest, _uv

#: What ZenML's integrations `s3` and `kubernetes` ask for and this environment lacks. The ranges of
#: what is here as well: one release of it for both.
_WANTED = ("s3fs", "boto3")


def for_s3() -> Path:
    """The folder for PYTHONPATH, with s3fs and the boto3 that goes with it."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = [line.split(" ")[0] for line in lock.splitlines() if "==" in line and line[0] != " "]
    held = [pin for pin in pins if not pin.startswith(("boto3=", "botocore=", "s3transfer="))]
    python = ".".join(map(str, sys.version_info[:2]))
    place = CACHE / f"s3-{python}-{_digest(os.linesep.join([*_WANTED, *held]))}"
    with _alone(place):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                constraints = Path(folder) / "constraints.txt"
                constraints.write_text("\n".join(held))
                made = Path(folder) / "made"
                where = ("--python", sys.executable, "--target", str(made))
                options = ("--quiet", "--compile-bytecode", "-c", str(constraints))
                _uv("pip", "install", *options, *where, *_WANTED)
                made.rename(place)
    return place
