"""A stand-in for Pulumi's Azure plugin: the real engine and the real SDK drive Resource Manager."""
