"""What a store holds of secrets, wherever somebody put them, is shown by nothing."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import kitaru_iac as kitaru_sdk
from tests.cli.conftest import Kitaru
from tests.gateway.secret_texts import MAPPINGS, SECRETS, TEXTS, S
from tests.homes import Home

COMMANDS = (
    "stack show dev",
    "stack list",
    "stack export dev",
    "stack drift",
    "stack health dev",
    "ci drift dev",
    "stack verify dev",
    "stack preview -f FILE --out PLAN",
    "stack apply -f FILE --yes",
    "stack show dev",
)


def fill(home: Home) -> None:
    """Put a secret into every place of a stack and of its parts where a text may stand."""
    fields: dict[str, Any] = {f"text_{n}": text for n, text in enumerate(TEXTS.values())}
    fields |= {f"mapping_{n}": mapping for n, mapping in enumerate(MAPPINGS)}
    labels = {"note": TEXTS["YAML"], "token": S, "about": TEXTS["an address"]}
    with closing(sqlite3.connect(home.database)) as db, db:
        rows = db.execute("SELECT id, configuration FROM stack_component WHERE name = 'dev'")
        for uuid, configuration in rows.fetchall():
            known = json.loads(base64.b64decode(configuration))
            db.execute(
                "UPDATE stack_component SET configuration = ?, labels = ? WHERE id = ?",
                (packed({**known, **fields}), packed(labels), uuid),
            )
        ((found,),) = db.execute("SELECT labels FROM stack WHERE name = 'dev'").fetchall()
        every = {**json.loads(base64.b64decode(found)), **labels}
        # What an earlier version kept, which knew fewer secrets.
        kept = json.loads(every["kitaru.applied"])
        kept["components"][0]["configuration"] = fields
        every["kitaru.applied"] = json.dumps(kept)
        said = f"see {TEXTS['an address']} password: {S}"
        db.execute(
            "UPDATE stack SET labels = ?, description = ? WHERE name = 'dev'", (packed(every), said)
        )


def packed(value: object) -> bytes:
    return base64.b64encode(json.dumps(value).encode())


def test_no_command_shows_them_nor_python_nor_an_agents_tool(
    home: Home, kitaru: Kitaru, tmp_path: Path
) -> None:
    from kitaru_iac.mcp.reading import show_document  # loads the whole of MCP

    file, plan = tmp_path / "stack.yaml", tmp_path / "plan.json"
    file.write_text("name: dev\ntype: local\nlabels: {team: x}\nactivate: false\n")
    assert kitaru("stack", "apply", "-f", str(file), "--yes").code == 0
    fill(home)
    for command in COMMANDS:
        words = [{"FILE": str(file), "PLAN": str(plan)}.get(word, word) for word in command.split()]
        for more in (("--debug",), ("-o", "json")):
            done = kitaru(*words, *more)
            assert done.code in {0, 2, 3, 4, 5}, (command, done)
            for secret in SECRETS:
                assert secret not in done.out + done.err, (command, more)
    assert not any(secret in plan.read_text() for secret in SECRETS)
    fill(home)
    view = kitaru_sdk.show_stack("dev")
    (drift,) = kitaru_sdk.drift("dev")
    found = [
        show_document("dev"),
        view.to_dict(),
        drift.to_dict(),
        kitaru_sdk.export("dev").to_dict(),
    ]
    for secret in SECRETS:
        assert all(secret not in json.dumps(item) for item in found)
        assert secret not in repr(view)
