"""Previews as `pulumi preview --json` of engine 3.274 prints them, and a program that does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["COMPUTED", "preview", "pulumi", "step", "urn"]

COMPUTED = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def urn(name: str, type: str = "kitaru:index:Stack") -> str:
    return f"urn:pulumi:dev::platform::{type}::{name}"


def step(
    op: str,
    name: str = "dev",
    type: str = "kitaru:index:Stack",
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    paths: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    made: dict[str, Any] = {"op": op, "urn": urn(name, type), **more}
    if old is not None:
        made["oldState"] = {"urn": urn(name, type), "inputs": old, "outputs": outputs or {}}
    if new is not None:
        made["newState"] = {"urn": urn(name, type), "inputs": new}
    if paths:
        made["detailedDiff"] = {path: {"kind": "update", "inputDiff": False} for path in paths}
        made["diffReasons"] = list(paths)
    return made


def preview(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    counted: dict[str, int] = {}
    for one in steps:
        counted[one["op"]] = counted.get(one["op"], 0) + 1
    return {"steps": list(steps), "changeSummary": counted, "duration": 1, **more}


def pulumi(folder: Path) -> Path:
    """A program in the engine's place: `preview.json`, `up.txt` and `code` in its folder say what
    it answers, and `calls` what it was asked. For what a real engine cannot be made to say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "preview.json").write_text(json.dumps(preview()))
    (folder / "up.txt").write_text("")
    program = folder / "pulumi"
    program.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$0")\n'
        'if [ "$1" = version ]; then echo v3.274.1; exit 0; fi\n'
        'echo "$*" >> "$here/calls"\n'
        'case "$2" in preview) cat "$here/preview.json" ;; *) cat "$here/up.txt" ;; esac\n'
        'exit "$(cat "$here/code.$2" 2>/dev/null || echo 0)"\n'
    )
    program.chmod(0o755)
    return program
