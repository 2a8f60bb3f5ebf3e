"""What `l2c init` does: it looks at teacher and data, chooses students, and writes a configuration to start with."""
