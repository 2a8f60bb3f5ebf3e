"""The `Evaluate` component."""
