"""TFX components: a spec and an executor for each step of a compression."""
