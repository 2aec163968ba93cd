"""What a job says on a code host: one comment, one issue, and nobody else's touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.hosts.api import Api, Json
from kitaru_iac.hosts.errors import HostError
from kitaru_iac.hosts.github import GitHub
from kitaru_iac.hosts.gitlab import GitLab
from kitaru_iac.hosts.model import Host, Outcome, Proposal, is_marked, marked
from kitaru_iac.hosts.plain import NoHost
from kitaru_iac.hosts.registry import host_of
from tests.doubles.code_hosts import OTHER, TOKEN, Conversation, code_host

KEY = "preview"


@dataclass
class Place:
    """A host, what stands there, and a way to open the host with other variables."""

    name: str
    world: Conversation
    open: Callable[..., Host]

    @property
    def host(self) -> Host:
        return self.open()


@pytest.fixture(params=["github", "gitlab"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with code_host(request.param) as (url, world):
        event = tmp_path / "event.json"
        event.write_text(json.dumps(_event("o/r")))
        variables = {
            "github": {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": url,
                "GITHUB_GRAPHQL_URL": f"{url}/graphql",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_EVENT_PATH": str(event),
                "GITHUB_TOKEN": TOKEN,
            },
            "gitlab": {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": f"{url}/api/v4",
                "CI_PROJECT_ID": "5",
                "CI_MERGE_REQUEST_IID": "7",
                "CI_MERGE_REQUEST_PROJECT_ID": "5",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
                "GITLAB_TOKEN": TOKEN,
            },
        }[request.param]
        yield Place(request.param, world, lambda **more: host_of({**variables, **more}))


def _event(head: str | None) -> dict[str, object]:
    repository = None if head is None else {"full_name": head}
    return {
        "pull_request": {
            "number": 7,
            "head": {"repo": repository},
            "base": {"repo": {"full_name": "o/r"}},
        }
    }


class TestComment:
    def test_is_made_then_edited_then_left_alone(self, place: Place) -> None:
        assert place.host.comment(KEY, "first", 7) is Outcome.CREATED
        assert place.host.comment(KEY, "second", 7) is Outcome.EDITED
        assert place.host.comment(KEY, "second", 7) is Outcome.UNCHANGED
        (comment,) = place.world.comments
        assert comment["body"] == marked(KEY, "second")
        assert len(place.world.writes) == 2

    def test_no_news_makes_none_and_brings_an_old_one_up_to_date(self, place: Place) -> None:
        assert place.host.comment(KEY, "no changes", 7, is_news=False) is Outcome.NONE
        assert place.world.comments == []
        place.host.comment(KEY, "changes", 7)
        assert place.host.comment(KEY, "no changes", 7, is_news=False) is Outcome.EDITED

    def test_what_others_wrote_stays_as_it_is(self, place: Place) -> None:
        place.world.add("comments", marked(KEY, "a trap"), OTHER)
        place.world.add("comments", f"> {marked(KEY, 'quoted')}")
        place.world.add("comments", marked("apply", "another of ours"))
        before = [dict(comment) for comment in place.world.comments]
        assert place.host.comment(KEY, "mine", 7) is Outcome.CREATED
        assert place.world.comments[:3] == before

    def test_is_found_behind_a_hundred_others(self, place: Place) -> None:
        for number in range(130):
            place.world.add("comments", f"talk {number}", OTHER)
        place.world.add("comments", marked(KEY, "old"))
        assert place.host.comment(KEY, "new", 7) is Outcome.EDITED
        assert place.world.comments[-1]["body"] == marked(KEY, "new")

    def test_two_jobs_at_once_leave_one(self, place: Place) -> None:
        place.world.meanwhile = lambda: place.world.add("comments", marked(KEY, "theirs"))
        assert place.host.comment(KEY, "mine", 7) is Outcome.EDITED
        assert [comment["body"] for comment in place.world.comments] == [marked(KEY, "mine")]

    def test_lines_that_a_browser_ended_are_the_same(self, place: Place) -> None:
        place.world.add("comments", marked(KEY, "a\nb").replace("\n", "\r\n"))
        assert place.host.comment(KEY, "a\nb", 7) is Outcome.UNCHANGED

    def test_without_a_request_there_is_nowhere_to_put_it(self, place: Place) -> None:
        host = place.open(GITHUB_EVENT_PATH="", CI_MERGE_REQUEST_IID="")
        assert host.proposal is None
        assert place.world.requests == []


class TestMerged:
    COMMIT = "a" * 40

    def test_is_the_request_that_made_the_commit(self, place: Place) -> None:
        other = "b" * 40
        place.world.merges = {
            self.COMMIT: [(3, True, other), (7, True, self.COMMIT), (8, False, "")]
        }
        host = place.open(GITHUB_SHA=self.COMMIT, CI_COMMIT_SHA=self.COMMIT)
        assert host.merged() == Proposal(7, is_fork=False)

    def test_is_none_for_a_commit_that_was_pushed(self, place: Place) -> None:
        place.world.merges = {self.COMMIT: [(8, False, "")]}
        host = place.open(GITHUB_SHA=self.COMMIT, CI_COMMIT_SHA=self.COMMIT)
        assert host.merged() is None
        assert place.open(GITHUB_SHA="", CI_COMMIT_SHA="").merged() is None


class TestMergedSince:
    FIRST, SECOND, BESIDE = "a" * 40, "b" * 40, "c" * 40

    def test_lists_later_requests_and_what_changed_last_first(self, place: Place) -> None:
        place.world.merged_at = {
            number: f"2026-01-02T03:04:0{second}Z"
            for number, second in ((3, 1), (7, 2), (8, 2), (9, 4), (5, 3))
        }
        assert list(place.host.merged_since(7)) == [9, 5, 8]
        assert list(place.host.merged_since(3)) == [9, 5, 7, 8]
        assert list(place.host.merged_since(9)) == []

    def test_lists_none_of_what_is_not_merged(self, place: Place) -> None:
        place.world.merged_at = {8: "2026-01-02T03:04:05Z"}
        assert list(place.host.merged_since(7)) == []

    def test_a_commit_descends_from_what_came_before_it(self, place: Place) -> None:
        place.world.history = [self.FIRST, self.SECOND]
        host = place.host
        assert host.descends(self.SECOND, self.FIRST)
        assert not host.descends(self.FIRST, self.SECOND)
        assert not host.descends(self.FIRST, self.FIRST)
        assert not host.descends(self.BESIDE, self.FIRST)

    @pytest.mark.parametrize("body", ["[]", "null", "{}", '{"merged_at": 1, "target_branch": "m"}'])
    def test_nonsense_lists_none(self, place: Place, body: str) -> None:
        place.world.merged_at = {7: "2026-01-02T03:04:05Z", 8: "2026-01-02T03:04:06Z"}
        place.world.instead.append(("GET", 200, {}, body))
        assert list(place.host.merged_since(7)) == []


class TestNotes:
    def test_are_ours_alone_and_the_oldest_first(self, place: Place) -> None:
        place.world.add("comments", marked(KEY, "a trap"), OTHER)
        first = place.world.add("comments", marked(KEY, "one"))
        second = place.world.add("comments", marked(KEY, "two"))
        ids = [note.id for note in place.host.notes(KEY, 7)]
        assert ids == [str(first["id"]), str(second["id"])]


def test_a_comment_that_somebody_edited_proves_nothing() -> None:
    with code_host("github") as (url, world):
        world.add("comments", marked(KEY, "digest: changed"), editor=OTHER)
        host = GitHub(
            {
                "GITHUB_API_URL": url,
                "GITHUB_GRAPHQL_URL": f"{url}/graphql",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_TOKEN": TOKEN,
            }
        )
        host._event = _event("o/r")
        assert host.notes(KEY, 7) == []
        # It is still the one comment of ours, and is put right again.
        assert host.comment(KEY, "digest: true", 7) is Outcome.EDITED
        assert len(world.comments) == 1


class TestIssue:
    def test_is_opened_kept_closed_and_reopened(self, place: Place) -> None:
        host, key = place.host, "drift/prod"
        assert host.issue(key, "Drift", "none", is_open=False) is Outcome.NONE
        assert host.issue(key, "Drift", "some", is_open=True) is Outcome.CREATED
        assert host.issue(key, "Drift", "some", is_open=True) is Outcome.UNCHANGED
        assert host.issue(key, "Drift", "more", is_open=True) is Outcome.EDITED
        assert host.issue(key, "Drift", "gone", is_open=False) is Outcome.CLOSED
        assert host.issue(key, "Drift", "gone", is_open=False) is Outcome.NONE
        assert host.issue(key, "Drift", "again", is_open=True) is Outcome.EDITED
        (issue,) = place.world.issues
        assert issue["open"] is True
        assert issue["body"] == marked(key, "again")

    def test_one_for_each_key_and_nobody_elses(self, place: Place) -> None:
        place.world.add("issues", marked("drift/prod", "a trap"), OTHER)
        place.host.issue("drift/prod", "a", "a", is_open=True)
        place.host.issue("drift/dev", "b", "b", is_open=True)
        assert len(place.world.issues) == 3
        assert place.world.issues[0]["body"] == marked("drift/prod", "a trap")


class TestFork:
    @pytest.mark.parametrize("head", ["stranger/r", None])
    def test_github(self, tmp_path: Path, head: str | None) -> None:
        event = tmp_path / "event.json"
        event.write_text(json.dumps(_event(head)))
        host = GitHub({"GITHUB_EVENT_PATH": str(event)})
        assert host.proposal == Proposal(7, is_fork=True)

    @pytest.mark.parametrize("source", ["9", None])
    def test_gitlab(self, source: str | None) -> None:
        variables = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "5"}
        if source:
            variables["CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] = source
        assert GitLab(variables).proposal == Proposal(7, is_fork=True)

    def test_the_same_repository_is_none(self, place: Place) -> None:
        assert place.host.proposal == Proposal(7, is_fork=False)


class TestWhoIsAsked:
    @pytest.mark.parametrize(
        ("api", "graphql", "asked"),
        [
            ("", "", "https://api.github.com/graphql"),
            ("https://api.github.com", "", "https://api.github.com/graphql"),
            ("https://github.example.com/api/v3", "", "https://github.example.com/api/graphql"),
            ("https://api.a.ghe.com", "https://api.a.ghe.com/graphql", None),
            ("https://gitea.example.com/api/v1", "", ""),
            ("https://gitea.example.com/api/v1", "https://api.github.com/graphql", ""),
            ("https://api.github.com", "http://api.github.com/graphql", ""),
        ],
    )
    def test_the_token_goes_to_no_other_host(
        self, monkeypatch: pytest.MonkeyPatch, api: str, graphql: str, asked: str | None
    ) -> None:
        seen: list[str] = []

        def post(self: Api, path: str, document: Json, *, is_read: bool = False) -> Json:
            seen.append(self.url + path)
            return {"data": {}}

        monkeypatch.setattr(Api, "post", post)
        given = {"GITHUB_API_URL": api, "GITHUB_GRAPHQL_URL": graphql, "GITHUB_TOKEN": "t"}
        host = GitHub({**given, "GITHUB_REPOSITORY": "o/r"})
        with pytest.raises(HostError) as failed:
            host.notes(KEY, 7)
        assert seen == ([] if asked == "" else [asked or graphql])
        assert ("no GraphQL" in str(failed.value)) is (asked == "")

    @pytest.mark.parametrize("name", ["GITEA_ACTIONS", "FORGEJO_ACTIONS"])
    def test_what_sets_the_variables_of_github_is_not_github(self, name: str) -> None:
        assert isinstance(host_of({"GITHUB_ACTIONS": "true", name: "true"}), NoHost)


class TestFailures:
    def test_a_busy_host_is_asked_again_and_a_write_is_sent_once(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []
        monkeypatch.setattr("time.sleep", slept.append)
        reading, writing = {
            "github": ("POST /graphql", "POST /repos/o/r/issues/7/comments"),
            "gitlab": ("GET /api/v4/projects/5/merge_requests", "POST /api/v4/projects/5/merge"),
        }[place.name]
        place.world.instead = [(reading, 503, {"Retry-After": "2"}, ""), (writing, 502, {}, "")]
        with pytest.raises(HostError, match="did not take POST") as failed:
            place.host.comment(KEY, "text", 7)
        assert "502" in str(failed.value.why)
        assert 2.0 in slept
        assert len([request for request in place.world.requests if writing in request]) == 1

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_denied_says_what_the_token_needs(self, place: Place, status: int) -> None:
        body = json.dumps({"message": f"no, {TOKEN}"})
        place.world.instead = [("7/", status, {}, body)]
        with pytest.raises(HostError) as failed:
            place.host.comment(KEY, "text", 7)
        assert str(status) in str(failed.value.why)
        assert failed.value.remedy

    def test_no_redirect_is_followed(self, place: Place) -> None:
        with code_host(place.name) as (elsewhere, other):
            for part in ("graphql", "user"):
                place.world.instead.append((part, 307, {"Location": f"{elsewhere}/x"}, ""))
            place.world.add("comments", marked(KEY, "x"))
            with pytest.raises(HostError):
                place.host.comment(KEY, "text", 7)
            assert other.requests == []

    @pytest.mark.parametrize("body", ["<html>", "[1", '"text"', "{}", "[]", "null"])
    def test_nonsense_is_an_error_of_ours(self, place: Place, body: str) -> None:
        place.world.add("comments", marked(KEY, "x"))
        for part in ("graphql", "user"):
            place.world.instead.append((part, 200, {}, body))
        with pytest.raises(HostError):
            place.host.comment(KEY, "text", 7)

    def test_without_a_token_it_says_where_to_put_one(self, place: Place) -> None:
        host = place.open(GITHUB_TOKEN="", GITLAB_TOKEN="")
        with pytest.raises(HostError, match="no token") as failed:
            host.comment(KEY, "text", 7)
        assert failed.value.remedy
        assert place.world.requests == []

    def test_a_host_that_is_away(self, place: Place) -> None:
        away = "http://127.0.0.1:9"
        host = place.open(GITHUB_API_URL=away, GITHUB_GRAPHQL_URL=away, CI_API_V4_URL=away)
        with pytest.raises(HostError) as failed:
            host.comment(KEY, "text", 7)
        assert TOKEN not in f"{failed.value}{failed.value.why}{failed.value.where}"

    def test_an_event_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "event.json").write_text("{")
        with pytest.raises(HostError, match="event"):
            GitHub({"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})


class TestFiles:
    def test_outputs_of_a_step_cannot_add_others(self, tmp_path: Path) -> None:
        file = tmp_path / "output"
        host = GitHub({"GITHUB_OUTPUT": str(file)})
        host.outputs({"digest": "sha256:1\nevil=1", "has_changes": "true"})
        assert _read_outputs(file) == {"digest": "sha256:1\nevil=1", "has_changes": "true"}

    def test_outputs_of_a_job_are_a_line_each(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        GitLab({}).outputs({"digest": "a\nEVIL=1", "has_changes": "true"})
        written = (tmp_path / "kitaru.env").read_text()
        assert written == "KITARU_DIGEST=a EVIL=1\nKITARU_HAS_CHANGES=true\n"

    def test_a_second_command_of_a_job_keeps_the_outputs_of_the_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        GitLab({"CI_JOB_ID": "1"}).outputs({"plan_digest": "a", "failed": "1"})
        GitLab({"CI_JOB_ID": "1"}).outputs({"checks_failed": "2", "failed": "0"})
        assert (tmp_path / "kitaru.env").read_text().splitlines() == [
            *("KITARU_JOB=1", "KITARU_PLAN_DIGEST=a", "KITARU_FAILED=0", "KITARU_CHECKS_FAILED=2"),
        ]
        GitLab({"CI_JOB_ID": "2"}).outputs({"failed": "0"})  # on a runner that cleans nothing up
        assert (tmp_path / "kitaru.env").read_text() == "KITARU_JOB=2\nKITARU_FAILED=0\n"

    def test_the_widget_gets_counts_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        GitLab({}).counts(1, 2, 3)
        written = json.loads((tmp_path / "kitaru-counts.json").read_text())
        assert written == {"create": 1, "update": 2, "delete": 3}

    def test_the_summary_is_never_longer_than_it_may_be(self, tmp_path: Path) -> None:
        file = tmp_path / "summary"
        host = GitHub({"GITHUB_STEP_SUMMARY": str(file)})
        host.summary("ä" * 400_000)
        host.summary("ä" * 400_000)
        host.summary("fits")
        text = file.read_text()
        assert file.stat().st_size <= 1024 * 1024
        assert "too long" in text
        assert text.endswith("fits\n")

    def test_a_file_that_cannot_be_written_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        away = str(tmp_path / "away" / "file")
        host = GitHub({"GITHUB_OUTPUT": away, "GITHUB_STEP_SUMMARY": away})
        monkeypatch.chdir(tmp_path)
        (tmp_path / "kitaru.env").mkdir()
        for write in (
            lambda: host.outputs({"a": "b"}),
            lambda: host.summary("x"),
            lambda: GitLab({}).outputs({"a": "b"}),
        ):
            with pytest.raises(HostError, match="cannot be written"):
                write()

    def test_elsewhere_nothing_happens(self) -> None:
        host = host_of({})
        assert isinstance(host, NoHost)
        host.summary("x")
        host.outputs({"a": "b"})
        assert host.comment(KEY, "x", 7) is Outcome.NONE
        assert host.issue(KEY, "x", "y", is_open=True) is Outcome.NONE
        assert host.notes(KEY, 7) == []
        assert host.merged() is None
        assert host.commit is None
        assert list(host.merged_since(7)) == []
        assert not host.descends("b" * 40, "a" * 40)
        host.counts(1, 2, 3)


@pytest.mark.parametrize("key", ["", "a b", "a-->b", "--", "ä", "x" * 101, "a\nb"])
def test_a_marker_can_hold_no_markup(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        marked(key, "text")


def test_a_marker_is_known_at_the_beginning_alone() -> None:
    assert is_marked(marked("a", "b"), "a")
    assert not is_marked(marked("a", "b"), "b")
    assert not is_marked("x" + marked("a", "b"), "a")


def test_the_error_is_one_of_this_package() -> None:
    assert issubclass(HostError, KitaruError)


def _read_outputs(file: Path) -> dict[str, str]:
    """Read a step's outputs as the runner does."""
    found: dict[str, str] = {}
    lines = iter(file.read_text().splitlines())
    for line in lines:
        name, sign, end = line.partition("<<")
        assert sign
        value = []
        for inner in lines:
            if inner == end:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found
