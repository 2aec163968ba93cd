"""Evaluating policy documents of AWS that no call of AWS evaluates for us."""
