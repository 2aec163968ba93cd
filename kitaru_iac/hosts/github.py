"""GitHub, as seen from a job of GitHub Actions.

Which comments and issues are this identity's own is asked of GraphQL (``viewerDidAuthor``): a job's
token may change those of everybody, and REST does not say whose the token is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kitaru_iac import redaction
from kitaru_iac.hosts.api import Api, Json
from kitaru_iac.hosts.conversations import Conversations
from kitaru_iac.hosts.errors import HostError
from kitaru_iac.hosts.facts import commit_in, number_in, time_in
from kitaru_iac.hosts.model import Note, Proposal, is_marked

__all__ = ["GitHub"]

#: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions: of a step.
_LONGEST_SUMMARY: Final = 1024 * 1024
_LABEL: Final = "kitaru-drift"
_API: Final = "https://api.github.com"
_MOST_PAGES: Final = 50

_COMMENTS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $after) {
        nodes { databaseId body viewerDidAuthor editor { login } author { login __typename } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
_ISSUES = """
query($owner: String!, $name: String!, $label: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    issues(first: 100, after: $after, labels: [$label]) {
      nodes { number body state viewerDidAuthor editor { login } author { login } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


class GitHub(Conversations):
    """GitHub, or a GitHub Enterprise Server; see `Host`.

    Args:
        environ: The variables of a job: ``GITHUB_REPOSITORY``, ``GITHUB_TOKEN``,
            ``GITHUB_EVENT_PATH`` and its like.
    """

    name = "GitHub"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._owner, _, self._repository = environ.get("GITHUB_REPOSITORY", "").partition("/")
        self._event = _event(environ.get("GITHUB_EVENT_PATH"))
        self._opened: Api | None = None

    @property
    def proposal(self) -> Proposal | None:
        """The pull request of the event."""
        return _proposal(self._event.get("pull_request"))

    @property
    def commit(self) -> str | None:
        """See `Host.commit`."""
        return commit_in(self._environ.get("GITHUB_SHA", ""))

    def merged(self) -> Proposal | None:
        """See `Host.merged`: of a commit's pull requests, the one that made it."""
        commit = self.commit
        if commit is None:
            return None
        found = [
            request
            for request in self._api.pages(f"{self._base}/commits/{commit}/pulls")
            if isinstance(request, dict) and request.get("merged_at")
        ]
        found.sort(key=lambda request: request.get("merge_commit_sha") != commit)
        return _proposal(found[0]) if found else None

    def merged_since(self, number: int) -> Iterator[int]:
        """See `Host.merged_since`."""
        own: Any = self._api.get(f"{self._base}/pulls/{number}")
        base = own.get("base") if isinstance(own, dict) else None
        since = time_in(own, "merged_at")
        if not isinstance(base, dict) or since is None:
            return
        asked = {"state": "closed", "base": str(base.get("ref"))}
        order = {"sort": "updated", "direction": "desc"}
        for request in self._api.pages(f"{self._base}/pulls", {**asked, **order}):
            if (changed := time_in(request, "updated_at")) is None or changed < since:
                return
            merged, found = time_in(request, "merged_at"), number_in(request, "number")
            if found is not None and found != number and merged is not None and merged >= since:
                yield found

    def descends(self, commit: str, older: str) -> bool:
        """See `Host.descends`."""
        path = f"{self._base}/compare/{older}...{commit}"
        found = self._api.get(path, {"per_page": "1"})
        return isinstance(found, dict) and found.get("status") == "ahead"

    def notes(self, key: str, number: int) -> list[Note]:
        """See `Host.notes`: those of an app, as a job's own token is one.

        With a person's token, what that person wrote by hand would be ours too.
        """
        return self._comments(key, number, as_proof=True)

    def summary(self, body: str) -> None:
        """See `Host.summary`. What would be longer than a step's summary may be is left out."""
        file = self._environ.get("GITHUB_STEP_SUMMARY")
        if not file:
            return
        path = Path(file)
        with _written(path, "GITHUB_STEP_SUMMARY"):
            self._append_summary(path, body)

    def _append_summary(self, path: Path, body: str) -> None:
        room = _LONGEST_SUMMARY - (path.stat().st_size if path.exists() else 0)
        if len(body.encode()) + 2 > room:
            body = "The summary is too long to be shown here.\n"
            if len(body) + 2 > room:
                return
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{body}\n")

    def outputs(self, values: Mapping[str, str]) -> None:
        """See `Host.outputs`: the outputs of the step."""
        file = self._environ.get("GITHUB_OUTPUT")
        if not file:
            return
        with (
            _written(Path(file), "GITHUB_OUTPUT"),
            Path(file).open("a", encoding="utf-8") as stream,
        ):
            for name, value in values.items():
                # A delimiter that nobody can guess: a value cannot end itself and add another one.
                end = f"end-{secrets.token_hex(16)}"
                stream.write(f"{name}<<{end}\n{value}\n{end}\n")

    def counts(self, create: int, update: int, delete: int) -> None:
        """See `Host.counts`: GitHub has none."""

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        if not self._owner or not self._repository:
            raise HostError(
                "GITHUB_REPOSITORY does not say OWNER/NAME",
                remedy="Run it in a job of GitHub Actions.",
            )
        return f"/repos/{self._owner}/{self._repository}"

    @property
    def _api(self) -> Api:
        if self._opened is None:
            token = self._environ.get("GITHUB_TOKEN") or self._environ.get("GH_TOKEN")
            if not token:
                raise HostError(
                    "There is no token for GitHub",
                    where="GITHUB_TOKEN",
                    remedy="Give the step `env: GITHUB_TOKEN: ${{ github.token }}`.",
                )
            self._opened = Api(
                self.name,
                self._environ.get("GITHUB_API_URL") or _API,
                {
                    "Accept": "application/vnd.github+json",
                    "Authorization": f"Bearer {token}",
                    "X-GitHub-Api-Version": "2022-11-28",
                },
                "Give the job `permissions: pull-requests: write`, and `issues: write` for drift.",
            )
        return self._opened

    def _comments(self, key: str, number: int, *, as_proof: bool = False) -> list[Note]:
        found = [
            Note(str(node["databaseId"]), node["body"])
            for node in self._nodes(_COMMENTS, ("pullRequest", "comments"), {"number": number})
            if _is_ours(node, key) and (not as_proof or _is_proof(node))
        ]
        return sorted(found, key=lambda note: int(note.id))

    def _add_comment(self, number: int, text: str) -> str | None:
        made = self._api.post(f"{self._base}/issues/{number}/comments", {"body": text})
        return str(made["id"]) if isinstance(made, dict) and "id" in made else None

    def _edit_comment(self, number: int, id: str, text: str) -> None:
        del number
        self._api.patch(f"{self._base}/issues/comments/{id}", {"body": text})

    def _remove_comment(self, number: int, id: str) -> None:
        del number
        self._api.delete(f"{self._base}/issues/comments/{id}")

    def _add_issue(self, title: str, text: str) -> None:
        self._api.post(f"{self._base}/issues", {"title": title, "body": text, "labels": [_LABEL]})

    def _edit_issue(self, issue: Note, title: str, text: str, *, is_open: bool) -> None:
        state = "open" if is_open else "closed"
        change: Json = {"title": title, "body": text, "state": state}
        self._api.patch(f"{self._base}/issues/{issue.id}", change)

    def _issues(self, key: str) -> list[Note]:
        return [
            Note(str(node["number"]), node["body"], node["state"] == "OPEN")
            for node in self._nodes(_ISSUES, ("issues",), {"label": _LABEL})
            if _is_ours(node, key)
        ]

    def _nodes(
        self, query: str, way: tuple[str, ...], variables: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        after: str | None = None
        self._base  # noqa: B018 - it refuses a repository that is none
        for _ in range(_MOST_PAGES):
            asked = {"owner": self._owner, "name": self._repository, "after": after, **variables}
            answer = self._graphql(query, asked)
            page: Any = answer.get("repository")
            for step in way:
                page = page.get(step) if isinstance(page, dict) else None
            if not isinstance(page, dict) or not isinstance(page.get("nodes"), list):
                raise HostError(
                    "GitHub does not show the repository's conversations",
                    where=f"{self._owner}/{self._repository}",
                    remedy="Give the job `permissions: pull-requests: write`, and "
                    "`issues: write` for drift.",
                )
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]
        raise HostError(f"GitHub lists more than {_MOST_PAGES} pages of conversations")

    def _graphql(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        api = self._api
        host = api.at(_graphql_url(api.url, self._environ.get("GITHUB_GRAPHQL_URL")))
        asked = host.post("", {"query": query, "variables": dict(variables)}, is_read=True)
        answer = asked if isinstance(asked, dict) else {}
        data = answer.get("data")
        if answer.get("errors") or not isinstance(data, dict):
            errors = answer.get("errors")
            first = errors[0] if isinstance(errors, list) and errors else {}
            why = first.get("message") if isinstance(first, dict) else None
            raise HostError("GitHub did not answer a question about conversations", why=str(why))
        return data


def _graphql_url(api: str, said: str | None) -> str:
    """Tell where the other API of the same host is: the token goes to no other.

    Source: https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql
    """
    url = said or f"{api.removesuffix('/v3')}/graphql"
    if urlsplit(url)[:2] != urlsplit(api)[:2] or not (said or api == _API or api.endswith("/v3")):
        raise HostError(
            "This host has no GraphQL API, by which our own comments are known",
            where=redaction.url(said or api),
            why="It is neither GitHub nor a GitHub Enterprise Server."
            if not said
            else f"It is another host than the REST API's, {redaction.url(api)}.",
            remedy="Give --no-comment; kitaru-plan.json has the plan.",
        )
    return url


def _is_ours(node: Mapping[str, Any], key: str) -> bool:
    return bool(node.get("viewerDidAuthor")) and is_marked(node.get("body") or "", key)


def _is_proof(node: Mapping[str, Any]) -> bool:
    """Whether one of our comments says what a job wrote: an app did, and nobody else edited it."""
    author = node.get("author") or {}
    editor = (node.get("editor") or {}).get("login")
    return author.get("__typename") == "Bot" and editor in (None, author.get("login"))


@contextmanager
def _written(path: Path, variable: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(
            f"The file that {variable} names cannot be written", where=str(path), why=error.strerror
        ) from None


def _event(file: str | None) -> dict[str, Any]:
    if not file:
        return {}
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HostError(
            "The event of the job cannot be read", where="GITHUB_EVENT_PATH", why=str(error)
        ) from None
    return found if isinstance(found, dict) else {}


def _proposal(request: object) -> Proposal | None:
    if not isinstance(request, dict) or not isinstance(request.get("number"), int):
        return None
    head, base = (_repository_of(request.get(end)) for end in ("head", "base"))
    # A fork that is gone is null; then nobody can say that it is not one.
    return Proposal(request["number"], head is None or head != base)


def _repository_of(end: object) -> object:
    repository = end.get("repo") if isinstance(end, dict) else None
    return repository.get("full_name") if isinstance(repository, dict) else None
