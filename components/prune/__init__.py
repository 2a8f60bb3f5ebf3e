"""The `Prune` component."""
