"""A face: the functions behind `import kitaru_iac as kitaru`."""
