"""The `Pick` component."""
