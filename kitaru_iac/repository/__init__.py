"""The repository that `kitaru stack new-repo` writes."""
