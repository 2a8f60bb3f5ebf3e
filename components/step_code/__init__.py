"""Which code and which packages a step's results depend on, read off the source without running it."""
