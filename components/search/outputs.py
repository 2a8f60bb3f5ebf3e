"""Names of the outputs of `Search`."""


def trial_output(number: int) -> str:
    """Of a try, from 0."""
    return f"trial_{number}"


def student_output(rank: int) -> str:
    """Of a variant's pruned student; 1 is the most accurate."""
    return f"student_{rank}"


def model_output(rank: int) -> str:
    """Of a variant's file."""
    return f"model_{rank}"
