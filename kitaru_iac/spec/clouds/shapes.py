"""What several clouds' regions are made of."""

from __future__ import annotations

__all__ = ["DIRECTION"]

#: The part of a region's name that says where on its continent it is, as a pattern.
DIRECTION = "(?:north|south|east|west|central|northeast|northwest|southeast|southwest)"
