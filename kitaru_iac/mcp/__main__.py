"""`python -m kitaru_iac.mcp`, which `kitaru mcp` becomes."""

from __future__ import annotations

from kitaru_iac.mcp.main import main

if __name__ == "__main__":
    main()
