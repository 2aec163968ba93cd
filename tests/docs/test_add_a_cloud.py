"""A cloud is added as the guide says: a folder, its words, and a line in each table."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.docs.guide import Followed, follow
from tests.docs.markdown import ROOT
from tests.test_cloud_words import ROOMS, said, words

GUIDE = ROOT / "docs" / "contributing" / "add-a-cloud.md"
STACK = {
    "name": "prod",
    "type": "kubernetes",
    "region": "sky-1",
    "cluster": "main",
    "infra": "provision",
    "resources": {"cluster": "existing"},
}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return follow(GUIDE, tmp_path_factory.mktemp("project"))


@contextmanager
def answering(answers: dict[str, tuple[int, object]]) -> Iterator[str]:
    """Nimbus on loopback: a status and a document for each path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = answers.get(self.path, (404, {}))
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


VERIFY = """
import json, sys
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.spec import from_mapping
spec = from_mapping(json.loads(sys.argv[1]))
print(json.dumps({"cloud": spec.cloud, "results": verify(spec).to_dict()["results"]}))
"""


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (
            {"/clusters/main": (200, {"nodes": 3})},
            [
                ("nimbus.cluster.exists", "ok", "it exists", None, None),
                ("nimbus.cluster.nodes", "ok", "it has 3 nodes", None, None),
            ],
        ),
        (
            {},
            [
                (
                    *("nimbus.cluster.exists", "fail", "there is no such cluster"),
                    *("nimbus clusters create --name main", None),
                ),
                (
                    *("nimbus.cluster.nodes", "unknown"),
                    "not looked at: Nimbus answered 404 about clusters/main",
                    *("nimbus clusters create --name main", None),
                ),
            ],
        ),
        (
            {"/clusters/main": (403, {}), "/me": (200, {"name": "ada"})},
            [
                (
                    *(check, "unknown", "not allowed to look: clusters.read is denied"),
                    *("nimbus grant clusters.read  # to ada", "clusters.read"),
                )
                for check in ("nimbus.cluster.exists", "nimbus.cluster.nodes")
            ],
        ),
    ],
    ids=["there", "absent", "denied"],
)
def test_its_stacks_are_verified_through_the_registry(
    followed: Followed,
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, tuple[int, object]],
    found: list[tuple[str | None, ...]],
) -> None:
    with answering(answers) as url:
        monkeypatch.setenv("NIMBUS_URL", url)
        shown = json.loads(followed.run(VERIFY, json.dumps(STACK)))
    assert shown["cloud"] == "nimbus"
    keys = ("id", "status", "why", "remedy", "missing_permission")
    assert [tuple(result[key] for key in keys) for result in shown["results"]] == found


def test_its_stacks_have_records_policies_and_a_catalog(followed: Followed) -> None:
    shown = followed.run(
        "import json, sys\n"
        "from kitaru_iac.infrastructure.verify import catalog, policy\n"
        "from kitaru_iac.spec import from_mapping\n"
        "from kitaru_iac.stacks.desired import desired_records\n"
        "spec = from_mapping(json.loads(sys.argv[1]))\n"
        "records = desired_records(spec)\n"
        "print(json.dumps([\n"
        "    [(c.type, c.flavor) for c in records.components], records.labels['kitaru.region'],\n"
        "    policy(spec)['policies'], [i.id for i in catalog() if i.id.startswith('nimbus')],\n"
        "]))\n",
        json.dumps(STACK),
    )
    assert json.loads(shown) == [
        [["orchestrator", "kubernetes"], ["artifact_store", "local"]],
        "sky-1",
        {"verify": {"allow": ["clusters.read", "me.read"]}},
        ["nimbus.cluster.exists", "nimbus.cluster.nodes"],
    ]


def test_what_it_does_not_offer_is_said_by_the_registry(followed: Followed) -> None:
    shown = followed.run(
        "from kitaru_iac.clouds import registry\n"
        "from kitaru_iac.errors import KitaruError\n"
        "from kitaru_iac.spec.kinds import Cloud\n"
        "try:\n"
        "    registry.provisioning(Cloud.NIMBUS)\n"
        "except KitaruError as error:\n"
        "    print(error.what, error.why, sep='|')\n"
    )
    assert shown.splitlines() == [
        "Infrastructure cannot be provisioned on nimbus yet|It is on AWS, GCP and Azure only.",
    ]


def test_a_folder_its_words_and_a_line_in_each_table_are_all(followed: Followed) -> None:
    folder = [path for path in followed.added if not path.startswith("kitaru_iac/clouds/nimbus/")]
    assert folder == ["kitaru_iac/spec/clouds/nimbus.py"]
    assert followed.changed == {
        "kitaru_iac/spec/kinds.py": 1,
        "kitaru_iac/spec/clouds/__init__.py": 2,  # its import, and its place in the table
        "kitaru_iac/clouds/registry.py": 1,
        "scripts/rooms.toml": 1,
    }


@pytest.mark.slow
def test_the_rules_of_the_rooms_hold_for_it(followed: Followed) -> None:
    shown = followed.run(
        "import sys\nsys.path.insert(0, 'scripts')\nimport check_imports\n"
        "sys.exit(check_imports.main([]))"
    )
    assert shown.startswith("Import rules hold")
    package = followed.root / "kitaru_iac"
    for path in package.rglob("*.py"):
        if not path.relative_to(package).as_posix().startswith(ROOMS):
            names = [text for _, text in said(ast.parse(path.read_text()))]
            assert not any("nimbus" in words(text) for text in names), path


def test_another_cloud_may_not_be_imported_by_it(followed: Followed) -> None:
    shown = followed.run(
        "import sys\nsys.path.insert(0, 'scripts')\nimport check_imports as c\n"
        "rules = c.Rules.read()\n"
        "print(rules.broken('clouds.nimbus.verify', 'kitaru_iac.clouds.aws.verify'))\n"
        "print(rules.broken('clouds.aws.verify', 'kitaru_iac.clouds.nimbus.verify'))\n"
    )
    assert shown.splitlines() == [
        "clouds.nimbus may not import clouds.aws",
        "clouds.aws may not import clouds.nimbus",
    ]
