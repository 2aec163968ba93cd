"""Flows: which stack a run uses, and runs themselves."""
