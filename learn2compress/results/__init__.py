"""What a run measured and decided: dataclasses, and how they are read and written as JSON."""
