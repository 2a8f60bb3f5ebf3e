"""Each step of a compression from folders to folders: what its component and `compress` both call."""
