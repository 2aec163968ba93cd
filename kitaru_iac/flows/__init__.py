"""Flows: which stack a run uses, and runs on ZenML without moving the saved active stack."""
