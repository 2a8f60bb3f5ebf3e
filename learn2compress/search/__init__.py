"""Search for the compression of one student: what to try next, what a try costs and gives, and which go on."""
