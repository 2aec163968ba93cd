"""Warnings, as Python gives them."""

from __future__ import annotations

import warnings

from kitaru_iac.notices import KitaruWarning

__all__ = ["warn"]


def warn(notices: tuple[KitaruWarning, ...]) -> None:
    """Give a program what the command line writes to stderr."""
    for notice in notices:
        warnings.warn(notice, stacklevel=3)
