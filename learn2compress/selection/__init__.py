"""Which students ship, and why not the others: pure functions of numbers."""
