"""What `Ingest` counted: the content of `ingest.json`, and how the data differ from those of the run before."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class SplitCounts:
    """A figure of each split, in records; `validation` is `None` where none are stored apart to choose by."""

    train: int
    held_out: int
    validation: int | None = None

    @property
    def total(self) -> int:
        """Returns the figure of all splits together."""
        return self.train + self.held_out + (self.validation or 0)


@dataclasses.dataclass(frozen=True)
class ClassCounts:
    """Labelled records of each class, by the class's index."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]
    validation: tuple[int, ...] | None = None

    def of(self, index: int) -> SplitCounts:
        """Returns the counts of one class.

        Args:
          index: Of the class.
        """
        validation = None if self.validation is None else self.validation[index]
        return SplitCounts(self.train[index], self.held_out[index], validation)


@dataclasses.dataclass(frozen=True)
class SplitDigests:
    """SHA-256 over content and labels of each split."""

    train: str
    held_out: str
    validation: str | None = None


@dataclasses.dataclass(frozen=True)
class DataReport:
    """The examples of a run, and what became of those that are not stored.

    Attributes:
      labels: Class names in index order.
      num_train: Records to train on, labelled or not.
      num_held_out: Held-out records.
      num_unlabelled: Records to train on that nobody labelled.
      num_bad: Records refused.
      num_labelled_left_out: Labelled records left out of training since their content is held out, or chosen by.
      num_unlabelled_left_out: Unlabelled ones, likewise.
      num_conflicting: Labelled records whose content has another label, too, whatever became of them.
      num_conflicting_stored: Those of them that stay in their split.
      num_conflicting_left_out: Those that were left out of training for that alone.
      num_duplicates: Stored records whose content another one of their split has.
      num_held_out_trained_on: Held-out records whose content is in the training split, too.
      class_counts: Stored labelled records by class.
      labels_not_held_out: Classes without a held-out record.
      split_content_sha256: What the splits hold.
      content_sha256: Of all splits and the class names.
      num_with_exif_orientation: Images whose EXIF orientation says that their pixels are turned or mirrored.
      notes: What was concluded about the data and not declared, one sentence each.
      changes: How the data differ from those that a run of this name read last, and the splits from each other, one
        sentence each.
      previous: What that run counted; `None` where there was none, or it could not be read.
      num_validation: Records stored apart to choose by; `None` where training keeps some back.
      num_validation_left_out: Records left out of those to choose by since their content is held out.
      labels_not_in_validation: Classes without a record stored apart to choose by, where there are any such records.
    """

    labels: tuple[str, ...]
    num_train: int
    num_held_out: int
    num_unlabelled: int
    num_bad: int
    num_labelled_left_out: int
    num_unlabelled_left_out: int
    num_conflicting: SplitCounts
    num_conflicting_stored: SplitCounts
    num_conflicting_left_out: int
    num_duplicates: SplitCounts
    num_held_out_trained_on: int
    class_counts: ClassCounts
    labels_not_held_out: tuple[str, ...]
    split_content_sha256: SplitDigests
    content_sha256: str
    num_with_exif_orientation: int = 0
    notes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    previous: PreviousData | None = None
    num_validation: int | None = None
    num_validation_left_out: int = 0
    labels_not_in_validation: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class PreviousData:
    """What the run before counted, for the columns beside today's."""

    labels: tuple[str, ...]
    class_counts: ClassCounts
    num_train: int
    num_held_out: int
    split_content_sha256: SplitDigests
    num_validation: int | None = None

    @classmethod
    def of(cls, report: DataReport) -> PreviousData:
        """Returns what a later run compares with.

        Args:
          report: Of the run that was.
        """
        names = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: getattr(report, name) for name in names})
