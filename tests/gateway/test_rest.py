"""How many requests an answer takes, and that an answer in another form is left to ZenML."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError, StackNotFound
from kitaru_iac.gateway import payload
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.rest import RestReader
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.gateway.session import Session
from kitaru_iac.gateway.views import StackView, Unread
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore
from tests.gateway.web import LittleServer

TIMES = {"created": "2026-01-01T00:00:00", "updated": "2026-01-01T00:00:00.5"}


def a_stack(number: int) -> dict[str, Any]:
    component = f"cccccccc-0000-4000-8000-{number:012x}"
    return {
        "id": f"{number:08x}-0000-4000-8000-{number:012x}",
        "name": f"s{number}" if number else "default",
        "body": {"user_id": None, **TIMES},
        "metadata": {
            "components": {"orchestrator": [{"id": component, "name": "c", "body": {}}]},
            "labels": {"kitaru.managed": "true"} if number % 2 else None,
            "description": "",
            "environment": {},
            "secrets": [],
            "stack_spec_path": None,
        },
        "resources": {"user": None},
    }


def a_component(stack: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": stack["metadata"]["components"]["orchestrator"][0]["id"],
        "name": "c",
        "body": {"type": "orchestrator", "flavor_name": "local", **TIMES},
        "metadata": {
            "configuration": {"a": 1},
            "labels": {},
            "environment": {},
            "secrets": [],
            "connector": {"id": "k", "name": "k"},
            "connector_resource_id": None,
        },
        "resources": {"user": {"name": "admin"}},
    }


def a_connector() -> dict[str, Any]:
    return {
        "id": "k",
        "name": "k",
        "body": {
            "connector_type": "aws",
            "auth_method": "implicit",
            "resource_types": [],
            "resource_id": None,
            "description": "",
            "supports_instances": True,
            "expires_at": None,
            "expires_skew_tolerance": None,
            **TIMES,
        },
        "metadata": {"configuration": {}, "labels": {}, "expiration_seconds": None},
        "resources": {"user": None},
    }


def _one_of(query: dict[str, str]) -> list[str]:
    ids: list[str] = json.loads(query["id"].removeprefix("oneof:"))
    assert len(query["id"]) < 5_000  # which an address has to hold
    return ids


class Api:
    """The part of ZenML's API that is read, over made-up stacks."""

    def __init__(self, count: int) -> None:
        self.stacks = [a_stack(number) for number in range(count)]
        self.spoil: Callable[[str, dict[str, Any]], object] = lambda kind, page: None

    def __call__(self, path: str) -> tuple[int, Any]:
        url = urlsplit(path)
        kind = url.path.rsplit("/", 1)[1]
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        size, number = int(query.get("size", 20)), int(query.get("page", 1))
        if kind == "stacks":
            items = [stack for stack in self.stacks if self._fits(stack, query)]
        elif kind == "components":
            parts = [(s["id"], a_component(s)) for s in self.stacks]
            asked = [query["stack_id"]] if "stack_id" in query else _one_of(query)
            items = [part for stack, part in parts if {stack, part["id"]} & set(asked)]
        else:
            assert query["expand_secrets"] == "false"
            items = [a_connector()]
        pages = max(1, -(-len(items) // size))
        if number > pages:
            return 422, {"detail": "Invalid page"}
        page = {
            "total": len(items),
            "total_pages": pages,
            "items": copy.deepcopy(items[(number - 1) * size : number * size]),
        }
        self.spoil(kind, page)
        return 200, page

    def _fits(self, stack: dict[str, Any], query: dict[str, str]) -> bool:
        tests = []
        if "name" in query:
            how, text = query["name"].split(":", 1)
            name = stack["name"]
            tests.append(
                {
                    "equals": name == text,
                    "startswith": name.startswith(text),
                    "contains": text.lower() in name.lower(),
                }[how]
            )
        if "id" in query:
            how, text = query["id"].split(":", 1)
            if how == "oneof":
                return stack["id"] in _one_of(query)
            tests.append(stack["id"].replace("-", "").startswith(text.replace("-", "")))
        return any(tests) if query.get("logical_operator") == "or" else all(tests)


@pytest.fixture(params=[3, 450])
def api(request: pytest.FixtureRequest) -> Api:
    return Api(request.param)


@pytest.fixture
def server(api: Api) -> Iterator[LittleServer]:
    with LittleServer(api) as running:
        yield running


@pytest.fixture
def reader(server: LittleServer) -> Iterator[RestReader]:
    store = RestStore(server.url, Login("t"), timeout=20)
    reading = RestReader(store, Named(a_stack(1)["id"], "global", "x"), {})
    yield reading
    reading.close()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((401, {}), NotAllowedError, "kitaru login"),  # there is no key for a new token
        ((403, {}), NotAllowedError, "403"),
        ((404, {}), NotConnectedError, "There is no /api/v1/stacks"),
        ((422, {"detail": ["ValueError", "why"]}), KitaruError, "why"),
        ((500, {}), NotConnectedError, "500"),
        ((503, {}), NotConnectedError, "503"),
        ((200, "<html>"), NotConnectedError, "web page"),
        ((200, []), NotConnectedError, "a list"),
        ((200, ""), NotConnectedError, "nothing"),
    ],
)
def test_any_other_answer_is_the_right_error(
    answer: tuple[int, Any], kind: type[Exception], words: str
) -> None:
    with LittleServer(lambda _: answer) as server:
        store = RestStore(server.url, Login("t"), timeout=9)
        reading = RestReader(store, Named(None, "global", "x"), {})
        with pytest.raises(kind) as caught:
            list(reading.stacks())
        reading.close()
    assert words in str(caught.value)
    assert len(server.asked) == (3 if answer[0] == 503 else 1)


def test_the_number_of_requests(reader: RestReader, server: LittleServer, api: Api) -> None:
    def requests(action: Callable[[], object]) -> int:
        server.asked.clear()
        action()
        return len(server.asked)

    pages = -(-len(api.stacks) // 200)
    assert requests(reader.active) == 1
    assert requests(lambda: reader.find("s2")) == 1
    assert requests(lambda: reader.find("default")) == 2  # and whether the named one exists
    assert requests(lambda: reader.stack("s1")) == 3
    assert requests(lambda: reader.stack(a_stack(2)["id"][:8])) == 3
    assert requests(lambda: list(reader.stacks(page=1))) == 1
    assert requests(lambda: reader.page(1, 100)) == 1
    assert requests(lambda: reader.page(2, 1)) == 1
    assert requests(lambda: reader.page(3, 1)) == 1  # the active stack is not in it: no matter
    assert requests(lambda: reader.page(1, 1000)) == pages
    assert requests(lambda: list(reader.stacks())) == pages
    assert requests(lambda: reader.names("s")) == 1
    assert requests(reader.count) == 1
    assert {asked.connection for asked in server.asked} == {0}


def test_answers(reader: RestReader, api: Api) -> None:
    names = [stack["name"] for stack in api.stacks]
    rows = list(reader.stacks())
    assert [row.name for row in rows] == names
    assert [row.name for row in rows if row.is_active] == ["s1"]
    assert [row.is_managed for row in rows[:3]] == [False, True, False]
    assert [row.name for row in reader.stacks(page=2, size=2)] == names[2:4]
    assert list(reader.stacks(page=999, size=2)) == []
    page = reader.page(2, 2)
    assert ([row.name for row in page.rows], page.total) == (names[2:4], len(names))
    assert reader.page(999, 2).rows == ()
    for size in (201, 333, 1000):  # cut from several answers
        cut = [reader.page(number, size) for number in range(1, len(names) // size + 3)]
        assert [row for page in cut for row in page.rows] == rows
        assert {page.total for page in cut} == {len(names)}
    assert [row.name for row in reader.stacks(name="DEF")] == ["default"]
    assert [row.name for row in reader.stacks(name="s", page=2, size=1)] == ["s2"]
    assert list(reader.stacks(name="s", page=999)) == []
    assert reader.count("s1") == sum("s1" in name for name in names)
    view = reader.stack("s1")
    assert view.is_active
    assert view.components[0].user == "admin"
    assert view.connectors[0].type == "aws"
    assert view.updated.isoformat() == "2026-01-01T00:00:00.500000+00:00"
    with pytest.raises(StackNotFound):
        reader.find("nothing")


@pytest.mark.parametrize("api", [450], indirect=True)
def test_a_name_that_is_also_the_beginning_of_many_ids(reader: RestReader, api: Api) -> None:
    api.stacks[-1]["name"] = "0000"
    assert reader.find("0000").id == api.stacks[-1]["id"]


def test_stacks_that_are_read_together_are_what_each_is_alone(
    reader: RestReader, server: LittleServer, api: Api
) -> None:
    rows = list(reader.stacks())
    server.asked.clear()
    views = reader.views(rows)
    groups = -(-len(rows) // 100)
    assert len(server.asked) == 3 * groups + 1
    assert [view.id for view in views] == [row.id for row in rows]
    assert views[:3] == [reader.stack(row.id) for row in rows[:3]]
    assert reader.views([]) == []
    first = views[1]

    read: list[str] = []

    def spoil(kind: str, page: dict[str, Any]) -> None:
        """One is changed, one loses its part, and one is deleted, after all were read once."""
        read.extend([kind] if kind == "stacks" else [])
        if len(read) == groups:
            api.stacks[0]["metadata"]["labels"] = {"new": "1"}
        if len(read) == groups and kind == "components":
            page["items"] = [item for item in page["items"] if item["id"] != part]
            page["total"] = len(page["items"])
        if len(read) == groups:
            api.stacks = [stack for stack in api.stacks if stack["name"] != "s2"]

    part = a_component(api.stacks[1])["id"]
    api.spoil = spoil
    views = [view for view in reader.views(rows) if isinstance(view, StackView)]
    found = {view.name: view for view in views}
    assert found["default"].labels == {"new": "1"}
    assert found["s1"] == first
    assert set(found) == {row.name for row in rows} - {"s2"}


@pytest.mark.parametrize("api", [3], indirect=True)
@pytest.mark.parametrize(
    ("kind", "words"), [("components", "orchestrator c"), ("service_connectors", "connector k")]
)
def test_what_may_not_be_read_of_one_does_not_take_the_others_away(
    reader: RestReader, server: LittleServer, api: Api, kind: str, words: str
) -> None:
    part = a_component(api.stacks[1])["id"]

    def leave_out(asked: str, page: dict[str, Any]) -> None:
        if asked == "components":
            others = [item for item in page["items"] if item["id"] != part]
            for item in others:
                item["metadata"]["connector"] = None
            page["items"] = others if kind == "components" else page["items"]
        elif asked == kind:
            page["items"] = []
        page["total"] = len(page["items"])

    api.spoil = leave_out
    rows = list(reader.stacks())
    found = {view.name: view for view in reader.views(rows)}
    assert set(found) == {"default", "s1", "s2"}
    assert [name for name, view in found.items() if isinstance(view, Unread)] == ["s1"]
    with pytest.raises(NotAllowedError, match=words) as caught:
        reader.stack("s1")
    assert "'s1'" in str(caught.value)
    assert str(found["s1"].error) == str(caught.value)  # type: ignore[union-attr]


def _spoilers() -> list[Any]:
    def without(*path: Any) -> Callable[[dict[str, Any]], None]:
        def spoil(page: dict[str, Any]) -> None:
            where: Any = page
            for step in path[:-1]:
                where = where[step]
            del where[path[-1]]

        return spoil

    def put(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
        def spoil(page: dict[str, Any]) -> None:
            where: Any = page
            for step in path[:-1]:
                where = where[step]
            where[path[-1]] = value

        return spoil

    return [
        ("stacks", without("items")),
        ("stacks", without("total")),
        ("stacks", without("items", 0, "metadata")),
        ("stacks", put(None, "items", 0, "metadata")),
        ("stacks", put("text", "items", 0, "metadata", "labels")),
        ("stacks", put("no id", "items", 0, "id")),
        ("stacks", without("items", 0, "metadata", "components")),
        ("stacks", put("never", "items", 0, "body", "created")),
        ("components", without("items", 0, "metadata", "configuration")),
        ("components", put(None, "items", 0, "body")),  # what a server sends that denies it
        ("components", without("items", 0)),
        ("components", put(2000, "total")),
        ("service_connectors", without("items", 0, "body", "auth_method")),
        ("service_connectors", without("items", 0)),
        ("stacks", put(None, "items", 0, "name")),
        ("stacks", put(7, "items", 0, "name")),
        ("stacks", put(["a"], "items", 0, "metadata", "environment")),
        ("stacks", put([1], "items", 0, "metadata", "secrets")),
        ("stacks", put("2", "total")),
        ("components", put([], "items", 0, "metadata", "configuration")),
        ("components", put(1, "items", 0, "body", "flavor_name")),
        ("components", put({"name": 1}, "items", 0, "resources", "user")),
        ("service_connectors", put("many", "items", 0, "body", "resource_types")),
        ("service_connectors", put(1.5, "items", 0, "metadata", "expiration_seconds")),
    ]


@pytest.mark.parametrize("api", [3], indirect=True)
@pytest.mark.parametrize(("kind", "spoil"), _spoilers())
def test_another_form_is_said(
    reader: RestReader, api: Api, kind: str, spoil: Callable[[dict[str, Any]], None]
) -> None:
    def sometimes(asked: str, page: dict[str, Any]) -> None:
        if asked == kind:
            spoil(page)

    api.spoil = sometimes
    with pytest.raises(NotConnectedError, match="answer"):
        reader.stack("s1")


@pytest.mark.parametrize("api", [3], indirect=True)
def test_what_changes_while_it_is_read_is_read_again(reader: RestReader, api: Api) -> None:
    spoiled: list[str] = []

    def once(kind: str, page: dict[str, Any]) -> None:
        if kind == "components" and not spoiled:
            spoiled.append(kind)
            page["items"], page["total"] = [], 0

    api.spoil = once
    assert reader.stack("s1").name == "s1"
    assert spoiled


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_listing_that_was_counted_before_somebody_wrote_is_asked_for_again(
    reader: RestReader, api: Api, times: int
) -> None:
    """A server counts, and then lists: of components and of connectors."""
    left = {"components": times, "service_connectors": times}

    def counted_before(kind: str, page: dict[str, Any]) -> None:
        if left.get(kind, 0):
            left[kind] -= 1
            page["total"] += 1

    api.spoil = counted_before
    name = api.stacks[2]["name"]
    if times == 3:  # as often as it is asked: that is no colleague
        with pytest.raises(NotConnectedError, match="that it counted"):
            reader.stack(name)
        return
    assert reader.stack(name).name == name
    assert set(left.values()) == {0}


@pytest.mark.parametrize("api", [450], indirect=True)
def test_a_listing_that_repeats_itself_ends(
    reader: RestReader, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "_NAMES", 200)
    first: list[Any] = []

    def again(_: str, page: dict[str, Any]) -> None:
        first[:] = first or page["items"]
        page |= {"items": first, "total": 10**5, "total_pages": 10**3}

    api.spoil = again
    for ask in (lambda: list(reader.stacks()), reader.names):
        with pytest.raises(NotConnectedError, match="form") as raised:
            ask()
        assert raised.value.why == "it answered with a listing whose pages repeat themselves"


def test_what_an_older_server_does_not_know_yet_is_empty(server: LittleServer, api: Api) -> None:
    def older(_: str, page: dict[str, Any]) -> None:
        for item in page["items"]:
            item["metadata"].pop("environment", None)
            item["metadata"].pop("secrets", None)

    api.spoil = older
    reading = RestReader(RestStore(server.url, Login("t")), Named(None, "global", "x"), {})
    view = reading.stack("s1")
    reading.close()
    assert (view.environment, view.secrets, view.components[0].environment) == ({}, (), {})


def test_a_listing_asks_for_more_only_when_it_is_read(
    reader: RestReader, server: LittleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "_PIECE", 2)
    rows = reader.stacks()
    next(rows)
    assert len(server.asked) <= 2
    assert len({row.id for row in rows}) >= 2


# -- the listings of a gateway ---------------------------------------------------------------------


@pytest.fixture
def gateway(server: LittleServer) -> Iterator[RestGateway]:
    opened = RestGateway(Session(RestStore(server.url, Login("t"), timeout=20)))
    yield opened
    opened.close()


@pytest.mark.parametrize("api", [450], indirect=True)
def test_a_gateways_listing_that_repeats_itself_ends(
    gateway: RestGateway, server: LittleServer, api: Api
) -> None:
    api.spoil = lambda _, page: page.update(total=10**5, total_pages=10**5)
    page = server.answer("/api/v1/stacks?size=200")
    server.answer = lambda _: page
    with pytest.raises(NotConnectedError, match="does not answer as a ZenML server") as raised:
        gateway.stacks(Where())
    assert "a listing whose pages repeat themselves" in str(raised.value.why)
    assert len(server.asked) == 2


class Growing:
    """Answers every page with others than before, and says that there are more."""

    def __init__(self, of: Callable[[int], int]) -> None:
        self._of = of
        self._made = 0

    def __call__(self, path: str) -> tuple[int, Any]:
        query = parse_qs(urlsplit(path).query)
        number, size = int(query.get("page", ["1"])[0]), int(query.get("size", ["20"])[0])
        new = range(self._made, self._made + size)
        self._made += size
        total = self._of(number) * size
        page = {"items": [a_stack(n) for n in new], "total": total, "total_pages": total // size}
        return 200, page


@pytest.mark.parametrize("pages", [4, 10**9])
@pytest.mark.parametrize("grows", [False, True])
def test_pages_that_bring_ever_new_stacks_end(
    gateway: RestGateway,
    reader: RestReader,
    server: LittleServer,
    pages: int,
    grows: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payload, "_NAMES", 200)
    for ask in (
        lambda: gateway.stacks(Where()),
        lambda: list(reader.stacks()),
        lambda: list(reader.stacks(name="s")),
        reader.names,
        lambda: reader.page(1, 2**31).rows,
    ):
        server.answer = Growing(lambda number: pages + number * grows)
        server.asked.clear()
        if pages == 4:  # as many as the first one says: what comes meanwhile is not waited for
            expected = (pages + grows) * 200
            assert expected - 1 <= len(ask()) <= expected  # the default stack has no `s`
            assert len(server.asked) <= pages + 2
            continue
        with pytest.raises(NotConnectedError, match=r"of 200,000,000,\d{3} entries"):
            ask()
        assert len(server.asked) == 1


def test_pages_without_end_that_count_few_entries_end_too(
    reader: RestReader, server: LittleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "_NAMES", 200)
    for ask in (lambda: list(reader.stacks()), reader.names):
        growing = Growing(lambda _: 1)

        def answer(path: str, grown: Growing = growing) -> tuple[int, Any]:
            status, page = grown(path)
            return status, {**page, "total": 5, "total_pages": 10**9}

        server.answer = answer
        server.asked.clear()
        with contextlib.suppress(NotConnectedError):
            ask()
        assert len(server.asked) < 500


@pytest.mark.parametrize("api", [450, 401], indirect=True)
@pytest.mark.parametrize("times", [1, 2, 9])
@pytest.mark.parametrize("how", ["gateway", "stacks", "names", "page"])
def test_a_stack_that_moves_to_an_earlier_page_is_not_missed(
    gateway: RestGateway,
    reader: RestReader,
    server: LittleServer,
    api: Api,
    times: int,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest are deleted while the pages are read: all others are found."""
    monkeypatch.setattr(payload, "_NAMES", 200)
    left = [times]

    def deleting(kind: str, page: dict[str, Any]) -> None:
        if left[0]:
            left[0] -= 1
            del api.stacks[0]

    api.spoil = deleting
    found = {
        "gateway": lambda: [doc.name for doc in gateway.stacks(Where())],
        "stacks": lambda: [row.name for row in reader.stacks()],
        "names": reader.names,
        "page": lambda: [row.name for row in reader.page(1, 1000).rows],
    }[how]()
    assert len(found) == len(set(found))
    if times < 3:
        assert {stack["name"] for stack in api.stacks} <= set(found)
    assert len(server.asked) <= 12


@pytest.mark.parametrize("api", [201], indirect=True)
@pytest.mark.parametrize("times", [1, 99])
def test_a_last_page_may_be_emptied_after_it_was_counted(
    gateway: RestGateway,
    reader: RestReader,
    server: LittleServer,
    api: Api,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payload, "_NAMES", 200)
    others = {stack["name"] for stack in api.stacks[:200]}
    left = [0]

    def emptied(kind: str, page: dict[str, Any]) -> None:
        if left[0] and len(page["items"]) == 1:
            left[0] -= 1
            page["items"] = []

    api.spoil = emptied
    for ask in (
        lambda: [doc.name for doc in gateway.stacks(Where())],
        lambda: [row.name for row in reader.stacks()],
        reader.names,
    ):
        left[0] = times
        if times > 3:  # as often as it is asked: that is no colleague
            with pytest.raises(NotConnectedError, match="0 of the 1 that it counted"):
                ask()
            continue
        found = ask()
        assert others <= set(found)
        assert len(found) == len(set(found))
    assert len(server.asked) <= 24
