"""The AWS CLI as far as remedies use it: read from AWS's own models, carried out through boto3.

An unknown command or option, a missing one or a malformed value is an error, as in the real one.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

import botocore.session
from botocore import xform_name

from tests.doubles.aws import AwsLoopback

_SERVICES = {"s3api": "s3"}
_FLAGS = {"query": str, "output": str}


def run(remedy: str, aws: AwsLoopback) -> list[Any]:
    """Carry out a remedy: commands joined by &&, comments left out. Returns the answers."""
    return [_run(command, aws) for command in _commands(remedy)]


def understands(remedy: str) -> bool:
    """Whether every command is a complete one of the AWS CLI."""
    for words in _commands(remedy):
        # `configure` and `sso` are the CLI's own commands, without a service behind them.
        if words[0] == "aws" and words[1] not in {"configure", "sso"}:
            _parsed(words)
    return True


def _commands(remedy: str) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for word in shlex.split(remedy, comments=True):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _run(words: list[str], aws: AwsLoopback) -> Any:
    service, operation, parameters, region = _parsed(words)
    if operation is None:
        return None
    return getattr(aws.client(service, region or aws.region), operation)(**parameters)


def _parsed(words: list[str]) -> tuple[str, str | None, dict[str, Any], str | None]:
    assert words[0] == "aws", words
    service = _SERVICES.get(words[1], words[1])
    model = botocore.session.get_session().get_service_model(service)
    if words[2] == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        assert words[3] in {xform_name(name, "-") for name in waiters}, words
        return service, None, {}, None
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert words[2] in operations, f"{words[2]} is no command of {service}"
    shape = model.operation_model(operations[words[2]]).input_shape
    members = {} if shape is None else {xform_name(n, "-"): n for n in shape.members}
    parameters: dict[str, Any] = {}
    region = None
    rest = words[3:]
    skeleton = False
    while rest:
        option, value, *rest = rest
        assert option.startswith("--"), option
        name = option.removeprefix("--")
        if name == "region":
            region = value
        elif name == "generate-cli-skeleton":
            skeleton = True
        elif name not in _FLAGS:
            assert name in members, f"{words[1]} {words[2]} has no option {option}"
            assert shape is not None
            parameters[members[name]] = _value(value, shape.members[members[name]])
    if not skeleton:
        required = set(shape.required_members if shape is not None else ())
        given = set(parameters) | {"clientRequestToken"}
        assert required <= given, f"{words}: {required - given} missing"
    return service, None if skeleton else xform_name(operations[words[2]]), parameters, region


def _value(text: str, shape: Any) -> Any:
    if shape.type_name in {"structure", "map", "list"}:
        if text[:1] in "[{":
            return json.loads(text)
        if shape.type_name == "list":
            return text.split(" ")
        parts = [part.partition("=") for part in text.split(",")]
        return {k: v == "true" if v in {"true", "false"} else v for k, _, v in parts}
    return int(text) if shape.type_name in {"integer", "long"} else text
