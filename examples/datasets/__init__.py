"""Public data sets for `examples/get_data.py`: where they are, and how they become what the configurations read."""
