"""Search for the compression of one student: what to try next, one trial, and which trials become variants."""
