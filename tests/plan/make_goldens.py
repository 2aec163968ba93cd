"""Write the goldens of features that have none yet: ``python -m tests.plan.make_goldens``.

One that is there is never written over.
"""

from __future__ import annotations

import json
from pathlib import Path

from kitaru_iac.plan.document import FORMAT_VERSION, document
from tests.plan.samples import SAMPLES

if __name__ == "__main__":
    for name, stacks in SAMPLES.items():
        file = Path(__file__).parent / "goldens" / f"{FORMAT_VERSION}-{name}.json"
        if not file.exists():
            plan = {**document(stacks), "kitaru_version": "0.0.0"}
            file.write_text(json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
