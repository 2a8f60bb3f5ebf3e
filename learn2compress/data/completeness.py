"""Whether every record arrived: holds what was read against what was written, as a runner may lose data in silence.

Pure functions of counts. Each count comes from another place than the one it is compared with: the reader's own loop,
the file's header or listing, the writer of each shard, the file that was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import ReadPlan, Unit

_ADVICE = (
    "nothing of it was kept; run it again, and if it happens again, with one worker (beam: all_steps: workers: 1) or "
    "by another runner"
)


class RecordsLostError(ConfigError):
    """A runner lost records, or delivered them twice; the message is one line."""


def check_declared(plan: ReadPlan, read: Iterable[tuple[int, int]], declared: int) -> None:
    """Checks that the labelled sources hold as many records as the configuration says, those refused among them.

    Args:
      plan: What was read.
      read: Index of a unit and the number of records that its reader yielded, for each unit.
      declared: `data.num_records`.

    Raises:
      ConfigError: the numbers differ.
    """
    num_refused = sum(record.field != "data.unlabelled_uri" for record in plan.refused)
    found = num_refused + sum(num_read for index, num_read in read if plan.units[index].labelled)
    if found != declared:
        likely = (
            "a file was cut or is missing" if found < declared else "there are new records, or a file is there twice"
        )
        raise ConfigError(
            f"data.num_records: found {found} labelled records, accepted is the {declared} that it says: {likely}"
        )


def check_units(
    units: Sequence[Unit], read: Iterable[tuple[int, int]], refused: Mapping[int, int], stored: Mapping[int, int]
) -> None:
    """Checks that each unit was read as a whole, and that all its records were stored or refused.

    Args:
      units: The plan's.
      read: Index of a unit and the number of records that its reader yielded, for each unit in any order.
      refused: Records refused, by index of the unit.
      stored: Records that reached the writers of shards, by index of the unit.

    Raises:
      RecordsLostError: one was not, or several times.
    """
    read = list(read)
    check_parts("units of the data read", map(str, range(len(units))), (str(index) for index, _ in read))
    for index, num_read in sorted(read):
        unit = units[index]
        if unit.num_records is not None and num_read != unit.num_records:
            raise RecordsLostError(f"{unit}: found {unit.num_records} records and read {num_read}: {_ADVICE}")
        num_stored, num_refused = stored.get(index, 0), refused.get(index, 0)
        if num_read != num_stored + num_refused:
            raise RecordsLostError(
                f"{unit}: read {num_read} records, of which {num_stored} arrived where they are stored and "
                f"{num_refused} were refused: {_ADVICE}"
            )


def check_parts(what: str, expected: Iterable[str], found: Iterable[str]) -> None:
    """Checks that each part of the work was reported exactly once.

    Args:
      what: The parts, for the message, such as "shards written".
      expected: Names of all parts.
      found: Names of the parts reported, in any order.

    Raises:
      RecordsLostError: one is missing, or was reported twice.
    """
    wanted, counts = sorted(expected), Counter(found)
    wrong = [name for name in wanted if counts[name] != 1] or sorted(counts.keys() - set(wanted))
    if wrong:
        raise RecordsLostError(
            f"{what}: {len(wanted)} were to be reported once each, and {wrong[0]} was reported {counts[wrong[0]]} "
            f"times: {_ADVICE}"
        )


def check_count(what: str, expected: int, found: int) -> None:
    """Checks that as many records arrived as were sent.

    Args:
      what: The records, for the message, such as "logits of the train split".
      expected: Records that there are.
      found: Records that arrived.

    Raises:
      RecordsLostError: the numbers differ.
    """
    if expected != found:
        raise RecordsLostError(f"{what}: there are {expected} records, and {found} arrived: {_ADVICE}")
