"""A face: the MCP server, through which agents reach stacks. Needs the extra `mcp`."""
