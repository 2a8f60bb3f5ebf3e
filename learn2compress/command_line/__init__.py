"""The `l2c` command: its frame, the verb of the library itself, and the verbs that other distributions add."""
