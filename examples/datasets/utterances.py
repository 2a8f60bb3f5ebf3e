"""Snips, MRDA and SwDA as tables of label and text, from the archives of a commit of their repositories.

Snips (Coucke et al., arXiv:1805.10190) in the split of Goo et al. (2018); MRDA
(Shriberg et al., 2004) with five basic dialogue acts and SwDA (Jurafsky et al.,
1997) with 41, in the splits of Duran et al. (Natural Language Engineering, 2021).
GitHub packs an archive anew for each download, so what is checked is the tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.archives import Archive, member_bytes, opened_tar, whole_or_nothing
from learn2compress.config.parsing import ConfigError

Read = Callable[[str], list[str]]  # the lines of a file, by its path in the repository
PARTS = ("train", "val", "test")


def snips_rows(read: Read, part: str) -> Iterator[tuple[str, str]]:
    """Yields label and text of Snips.

    Args:
      read: Reads a file of the repository.
      part: "train", "val" or "test".
    """
    folder = f"data/snips/{'valid' if part == 'val' else part}"
    yield from zip(read(f"{folder}/label"), read(f"{folder}/seq.in"), strict=True)


def swda_rows(read: Read, part: str) -> Iterator[tuple[str, str]]:
    """Yields label and text of SwDA, dialogue by dialogue; arguments as in `snips_rows`."""
    for dialogue in read(f"swda_data/metadata/{part}_split.txt"):
        for line in read(f"swda_data/{part}/{dialogue}.txt"):
            _, text, label = line.split("|")
            yield label, text


def mrda_rows(read: Read, part: str) -> Iterator[tuple[str, str]]:
    """Yields basic label and text of MRDA, meeting by meeting; arguments as in `snips_rows`."""
    for line in read(f"mrda_data/{part}_set.txt"):
        _, text, basic, _, _ = line.split("|")
        yield basic, text


@dataclass(frozen=True)
class Corpus:
    """A corpus of labelled utterances.

    Attributes:
      archive: Of its repository.
      rows: Yields label and text of one part.
      sha256: Of each table as it must come out.
    """

    archive: Archive
    rows: Callable[[Read, str], Iterator[tuple[str, str]]]
    sha256: Mapping[str, str]


def _repository(name: str, commit: str) -> Archive:
    file_name = f"{name.rpartition('/')[2]}-{commit}.tar.gz"
    return Archive(f"https://github.com/{name}/archive/{commit}.tar.gz", file_name)


CORPORA = {
    "snips": Corpus(
        _repository("MiuLab/SlotGated-SLU", "61f0307c729b1fad479ef1de94aa5ac5dee601b0"),
        snips_rows,
        {
            "train": "6de2d1cf79eeadf7ad8114b5762d4aad58dd48d2c160ff14e1f75772afdfb2b9",
            "val": "9b537e3abd35127c8b5b7091669ec0182b35d0caf046d09323996a99844906b4",
            "test": "3e9d1b1443b3d6fffcc25b6c322b702b063edc24abba54cf4a63e42f5ad422ef",
        },
    ),
    "mrda": Corpus(
        _repository("NathanDuran/MRDA-Corpus", "58006b32d4e36ca518e365899924cd56035466a2"),
        mrda_rows,
        {
            "train": "9ef9351a758547a004e8470ee179a597938a193b4a9fd635f6251ae6f91813b8",
            "val": "f0a01f7c6f592108c69dd63c61e7a8f7bffeceacf4d2920a539b7ba55262405a",
            "test": "f9d8548277f9fdc346a3940c34ae1a8f24a969494f698c85ab8066e43bbfc7ac",
        },
    ),
    "swda": Corpus(
        _repository("NathanDuran/Switchboard-Corpus", "2aec5da98f15808d578c83328b871907b9d31f05"),
        swda_rows,
        {
            "train": "e42b4b90c2188bf2d0cd47c80754003d3e5e2e64a35a4199b3ba599eea8232e8",
            "val": "196dbca99dcf6b76c0a15dbf7897cd52ae9a00363c11b902496e5cf3a7f91c62",
            "test": "6494e2f06e389be0deffd4d350c734c42605e2febd4a13de98c7b8fb5d96ea74",
        },
    ),
}


def write_corpus(corpus: Corpus, archive: Path, folder: Path) -> int:
    """Writes `train.tsv`, `val.tsv` and `test.tsv`: label, tab, text with single spaces; all or none.

    Args:
      corpus: What to read.
      archive: Its archive.
      folder: Where to write; it is not there yet.

    Returns:
      The number of rows.

    Raises:
      ConfigError: the archive lacks a file, or a table is not what figures were published with.
    """
    count = 0
    with opened_tar(archive, corpus.archive) as opened, whole_or_nothing(folder) as incoming:
        files = {member.name.partition("/")[2]: member for member in opened.getmembers() if member.isfile()}

        def read(path: str) -> list[str]:
            content = member_bytes(opened, files[path]) if path in files else None
            if content is None:
                raise ConfigError(f"{archive}: found no {path}, accepted is the archive of {corpus.archive.url}")
            return content.decode("utf-8").splitlines()

        incoming.mkdir()
        for part in PARTS:
            lines = [f"{label.strip()}\t{' '.join(text.split())}\n" for label, text in corpus.rows(read, part)]
            table = "".join(lines).encode()
            if (found := hashlib.sha256(table).hexdigest()) != corpus.sha256[part]:
                raise ConfigError(f"{archive}: found {part}.tsv of SHA-256 {found}, accepted is {corpus.sha256[part]}")
            (incoming / f"{part}.tsv").write_bytes(table)
            count += len(lines)
    return count
