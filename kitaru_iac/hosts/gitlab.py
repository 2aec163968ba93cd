"""GitLab, as seen from a job of GitLab CI/CD.

A job's own token (``CI_JOB_TOKEN``) cannot write comments: a token of the project or of a person is
needed, in ``GITLAB_TOKEN``. Who it is, ``/user`` says; nobody else's comments are touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from kitaru_iac.hosts.api import Api, Json
from kitaru_iac.hosts.conversations import Conversations
from kitaru_iac.hosts.errors import HostError
from kitaru_iac.hosts.facts import commit_in, number_in, time_in
from kitaru_iac.hosts.model import Note, Proposal, is_marked

__all__ = ["COUNTS", "OUTPUTS", "GitLab"]

#: The file of ``artifacts: reports: dotenv``, in the job's working directory.
OUTPUTS: Final = "kitaru.env"
#: The file of ``artifacts: reports: terraform``, there too: counts alone, since guests may read it.
COUNTS: Final = "kitaru-counts.json"
#: What the names in the report begin with, and the one that says whose it is.
_OURS: Final = "KITARU_"
_JOB: Final = f"{_OURS}JOB"
_LABEL: Final = "kitaru-drift"


class GitLab(Conversations):
    """GitLab.com, or a GitLab of one's own; see `Host`.

    Args:
        environ: The variables of a job: ``CI_API_V4_URL``, ``CI_PROJECT_ID``, ``GITLAB_TOKEN``,
            ``CI_MERGE_REQUEST_IID`` and its like.
    """

    name = "GitLab"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._opened: Api | None = None
        self._me: int | None = None

    @property
    def proposal(self) -> Proposal | None:
        """The merge request that the pipeline runs for."""
        number = self._environ.get("CI_MERGE_REQUEST_IID", "")
        if not number.isdigit():
            return None
        target = self._environ.get("CI_MERGE_REQUEST_PROJECT_ID")
        source = self._environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
        return Proposal(int(number), source is None or source != target)

    @property
    def commit(self) -> str | None:
        """See `Host.commit`."""
        return commit_in(self._environ.get("CI_COMMIT_SHA", ""))

    def merged(self) -> Proposal | None:
        """See `Host.merged`: of a commit's merge requests, the one that made it."""
        commit = self.commit
        if commit is None:
            return None
        path = f"{self._base}/repository/commits/{commit}/merge_requests"
        found = [
            request
            for request in self._api.pages(path)
            if isinstance(request, dict) and request.get("state") == "merged"
        ]
        # A fast-forward has neither of the first two: its last commit is the request's own.
        made = ("merge_commit_sha", "squash_commit_sha", "sha")
        found.sort(key=lambda request: commit not in [request.get(key) for key in made])
        for request in found[:1]:
            number, source = request.get("iid"), request.get("source_project_id")
            if isinstance(number, int):
                return Proposal(number, source != request.get("target_project_id"))
        return None

    def merged_since(self, number: int) -> Iterator[int]:
        """See `Host.merged_since`."""
        own = self._api.get(f"{self._base}/merge_requests/{number}")
        branch = own.get("target_branch") if isinstance(own, dict) else None
        since = time_in(own, "merged_at")
        if not isinstance(branch, str) or since is None:
            return
        asked = {"state": "merged", "target_branch": branch, "updated_after": since.isoformat()}
        order = {"order_by": "updated_at", "sort": "desc"}
        for request in self._api.pages(f"{self._base}/merge_requests", {**asked, **order}):
            merged, found = time_in(request, "merged_at"), number_in(request, "iid")
            if found is not None and found != number and merged is not None and merged >= since:
                yield found

    def descends(self, commit: str, older: str) -> bool:
        """See `Host.descends`."""
        both = f"refs[]={older}&refs[]={commit}"
        found = self._api.get(f"{self._base}/repository/merge_base?{both}")
        return commit != older and isinstance(found, dict) and found.get("id") == older

    def notes(self, key: str, number: int) -> list[Note]:
        """See `Host.notes`."""
        return self._comments(key, number)

    def summary(self, body: str) -> None:
        """Do nothing: GitLab has no page for what a job says but its log."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """See `Host.outputs`: a dotenv report, a line each, with a prefix of our own.

        What another command of the same job has handed on stays, by the job's id in the report.
        """
        given = {
            f"{_OURS}{name.upper()}": " ".join(value.split()) for name, value in values.items()
        }
        if job := self._environ.get("CI_JOB_ID"):
            given = {_JOB: job, **_values_of(job), **given}
        _write(OUTPUTS, "".join(f"{name}={value}\n" for name, value in given.items()))

    def counts(self, create: int, update: int, delete: int) -> None:
        """See `Host.counts`: the file of ``artifacts: reports: terraform``."""
        counted = {"create": create, "update": update, "delete": delete}
        _write(COUNTS, json.dumps(counted) + "\n")

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        project = self._environ.get("CI_PROJECT_ID", "")
        if not project.isdigit():
            raise HostError(
                "CI_PROJECT_ID does not say the project",
                remedy="Run it in a job of GitLab CI/CD.",
            )
        return f"/projects/{project}"

    @property
    def _api(self) -> Api:
        if self._opened is None:
            token = self._environ.get("GITLAB_TOKEN")
            url = self._environ.get("CI_API_V4_URL")
            if not token or not url:
                raise HostError(
                    "There is no token for GitLab" if url else "The address of GitLab is not known",
                    where="GITLAB_TOKEN" if url else "CI_API_V4_URL",
                    remedy="Put a project access token with the scope `api` into the masked "
                    "variable GITLAB_TOKEN; a job's own token cannot write comments.",
                )
            self._opened = Api(
                self.name,
                url,
                {"PRIVATE-TOKEN": token},
                "The token needs the scope `api`, and the role Reporter or a higher one.",
            )
        return self._opened

    @property
    def _own_id(self) -> int:
        if self._me is None:
            answer = self._api.get("/user")
            found = answer.get("id") if isinstance(answer, dict) else None
            if not isinstance(found, int):
                raise HostError("GitLab does not say whose the token is")
            self._me = found
        return self._me

    def _comments(self, key: str, number: int) -> list[Note]:
        path = self._notes(number)
        query = {"sort": "asc", "order_by": "created_at"}
        found = [
            Note(str(note.get("id")), str(note.get("body")))
            for note in self._ours(self._api.pages(path, query), "body", key)
        ]
        return sorted(found, key=lambda note: int(note.id))

    def _add_comment(self, number: int, text: str) -> str | None:
        made = self._api.post(self._notes(number), {"body": text})
        return str(made["id"]) if isinstance(made, dict) and "id" in made else None

    def _edit_comment(self, number: int, id: str, text: str) -> None:
        self._api.put(f"{self._notes(number)}/{id}", {"body": text})

    def _remove_comment(self, number: int, id: str) -> None:
        self._api.delete(f"{self._notes(number)}/{id}")

    def _add_issue(self, title: str, text: str) -> None:
        new: Json = {"title": title, "description": text, "labels": _LABEL}
        self._api.post(f"{self._base}/issues", new)

    def _edit_issue(self, issue: Note, title: str, text: str, *, is_open: bool) -> None:
        change: dict[str, Json] = {"title": title, "description": text}
        if is_open != issue.is_open:
            change["state_event"] = "reopen" if is_open else "close"
        self._api.put(f"{self._base}/issues/{issue.id}", change)

    def _notes(self, number: int) -> str:
        return f"{self._base}/merge_requests/{number}/notes"

    def _issues(self, key: str) -> list[Note]:
        query = {"labels": _LABEL, "author_id": str(self._own_id)}
        issues = self._api.pages(f"{self._base}/issues", query)
        return [
            Note(str(issue.get("iid")), str(issue.get("description")), issue["state"] == "opened")
            for issue in self._ours(issues, "description", key)
        ]

    def _ours(self, items: Iterable[Json], text: str, key: str) -> Iterator[dict[str, Json]]:
        for item in items:
            if isinstance(item, dict) and is_marked(str(item.get(text) or ""), key):
                author = item.get("author")
                if isinstance(author, dict) and author.get("id") == self._own_id:
                    yield item


def _values_of(job: str) -> dict[str, str]:
    """What this job's report holds so far; a runner may have kept that of an older one."""
    try:
        lines = Path(OUTPUTS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return found if found.get(_JOB) == job else {}


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HostError(
            "The job's file cannot be written", where=name, why=error.strerror
        ) from None
