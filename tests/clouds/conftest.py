"""The engine on AWS on loopback, for the tests of provisioning."""

from tests.doubles.standin.fixtures import aws, engine_room, loopback_aws

__all__ = ["aws", "engine_room", "loopback_aws"]
