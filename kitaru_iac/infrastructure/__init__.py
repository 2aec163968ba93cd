"""The resources of stacks in any cloud: verified, provisioned and destroyed."""
