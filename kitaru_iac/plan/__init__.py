"""What a command would change, as one model."""
