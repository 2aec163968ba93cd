"""Whether a local stack's artifacts can be stored where the description says."""

from __future__ import annotations

import os
from pathlib import Path

from kitaru_iac.spec.draft import Draft
from kitaru_iac.spec.refusal import shown
from kitaru_iac.spec.uris import LocalPath

__all__ = ["check"]

# Nothing can be written there, whoever asks; root is told otherwise by the kernel.
_NOT_FOR_FILES = ("/proc", "/sys", "/dev")


def check(draft: Draft) -> None:
    """Whether the artifacts' folder exists or can be made. Nothing is made."""
    store = draft.values.get("artifact_store")
    if draft.is_wrong("artifact_store") or not isinstance(store, LocalPath):
        return
    path = Path(store.path)
    real = Path(os.path.realpath(path))
    if real == Path("/") or any(real.is_relative_to(top) for top in _NOT_FOR_FILES):
        draft.add(
            "artifact_store",
            f"artifacts cannot be stored in {shown(path)}",
            why="it is no folder for files",
            remedy="Use a folder of your own, as `~/kitaru-artifacts`.",
        )
        return
    nearest = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    if not nearest.is_dir():
        what = "is a file" if nearest.exists() else "is a link that leads nowhere"
        draft.add(
            "artifact_store", f"{shown(nearest)} {what}, not a folder", remedy="Use another folder."
        )
    elif not os.access(nearest, os.W_OK | os.X_OK):
        draft.add(
            "artifact_store",
            f"you may not write into {shown(nearest)}",
            remedy="Use a folder of your own, as `~/kitaru-artifacts`.",
        )
