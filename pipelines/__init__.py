"""The pipeline, and what starts and inspects it."""
