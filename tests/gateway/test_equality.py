"""The fast readers say what ZenML's own client says, on 24 generated stores.

For each store ZenML's client is asked for the listing, the active stack and every stack in full.
What pages, filters, names and counts have to be follows from that listing. Some of the stores are
read through the slow reader too, which asks ZenML's client anew for each of these answers.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.gateway import Reader, RowPage, StackRow
from kitaru_iac.gateway.documents import FlavorDoc, Where
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.local_gateway import LocalGateway
from kitaru_iac.gateway.opening import fast_reader, open_gateway, slow_reader
from kitaru_iac.gateway.rest import RestReader
from kitaru_iac.gateway.sqlite import SqliteReader
from kitaru_iac.machine.active_scope import named_stack
from kitaru_iac.machine.settings import read_yaml
from tests.gateway.stores import (
    Filler,
    add_odd_flavors,
    connect,
    forget_zenml,
    pour,
    truth_of_listing,
    truth_of_stack,
)
from tests.homes import Home, ready_home
from tests.servers.zenml import ZenMLServer, copy_database

STORES = 24
#: Each so many stores, the slow reader gives all answers as well.
SLOW_EACH = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def generated(
    template_home: Home, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, list[str]]]:
    """The databases, and the ids of the stacks in each."""
    from zenml.client import Client

    root = tmp_path_factory.mktemp("generated")
    home = ready_home(template_home, root / "home")
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZENML_CONFIG_PATH", str(home.config))
        patch.setenv("ZENML_ANALYTICS_OPT_IN", "false")
        patch.chdir(home.path)
        forget_zenml()
        store = Client().zen_store
        add_odd_flavors(store)
        base = root / "base.db"
        copy_database(home.database, base)
        for number in range(STORES):
            rng = random.Random(number)
            pour(base, home.database)
            ids = Filler(store, rng).fill(rng.randrange(6))
            database = root / f"{number}.db"
            copy_database(home.database, database)
            made.append((database, ids))
        forget_zenml()
    return made


def make_active(home: Home, id: str | None) -> None:
    path = home.config / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["active_stack_id"] = id
    path.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not None}))


def start_again(id: str | None) -> Any:
    """ZenML's client as if it had just started with this active stack; its store stays open."""
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    known = GlobalConfiguration()
    known._active_stack = None
    known.active_stack_id = id
    _ = known.zen_store
    known._sanitize_config()
    return Client()


def answers(reader: Reader, ids: list[str]) -> dict[str, Any]:
    rows = list(reader.stacks())
    return {
        "rows": [row.to_dict() for row in rows],
        "page": [row.to_dict() for row in reader.stacks(page=2, size=2)],
        "cut": [reader.page(1, 3), reader.page(2, 3), reader.page(9, 3)],
        "named": [row.to_dict() for row in reader.stacks(name="D")],
        "count": [reader.count(), reader.count("e")],
        "names": reader.names(),
        "by_prefix": [reader.find(row.id[:14]) == row for row in rows[:2]],
        "active": reader.active().to_dict(),
        "found": [reader.find(row.name).id for row in rows[:2]],
        "stacks": [reader.stack(uuid).to_dict() for uuid in ids],
    }


def fast_answers(home: Home, ids: list[str], active: str | None, kind: type) -> dict[str, Any]:
    make_active(home, active)
    reader = fast_reader()
    assert isinstance(reader, kind)
    given = answers(reader, ids)
    reader.close()
    assert "do-not-show-me" not in str(given)
    return given


def truth(home: Home, ids: list[str], active: str | None) -> dict[str, Any]:
    """What the answers have to be, from what ZenML's client says."""
    client = start_again(active)
    make_active(home, active)  # ZenML has replaced one that is gone
    rows = truth_of_listing(client)
    names = [row["name"] for row in rows]
    found = [RowPage(tuple(StackRow(**r) for r in rows[n : n + 3]), len(rows)) for n in (0, 3, 24)]
    return {
        "rows": rows,
        "page": rows[2:4],
        "cut": found,
        "named": [row for row in rows if "d" in row["name"].lower()],
        "count": [len(rows), sum("e" in name.lower() for name in names)],
        "names": sorted(names),
        "by_prefix": [True] * len(rows[:2]),
        "active": str(client.active_stack_model.id),
        "found": [row["id"] for row in rows[:2]],
        "stacks": [truth_of_stack(client, uuid) for uuid in ids],
    }


def slow_answers(home: Home, ids: list[str], active: str | None) -> dict[str, Any]:
    """What the slow reader says, which says what ZenML's client says."""
    client = start_again(active)
    make_active(home, active)  # ZenML has replaced one that is gone; `slow_reader` looks before
    given = answers(slow_reader(), ids)
    assert given["rows"] == truth_of_listing(client)
    assert given["stacks"] == [truth_of_stack(client, uuid) for uuid in ids]
    return given


def test_sqlite(generated: list[tuple[Path, list[str]]], home: Home) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    for number, (database, ids) in enumerate(generated):
        pour(database, home.database)
        active = random.Random(number).choice([*ids, gone, None])
        fast = fast_answers(home, ids, active, SqliteReader)
        if number % SLOW_EACH == 0:
            assert fast == slow_answers(home, ids, active), number
        assert fast | {"active": fast["active"]["id"]} == truth(home, ids, active), number


def test_documents_of_the_local_store(generated: list[tuple[Path, list[str]]], home: Home) -> None:
    zenml, ours = InProcess.open(), open_gateway()
    assert isinstance(ours, LocalGateway)
    assert (ours.place, ours.version) == (zenml.place, zenml.version)
    assert ours.place.url.endswith(str(home.database))
    for number, (database, _) in enumerate(generated[::SLOW_EACH]):
        pour(database, home.database)
        stacks = zenml.stacks(Where())
        components = zenml.components(Where())
        connectors = zenml.connectors(Where())
        assert ours.stacks(Where()) == stacks, number
        assert ours.components(Where()) == components, number
        assert ours.connectors(Where()) == connectors, number
        assert ours.connectors(Where(limit=1)) == zenml.connectors(Where(limit=1)), number
        for where in [
            *(Where(in_stack=stack.id) for stack in stacks),
            *(Where(uses_connector=link.id, limit=2) for link in connectors),
            Where(ids=tuple(component.id for component in components[:2])),
            Where(id_prefix=components[-1].id[:3]),
        ]:
            assert ours.components(where) == zenml.components(where), (number, where)
        for where in [
            *(Where(uses_component=part.id) for part in components[:3]),
            Where(names=tuple(stack.name for stack in stacks[1:])),
        ]:
            assert ours.stacks(where) == zenml.stacks(where), (number, where)
        assert ours.orphaned_secrets() == zenml.orphaned_secrets()
    names = {"local", "s3", "kubernetes", "aws", "sagemaker", "odd", "none"}

    def by_kind(flavors: list[FlavorDoc]) -> dict[tuple[str, str], FlavorDoc]:
        return {(flavor.type, flavor.name): flavor for flavor in flavors}

    assert by_kind(ours.flavors(names)) == by_kind(zenml.flavors(names))


def test_server(
    generated: list[tuple[Path, list[str]]],
    empty_server: ZenMLServer,
    home: Home,
    tmp_path: Path,
) -> None:
    connect(empty_server)
    before = tmp_path / "before.db"
    copy_database(empty_server.database, before)
    try:
        for number, (database, ids) in enumerate(generated):
            pour(database, empty_server.database)
            active = random.Random(number).choice([*ids, None])
            # The server's own file says what is right, as `test_sqlite` shows; for some of them
            # ZenML's client is asked, which takes its time.
            make_active(home, active)
            config = read_yaml(home.config / "config.yaml")
            file = SqliteReader(empty_server.database, named_stack(config, {}))
            reader = fast_reader()
            assert isinstance(reader, RestReader)
            assert list(reader.stacks()) == list(file.stacks()), number
            assert reader.active() == file.active(), number
            assert [reader.stack(uuid) for uuid in ids] == [file.stack(uuid) for uuid in ids]
            assert reader.views(list(reader.stacks())) == file.views(list(file.stacks())), number
            file.close()
            reader.close()
            if number % 20 == 0:
                fast = fast_answers(home, ids, active, RestReader)
                assert fast == slow_answers(home, ids, active), number
    finally:
        pour(before, empty_server.database)
