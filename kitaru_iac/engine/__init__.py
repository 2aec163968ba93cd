"""The Pulumi engine: find it, run programs in it, and read what it says."""
