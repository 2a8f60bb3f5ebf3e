"""Which data will do: what is decided by the counts of `learn2compress.data.tally` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from learn2compress.config import DataConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.data.assignment import RepeatedRecord
from learn2compress.data.class_names import starts_at_one, too_many_classes
from learn2compress.data.records import MAX_CLASSES, Split
from learn2compress.file_names import BAD_RECORDS_FILE, REPEATED_FILE

_MAX_NAMED = 3


def check_conflicts(
    summary: Mapping[str, Any], repeated: Iterable[RepeatedRecord], kind: TaskKind, max_conflict_ratio: float
) -> None:
    """Refuses data whose labels contradict each other too often: then they are no classes, and few are left to learn.

    Up to the limit the step continues without them, as a few wrong labels are in most data.

    Args:
      summary: From `summarize`.
      repeated: Records to name.
      kind: What the records are.
      max_conflict_ratio: Largest accepted share of labelled examples whose content has another label, too.

    Raises:
      ConfigError: there are more; the message names some.
    """
    num_conflicting = sum(summary["num_conflicting"].values())
    num_labelled = _num_stored(summary) - summary["num_unlabelled"] + _num_labelled_left_out(summary)
    if num_conflicting <= max_conflict_ratio * num_labelled:
        return
    named = [f"{row.source} with label {row.label!r}: {row.reason}" for row in repeated if row.has_other_label]
    mend = "give each content one label"
    if kind is TaskKind.TEXT:
        mend += ", or set data.repeated_texts: keep if people mean different things by the same words"
    raise ConfigError(
        f"data.max_conflict_ratio: found {num_conflicting} of {num_labelled} labelled examples whose content has "
        f"another label, too, accepted is a ratio of {max_conflict_ratio} at most; {mend} ({REPEATED_FILE} beside the "
        f"examples lists them): {'; '.join(named[:_MAX_NAMED])}"
    )


def check_held_out_classes(summary: Mapping[str, Any], data: DataConfig) -> None:
    """Refuses classes with too few held-out examples to know anything of them.

    Args:
      summary: From `summarize`.
      data: The fewest that are accepted, and how the split is made.

    Raises:
      ConfigError: there are some; the message says what to do.
    """
    least = data.min_held_out_per_class
    by_class = zip(summary["labels"], summary["class_counts"][Split.HELD_OUT], strict=True)
    short = [(name, count) for name, count in by_class if count < least]
    if not short:
        return
    named = [f"{name!r} has {count}" for name, count in short[:_MAX_NAMED]] + ["..."] * (len(short) > _MAX_NAMED)
    mend = "add some of them to data.held_out_uri"
    if data.held_out_uri is None:
        mend = (
            f"give them more examples, name held-out ones of your own (data.held_out_uri), or hold out a larger share "
            f"(data.held_out_ratio, {data.held_out_ratio} now) if they have enough"
        )
    raise ConfigError(
        f"data.min_held_out_per_class: found {len(short)} of {len(summary['labels'])} classes with fewer held-out "
        f"examples than {least} ({', '.join(named)}), so that nothing tells how well they are recognized; {mend}; or "
        "accept it with data.min_held_out_per_class: 0"
    )


def check_bad_ratio(bad: Sequence[Mapping[str, str]], summary: Mapping[str, Any], max_bad_ratio: float) -> None:
    """Refuses data of which too many records are bad.

    Args:
      bad: The bad records.
      summary: From `summarize`.
      max_bad_ratio: Largest accepted share of all records.

    Raises:
      ConfigError: there are more; the message names some.
    """
    left_out = _num_labelled_left_out(summary) + summary["num_unlabelled_left_out"]
    num_records = _num_stored(summary) + left_out + len(bad)
    if bad and len(bad) / num_records > max_bad_ratio:
        raise ConfigError(
            f"data.max_bad_ratio: found {len(bad)} bad records of {num_records}, accepted is a ratio of "
            f"{max_bad_ratio} at most: {first_reasons(bad)}"
        )


def first_reasons(bad: Sequence[Mapping[str, str]]) -> str:
    """Returns the first bad records and what is wrong with them.

    Args:
      bad: The bad records, at least one.
    """
    shown = "; ".join(f"{record['source']}: {record['reason']}" for record in bad[:_MAX_NAMED])
    return shown + (f"; and {len(bad) - _MAX_NAMED} more in {BAD_RECORDS_FILE}" if len(bad) > _MAX_NAMED else "")


def check_labels(summary: Mapping[str, Any], *, declared: bool) -> None:
    """Refuses labels that are no classes, and indices that count from 1 where they are to count from 0.

    Args:
      summary: From `summarize`.
      declared: Whether the source declares the names, so that they are no indices.

    Raises:
      ConfigError: they are none.
    """
    counts = [sum(of_splits) for of_splits in zip(*summary["class_counts"].values(), strict=True)]
    problem = too_many_classes(summary["labels"], sum(counts) + _num_labelled_left_out(summary))
    problem = problem or starts_at_one(summary["labels"], counts, declared=declared)
    if problem:
        raise ConfigError(f"data: {problem}")


def check_splits(summary: Mapping[str, Any]) -> None:
    """Refuses splits without an example, too few to choose by, and data of one class or of too many.

    Args:
      summary: From `summarize`.

    Raises:
      ConfigError: there is one; the message says what became of its examples.
    """
    for split in (Split.TRAIN, Split.HELD_OUT):
        if not summary[f"num_{split}"]:
            left_out = summary["num_labelled_left_out"] if split is Split.TRAIN else 0
            where = "held out, or in the validation split" if "num_validation" in summary else "held out"
            why = f" (the content of all {left_out} is {where})" if left_out else ""
            if split is Split.TRAIN and (conflicting := summary["num_conflicting_left_out"]):
                why += f" ({conflicting} were left out, as their content has another label, too)"
            raise ConfigError(f"data: found no example for the {split} split{why}, accepted is one at least")
    num_validation = summary.get("num_validation", MIN_VALIDATION_EXAMPLES)
    if num_validation < MIN_VALIDATION_EXAMPLES:
        left_out = summary["num_validation_left_out"]
        why = f" (without {left_out} whose content is held out)" if left_out else ""
        raise ConfigError(
            f"data.validation_uri: found {num_validation} examples to choose by{why}, accepted are "
            f"{MIN_VALIDATION_EXAMPLES} or more, as fewer tell too little: add some, or leave it out, and "
            "training.validation_ratio keeps training examples back"
        )
    if not 2 <= len(summary["labels"]) <= MAX_CLASSES:
        raise ConfigError(f"data: found {len(summary['labels'])} classes, accepted are 2 to {MAX_CLASSES}")


def check_trained_classes(summary: Mapping[str, Any]) -> None:
    """Refuses classes without an example to train on.

    Args:
      summary: From `summarize`.

    Raises:
      ConfigError: there is one; the message says what became of its examples.
    """
    counts = summary["class_counts"]
    chosen_by = counts.get(Split.VALIDATION, [0] * len(summary["labels"]))
    by_class = zip(summary["labels"], counts[Split.TRAIN], counts[Split.HELD_OUT], chosen_by, strict=True)
    for name, train, held_out, validation in by_class:
        if not train:
            where = f"all {held_out} of its examples are held out" if held_out else "it has no valid example"
            if validation:
                where = f"{held_out} of its examples are held out, and {validation} are in the validation split"
            if summary["num_labelled_left_out"] + summary["num_conflicting_left_out"]:
                where += f", or was left out of training: see {REPEATED_FILE} beside the examples"
            raise ConfigError(f"data: class {name!r} is empty for training: {where}; accepted is one example at least")


def _num_stored(summary: Mapping[str, Any]) -> int:
    return int(summary["num_train"] + summary["num_held_out"] + summary.get("num_validation", 0))


def _num_labelled_left_out(summary: Mapping[str, Any]) -> int:
    kinds = ("labelled", "conflicting", "validation")
    return sum(summary.get(f"num_{kind}_left_out", 0) for kind in kinds)
