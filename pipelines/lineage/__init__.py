"""A pushed file's past: read from ML Metadata, kept as a record, and shown as a screen, a tree or a picture."""
