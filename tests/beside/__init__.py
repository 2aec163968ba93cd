"""The real `kitaru` 0.21 beside us."""
