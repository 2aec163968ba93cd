"""Which ZenML store this machine uses: login, logout, init, status, the active stack."""
