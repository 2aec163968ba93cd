"""What this machine says: its home, environment, project, store, locks and packages."""
