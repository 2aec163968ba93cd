"""How much a command asks of the store: the requests to a server, the statements to a database.

Numbers instead of a clock: what is added to one of these commands by mistake is seen here. Beside
them stands what the shortest program does that reaches the same with ZenML's client.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from kitaru_iac.gateway.watch import Watch
from kitaru_iac.gateway.wire import Request, Response, Wire
from tests.cli.conftest import Kitaru
from tests.homes import Home

REMOTE = (
    *("--type", "kubernetes", "--artifact-store", "s3://my-bucket/kitaru", "--cluster", "cluster"),
    *("--container-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    *("--region", "eu-west-1", "--no-verify"),
    *("--credentials", f"aws-access-keys:AKIAIOSFODNN7EXAMPLE:{'x' * 40}"),
)
#: ZenML's client asks these when it is opened, whoever opens it.
OPENING = {"GET info", "GET projects", "GET current-user", "POST login"}


@contextmanager
def requests_heard() -> Iterator[Counter[str]]:
    """The requests that are sent meanwhile: ``GET stacks`` and so on, and how often."""
    heard: Counter[str] = Counter()
    send = Wire.send

    def listening(self: Wire, request: Request, watch: Watch) -> Response:
        kind = urlsplit(request.target).path.removeprefix("/api/v1/").split("/")[0]
        what = f"{request.method} {kind}"
        if what not in OPENING:
            heard[what] += 1
        return send(self, request, watch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wire, "send", listening)
        yield heard


@contextmanager
def statements_heard() -> Iterator[Counter[str]]:
    """The statements that ZenML sends to any database meanwhile, by their first word."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    heard: Counter[str] = Counter()

    def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
        heard[re.split(r"\W", statement.lstrip(), maxsplit=1)[0].upper()] += 1

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def done(kitaru: Kitaru, *words: str) -> None:
    said = kitaru(*words)
    assert said.code == 0, said.err


def test_the_requests_of_a_server(server_home: Home, kitaru: Kitaru) -> None:
    with requests_heard() as heard:
        done(kitaru, "stack", "create", "prod", *REMOTE)
    assert heard == {
        # All that carries the name, once; the active stack, once.
        "GET stacks": 1 + 1,
        # Once more right before the write: somebody may have taken a name meanwhile; and read back.
        "GET components": 1 + 1 + 1,
        # A connector is made under a name of its own, so that a lost race leaves no secret, and
        # then renamed, with what an update would clear.
        "GET service_connectors": 1 + 1,
        "POST service_connectors": 1,
        "PUT service_connectors": 1,
        "GET flavors": 1,
        "GET service_connector_types": 1,
        "POST stacks": 1,
        # What was applied, as a label: with the registration all new components would get it.
        "PUT stacks": 1,
    }

    for words in (("apply", "prod", "--yes"), ("preview", "prod")):
        with requests_heard() as heard:
            done(kitaru, "stack", *words, *REMOTE)
        # The three look-ups, and the connector with its secrets.
        assert {key for key in heard if not key.startswith("GET ")} == set()
        assert sum(heard.values()) <= 4, (words, heard)

    with requests_heard() as heard:
        done(kitaru, "stack", "apply", "prod", "--yes", *REMOTE, "--namespace", "ml")
    # With the flavors, the connector types and the active stack; the components once more before
    # they are written; and at last, at the same time, the stack, the components, the connector.
    assert (heard["PUT components"], heard["PUT stacks"]) == (1, 1)
    assert sum(heard.values()) <= 4 + 3 + 1 + 1 + 3 + 2, heard

    with requests_heard() as heard:
        done(kitaru, "stack", "create", "dev")
    assert sum(heard.values()) <= 11
    # A local stack's components carry no labels, which ZenML gives them with the stack.
    assert (heard["POST stacks"], heard["PUT components"]) == (1, 2)

    with requests_heard() as heard:
        done(kitaru, "stack", "drift", "--detailed-exitcode")
    assert {key for key in heard if not key.startswith("GET ")} == set()
    assert sum(heard.values()) <= 1 + 2 * 4, heard


def test_the_statements_of_a_local_store(home: Home, kitaru: Kitaru) -> None:
    with statements_heard() as heard:
        done(kitaru, "stack", "create", "dev")
    ours = sum(heard.values())
    with statements_heard() as heard:
        bare("shortest")
    theirs = sum(heard.values())
    assert ours <= theirs + 45, (ours, theirs)

    for words in (("apply", "dev", "--yes"), ("preview", "dev")):
        with statements_heard() as heard:
            done(kitaru, "stack", *words)
        assert not {"INSERT", "UPDATE", "DELETE"} & set(heard), (words, heard)
        assert sum(heard.values()) <= 34, (words, heard)


def bare(name: str) -> None:
    """As benchmarks/bare/create_local.py."""
    from zenml.client import Client
    from zenml.enums import StackComponentType as Kind
    from zenml.models import ComponentInfo, StackRequest

    client = Client()
    local = [ComponentInfo(flavor="local", configuration={})]
    client.zen_store.create_stack(
        StackRequest(name=name, components={Kind.ORCHESTRATOR: local, Kind.ARTIFACT_STORE: local})
    )
    client.activate_stack(name)
