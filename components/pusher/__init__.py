"""Selects the students that satisfy the constraints and pushes them as one version."""
