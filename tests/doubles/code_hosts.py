"""GitHub and GitLab on loopback: the few calls that a job makes about comments, issues and merges.

They do not prove that the true ones answer so; docs/guides/ci.md says which calls these are.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ME, OTHER = "github-actions", "somebody"
TOKEN = "host-token-5f3a"


@dataclass
class Conversation:
    """What stands on one repository: comments of requests, and issues."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: Answers to give instead, each once: (a part of "METHOD path", status, headers, body).
    instead: list[tuple[str, int, dict[str, str], str]] = field(default_factory=list)
    #: Runs once after the first list of comments: what another job does meanwhile.
    meanwhile: Any = None
    page_size: int = 100
    #: By commit: number, whether it is merged, and the commit of the merge.
    merges: dict[str, list[tuple[int, bool, str]]] = field(default_factory=dict)
    #: When each request was merged into the main branch, by its number; and its commits in turn.
    merged_at: dict[int, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def merged(self, *, last_first: bool) -> list[int]:
        """The numbers of what was merged, in that order or the other one."""
        return sorted(self.merged_at, key=lambda one: self.merged_at[one], reverse=last_first)

    def is_later(self, commit: str, older: str) -> bool:
        """Whether a commit of the main branch came after another one."""
        both = commit in self.history and older in self.history
        return both and self.history.index(commit) > self.history.index(older)

    def add(self, kind: str, body: str, author: str = ME, **more: Any) -> dict[str, Any]:
        """Put a comment or an issue there."""
        items = self.comments if kind == "comments" else self.issues
        item = {
            "id": len(self.comments) + len(self.issues) + 1,
            "body": body,
            "author": author,
            "editor": None,
            "open": True,
            "title": "",
            "request": 7,
            **more,
        }
        items.append(item)
        return item

    def change(self, item: dict[str, Any], change: dict[str, Any]) -> None:
        """Do what a PATCH or a PUT says."""
        item["body"] = change.get("body", change.get("description", item["body"]))
        item["title"] = change.get("title", item["title"])
        item["editor"] = ME
        if "state" in change:
            item["open"] = change["state"] == "open"
        if "state_event" in change:
            item["open"] = change["state_event"] == "reopen"


class _Handler(BaseHTTPRequestHandler):
    world: Conversation
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as in tests/doubles/web.py

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length) or b"null")
        url = urlsplit(self.path)
        asked = f"{method} {url.path}"
        self.world.requests.append(asked)
        for canned in self.world.instead:
            if canned[0] in asked:
                self.world.instead.remove(canned)
                self._answer(canned[1], canned[3].encode(), canned[2])
                return
        if TOKEN not in (
            self.headers.get("Authorization", "") + self.headers.get("PRIVATE-TOKEN", "")
        ):
            self._json(401, {"message": "Bad credentials"})
            return
        if method != "GET" and "graphql" not in url.path:
            self.world.writes.append(asked)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        status, document = self._routed(method, url.path, query, sent)
        self._json(status, document)

    def _routed(self, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        raise NotImplementedError

    def _pass_time(self) -> None:
        once, self.world.meanwhile = self.world.meanwhile, None
        if once is not None:
            once()

    def _json(self, status: int, document: Any) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self._answer(status, body, {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _GitHub(_Handler):
    def _routed(self, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        world = self.world
        if path == "/graphql":
            found = self._graphql(sent)
            self._pass_time()
            return 200, found
        if match := re.fullmatch(r"/repos/o/r/commits/(\w+)/pulls", path):
            repository = {"repo": {"full_name": "o/r"}}
            return 200, [
                {
                    "number": number,
                    "merged_at": "2026-01-02T03:04:05Z" if merged else None,
                    "merge_commit_sha": made,
                    "head": repository,
                    "base": repository,
                }
                for number, merged, made in world.merges.get(match[1], [])
            ]
        if match := re.fullmatch(r"/repos/o/r/pulls/(\d+)", path):
            return 200, self._pull(int(match[1]))
        if path == "/repos/o/r/pulls":
            if [query[key] for key in ("state", "base", "sort")] != ["closed", "main", "updated"]:
                return 422, {"message": "not as these tests expect it"}
            found = world.merged(last_first=query["direction"] == "desc")
            return 200, [self._pull(number) for number in found] if query["page"] == "1" else []
        if match := re.fullmatch(r"/repos/o/r/compare/(\w+)\.\.\.(\w+)", path):
            ahead = world.is_later(match[2], match[1])
            return 200, {"status": "ahead" if ahead else "diverged"}
        if match := re.fullmatch(r"/repos/o/r/issues/(\d+)/comments", path):
            new = world.add("comments", sent["body"], request=int(match[1]))
            return 201, {"id": new["id"]}
        if method == "POST" and path == "/repos/o/r/issues":
            new = world.add("issues", sent["body"], title=sent["title"], labels=sent["labels"])
            return 201, {"number": new["id"]}
        if match := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", path):
            return self._on(world.comments, int(match[1]), method, sent)
        if match := re.fullmatch(r"/repos/o/r/issues/(\d+)", path):
            return self._on(world.issues, int(match[1]), method, sent)
        return 404, {"message": "Not Found"}

    def _pull(self, number: int) -> dict[str, Any]:
        merged = self.world.merged_at.get(number)
        base = {"ref": "main"}
        return {"number": number, "base": base, "merged_at": merged, "updated_at": merged}

    def _on(self, items: list[Any], id: int, method: str, sent: Any) -> tuple[int, Any]:
        item = next((item for item in items if item["id"] == id), None)
        if item is None:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            items.remove(item)
            return 204, None
        self.world.change(item, sent)
        return 200, {"id": id}

    def _graphql(self, sent: Any) -> Any:
        variables = sent["variables"]
        if (variables["owner"], variables["name"]) != ("o", "r"):
            return {"data": {"repository": None}, "errors": [{"message": "Could not resolve"}]}
        is_comments = "pullRequest" in sent["query"]
        items = self.world.issues
        if is_comments:
            request = variables["number"]
            items = [one for one in self.world.comments if one["request"] == request]
        start, size = int(variables.get("after") or 0), self.world.page_size
        nodes = [
            {
                ("databaseId" if is_comments else "number"): item["id"],
                "body": item["body"],
                "state": "OPEN" if item["open"] else "CLOSED",
                "viewerDidAuthor": item["author"] == ME,
                "author": {"login": item["author"], "__typename": item.get("kind", "Bot")},
                "editor": {"login": item["editor"]} if item["editor"] else None,
            }
            for item in items[start : start + size]
        ]
        more = start + size < len(items)
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": str(start + size)}}
        inside = {"pullRequest": {"comments": page}} if is_comments else {"issues": page}
        return {"data": {"repository": inside}}


class _GitLab(_Handler):
    def _routed(self, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        world = self.world
        if path == "/api/v4/user":
            return 200, {"id": 1}
        place = path.removeprefix("/api/v4/projects/5")
        if match := re.fullmatch(r"/repository/commits/(\w+)/merge_requests", place):
            return 200, [
                {
                    "iid": number,
                    "state": "merged" if merged else "closed",
                    "merge_commit_sha": made,
                    "source_project_id": 5,
                    "target_project_id": 5,
                }
                for number, merged, made in world.merges.get(match[1], [])
            ]
        if match := re.fullmatch(r"/merge_requests/(\d+)", place):
            return 200, self._request(int(match[1]))
        if place == "/merge_requests":
            asked = [query[key] for key in ("state", "target_branch", "order_by")]
            if asked != ["merged", "main", "updated_at"]:
                return 400, {"message": "not as these tests expect it"}
            since = datetime.fromisoformat(query["updated_after"])
            found = world.merged(last_first=query["sort"] == "desc")
            late = [one for one in found if datetime.fromisoformat(world.merged_at[one]) >= since]
            return 200, [self._request(number) for number in late] if query["page"] == "1" else []
        if place == "/repository/merge_base":
            older, commit = query["refs[]"], parse_qs(urlsplit(self.path).query)["refs[]"][1]
            return 200, {"id": older if world.is_later(commit, older) else "0" * 40}
        return self._conversation(method, place, query, sent)

    def _request(self, number: int) -> dict[str, Any]:
        merged = self.world.merged_at.get(number)
        return {"iid": number, "target_branch": "main", "merged_at": merged, "updated_at": merged}

    def _conversation(
        self, method: str, place: str, query: dict[str, str], sent: Any
    ) -> tuple[int, Any]:
        world, issues = self.world, "/issues"
        if found := re.match(r"/merge_requests/(\d+)/notes", place):
            notes, number = found[0], int(found[1])
        else:
            notes, number = "/none", 0
        if place in (notes, issues) and method == "GET":
            return 200, self._page(number, query)
        if place == notes and method == "POST":
            return 201, {"id": world.add("comments", sent["body"], request=number)["id"]}
        if place == issues and method == "POST":
            new = world.add("issues", sent["description"], title=sent["title"])
            return 201, {"iid": new["id"]}
        if match := re.fullmatch(rf"({notes}|{issues})/(\d+)", place):
            items = world.comments if match[1] == notes else world.issues
            item = next((item for item in items if item["id"] == int(match[2])), None)
            if item is None:
                return 404, {"message": "404 Not found"}
            if method == "DELETE":
                items.remove(item)
                return 204, None
            world.change(item, sent)
            return 200, {}
        return 404, {"message": "404 Not found"}

    def _page(self, number: int, query: dict[str, str]) -> Any:
        """Some notes of a request; of none, issues."""
        size, is_notes = int(query["per_page"]), bool(number)
        start = (int(query["page"]) - 1) * size
        items = [one for one in self.world.comments if one["request"] == number]
        items = items if is_notes else self.world.issues
        found = [
            {
                ("id" if is_notes else "iid"): item["id"],
                ("body" if is_notes else "description"): item["body"],
                "state": "opened" if item["open"] else "closed",
                "author": {"id": 1 if item["author"] == ME else 2},
            }
            for item in items[start : start + size]
        ]
        self._pass_time()
        return found


@contextmanager
def code_host(name: str) -> Iterator[tuple[str, Conversation]]:
    """Serve ``github`` or ``gitlab``; gives the address and what stands there."""
    world = Conversation()
    handler = {"github": _GitHub, "gitlab": _GitLab}[name]
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Bound", (handler,), {"world": world}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
