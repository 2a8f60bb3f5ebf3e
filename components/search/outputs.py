"""Names of the outputs of `Search`."""


def trial_output(number: int) -> str:
    """Returns the output of a trial, from 0."""
    return f"trial_{number}"


def student_output(rank: int) -> str:
    """Returns the output of a variant's pruned student; rank 1 is the most accurate."""
    return f"student_{rank}"


def model_output(rank: int) -> str:
    """Returns the output of a variant's file; ranks as for `student_output`."""
    return f"model_{rank}"
