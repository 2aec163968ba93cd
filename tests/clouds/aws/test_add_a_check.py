"""A check is added as the guide says, and every face shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clouds.aws.world import World
from tests.docs.guide import Followed, follow
from tests.docs.markdown import ROOT

GUIDE = ROOT / "docs" / "contributing" / "add-a-check.md"
ID = "aws.bucket.access_lists"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return follow(GUIDE, tmp_path_factory.mktemp("project"))


FACES = """
import json, sys
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.render.report import markdown, text
from kitaru_iac.spec import from_mapping
report = verify(from_mapping(json.loads(sys.argv[1])), timeout=60)
print(json.dumps([report.to_dict(), list(text(report)), markdown(report)]))
"""


def shown(followed: Followed, world: World) -> tuple[dict[str, Any], str, str]:
    """The check's result, its line in the text, and the report in Markdown."""
    store = f"s3://{world.bucket}"
    stack = {"name": "dev", "type": "local", "artifact_store": store, "region": "eu-west-1"}
    report, lines, page = json.loads(followed.run(FACES, json.dumps(stack)))
    (result,) = (found for found in report["results"] if found["id"] == ID)
    (line,) = (line for line in lines if f"  {ID} " in line)
    return result, line, page


def test_it_is_in_the_report_of_every_face(followed: Followed, world: World) -> None:
    world.fit_bucket()
    world.s3().put_bucket_ownership_controls(
        Bucket=world.bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    )
    result, line, page = shown(followed, world)
    assert (result["status"], result["why"]) == ("ok", "access lists are off")
    assert line.startswith("✓ ok")
    assert f"`{ID}` access lists are off" in page


def test_its_remedy_is_shown_where_it_is_not_ok(followed: Followed, world: World) -> None:
    world.fit_bucket()
    result, line, page = shown(followed, world)
    remedy = (
        f"aws s3api put-bucket-ownership-controls --bucket {world.bucket} --ownership-controls "
        """'{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}' --region eu-west-1"""
    )
    assert (result["status"], result["remedy"]) == ("warn", remedy)
    assert line.startswith("! warn")
    assert remedy in page


def test_a_denied_probe_names_the_permission_that_the_guide_adds(
    followed: Followed, world: World
) -> None:
    world.fit_bucket()
    world.faults.deny("s3:GetBucketOwnershipControls")
    result, line, _ = shown(followed, world)
    assert (result["status"], result["missing_permission"]) == (
        "unknown",
        "s3:GetBucketOwnershipControls",
    )
    assert line.startswith("? unknown")


def test_it_is_in_the_catalog_the_policy_and_the_reference(followed: Followed) -> None:
    program = """
import json, sys
sys.path.insert(0, "scripts")
import reference
from kitaru_iac.infrastructure.verify import catalog, policy
from kitaru_iac.spec import from_mapping
stack = {"name": "dev", "type": "local", "artifact_store": "s3://data", "region": "eu-west-1"}
print(json.dumps([
    [info.id for info in catalog()], policy(from_mapping(stack)), reference.checks_page(),
]))
"""
    ids, policy, page = json.loads(followed.run(program))
    assert ids.index(ID) == ids.index("aws.bucket.tls_only") + 1
    actions = [
        action
        for statement in policy["policies"]["verify"]["Statement"]
        for action in statement["Action"]
    ]
    assert "s3:GetBucketOwnershipControls" in actions
    assert f"`{ID}`" in page
    assert "Access lists do not count for the bucket" in page


def test_four_modules_are_touched_and_none_is_new(followed: Followed) -> None:
    assert followed.added == []
    assert set(followed.changed) == {
        "kitaru_iac/clouds/aws/catalog.py",
        "kitaru_iac/clouds/aws/probes_bucket.py",
        "kitaru_iac/clouds/aws/verify_bucket.py",
        "kitaru_iac/clouds/aws/permission_table.py",
    }
