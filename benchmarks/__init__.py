"""How fast the commands are, beside those of ZenML in the same run. See ``scripts/bench``."""
