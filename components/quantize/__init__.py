"""The `Quantize` component."""
