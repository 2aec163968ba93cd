"""The deployments of a folder, where one of its states is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.find import find_engine
from kitaru_iac.engine.listing import list_deployments
from kitaru_iac.engine.workspace import Backend

pytestmark = pytest.mark.engine


@pytest.mark.usefixtures("engine_room")
def test_one_damaged_state_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    engine = find_engine()
    backend = Backend(tmp_path.as_uri())
    for name in ("a", "b"):
        with Deployment("kitaru", name, lambda: None, engine=engine, backend=backend) as made:
            made.up()
    assert list(list_deployments("kitaru", engine, backend)) == ["a", "b"]
    file = tmp_path / ".pulumi" / "stacks" / "kitaru" / "a.json"
    for text in ("", file.read_text()[:40]):
        file.write_text(text)
        assert list_deployments("kitaru", engine, backend).keys() == {"a", "b"}
