"""A stand-in for Pulumi's AWS plugin: the real engine and the real SDK drive boto3 through it."""
