"""How every peer works: each student by itself, at each learning rate, and the better file is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from peer_recipes.answer import Answer, Stopwatch, Trial
from peer_recipes.request import Request

TrainOne = Callable[[Request, str, float, Trial], None]
"""Trains the student of a name at a multiple of our learning rates, and puts its files and seconds into a trial."""


def answer_by(train_one: TrainOne, variants: Sequence[str]) -> None:
    """Answers the request of the command line.

    Args:
      train_one: Trains one student once.
      variants: Of the recipe; a trial has a file of each.
    """
    request = Request.of_command_line()
    answer = Answer(request.output, Stopwatch(*variants), request.all_epochs)
    sample = request.sample(0)
    for student in request.config.students:
        trials = []
        for ratio in request.learning_rate_ratios:
            trial = Trial(ratio * request.config.training.learning_rate, Stopwatch(*variants))
            train_one(request, student.name, ratio, trial)
            trials.append(trial)
        answer.add_better(student.name, trials, sample)
    answer.write()
