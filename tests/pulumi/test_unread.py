"""Programs of a login that may not read the secrets of service connectors."""

from __future__ import annotations

import pytest

from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.programs import KEYS, REMOTE
from tests.pulumi.test_operations import program
from tests.servers.front import without_secrets
from tests.servers.zenml import ZenMLServer

ONCE = "Run pulumi up once with a login that has this right."


def refused(engine: Engine, wanted: dict[str, Wanted]) -> None:
    """The preview says what the update ends with, and no state holds what nobody compared."""
    before = engine.state["dev"].properties.get("credentials")
    engine.plugin.said.clear()
    assert engine.up(wanted, preview=True) == {"dev": "update"}
    assert [ONCE in line for line in engine.plugin.said] == [True]
    with pytest.raises(Refused) as end:
        engine.up(wanted)
    assert "READ_SECRET_VALUE on service connectors" in str(end.value)
    assert ONCE in str(end.value)
    assert engine.state["dev"].half
    assert engine.state["dev"].properties.get("credentials") == before


@pytest.mark.usefixtures("server_home")
def test_an_import_is_done_once_somebody_has_compared_its_credentials(
    empty_server: ZenMLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = operations.create(from_mapping({**REMOTE, "name": "dev", "activate": False}))
    engine = Engine()
    with without_secrets(empty_server.url) as address:
        monkeypatch.setenv("ZENML_STORE_URL", address)
        engine.import_("dev", "dev")
        refused(engine, program())
        engine.refresh()
        refused(engine, program())

        monkeypatch.setenv("ZENML_STORE_URL", empty_server.url)
        assert engine.up(program()) == {"dev": "update"}
        monkeypatch.setenv("ZENML_STORE_URL", address)
        assert engine.up(program()) == {"dev": "same"}
        engine.refresh()
        assert engine.up(program()) == {"dev": "same"}
        refused(engine, program(credentials=KEYS.replace("FIRST", "OTHER")))
    monkeypatch.setenv("ZENML_STORE_URL", empty_server.url)
    found = stored.records("dev")
    assert found is not None
    assert found.id == made.id
    assert found.labels["kitaru.owner"] == engine.urn("dev")
