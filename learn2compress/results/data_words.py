"""What a person must know of the data, in sentences: the same on the console, on the page and in the model cards."""

from __future__ import annotations

from collections.abc import Sequence

from learn2compress.results.data import DataReport

_MAX_NAMED = 3


def count_sentences(data: DataReport) -> tuple[str, ...]:
    """Returns a sentence for each count of `Ingest` that is not zero.

    Args:
      data: What it counted.
    """
    left_out, duplicates, stored = data.num_labelled_left_out, data.num_duplicates, data.num_conflicting_stored
    taken = "the content is held out" if data.num_validation is None else "the content is held out, or to choose by"
    bad = f"{data.num_bad:,} bad record{'' if data.num_bad == 1 else 's'} refused: bad_records.jsonl lists them"
    sentences = [
        (data.num_bad, bad),
        (left_out, f"{_examples(left_out, 'labelled')} left out of training: {taken}"),
        (
            data.num_unlabelled_left_out,
            f"{_examples(data.num_unlabelled_left_out, 'unlabelled')} left out of training: {taken}",
        ),
        (
            data.num_validation_left_out,
            f"{_examples(data.num_validation_left_out, 'validation')} left out: the content is held out",
        ),
        (
            data.num_held_out_trained_on,
            f"{data.num_held_out_trained_on:,} of {data.num_held_out:,} held-out examples are in training, "
            "too (data.repeated_texts: keep): figures on them flatter",
        ),
        (
            data.num_conflicting_left_out,
            f"{_examples(data.num_conflicting_left_out, 'labelled')} left out of training: the same content has "
            "another label, too",
        ),
        (
            stored.train,
            f"{_examples(stored.train, 'training')} whose content has another label, too (data.repeated_texts: keep)",
        ),
        (
            stored.held_out,
            f"{_examples(stored.held_out, 'held-out')} whose content has another label, too: no model is right on all "
            "of them",
        ),
        (
            stored.validation or 0,
            f"{_examples(stored.validation or 0, 'validation')} whose content has another label, too",
        ),
        (
            duplicates.total,
            f"copies of other examples of their split: {duplicates.train:,} in training, "
            + ("" if duplicates.validation is None else f"{duplicates.validation:,} to choose by, ")
            + f"{duplicates.held_out:,} held out",
        ),
        (
            len(data.labels_not_held_out),
            f"{named(data.labels_not_held_out)} without a held-out example (data.min_held_out_per_class: 0): nothing "
            "tells how well it is recognized",
        ),
        (
            len(data.labels_not_in_validation),
            f"{named(data.labels_not_in_validation)} without an example to choose by (data.validation_uri): no choice "
            "minds how well it is recognized",
        ),
    ]
    return tuple(sentence for count, sentence in sentences if count > 0)


def data_sentences(data: DataReport | None) -> tuple[str, ...]:
    """Returns all that a person must know of the data: the counts, what was concluded, and what changed.

    Args:
      data: What `Ingest` counted and compared; `None` in a report of an older version.
    """
    return () if data is None else (*count_sentences(data), *data.notes, *data.changes)


def held_out_sentence(data: DataReport | None, num_examples: int) -> str:
    """Returns what the held-out examples are, as a card says it of its figures.

    Args:
      data: What `Ingest` counted; `None` in a report of an older version.
      num_examples: Held-out examples that were measured on.
    """
    trained_on = 0 if data is None else data.num_held_out_trained_on
    if not trained_on:
        return f"{num_examples:,} held-out examples that no weight of the student was fitted to"
    return (
        f"{num_examples:,} held-out examples; {trained_on:,} of them have the content of training examples, "
        f"which weights were fitted to"
    )


def named(classes: Sequence[str]) -> str:
    """Returns "class 'a'" or "5 classes ('a', 'b', 'c', ...)".

    Args:
      classes: Their names.
    """
    if len(classes) == 1:
        return f"class {classes[0]!r}"
    more = ", ..." if len(classes) > _MAX_NAMED else ""
    return f"{len(classes):,} classes ({', '.join(map(repr, classes[:_MAX_NAMED]))}{more})"


def _examples(count: int, what: str) -> str:
    return f"{count:,} {what} example{'' if count == 1 else 's'}"
