"""The `Search` component."""
