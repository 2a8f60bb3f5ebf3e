"""Archives of the corpora's repositories become tables of label and text."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError

FILES = {
    "snips": {
        f"data/snips/{part}/{name}": text
        for part in ("train", "valid", "test")
        for name, text in (("label", "PlayMusic\nGetWeather\n"), ("seq.in", f"play {part}  now \nwill it rain \n"))
    },
    "mrda": {
        f"mrda_data/{part}_set.txt": f"me1|okay {part}.|F|fg|fg\nme2|so  um|S|fh|fh\n"
        for part in ("train", "val", "test")
    },
    "swda": {
        path: text
        for part in ("train", "val", "test")
        for path, text in (
            (f"swda_data/metadata/{part}_split.txt", "2005\n1001\n"),
            (f"swda_data/{part}/1001.txt", "A|Second.|sd\n"),
            (f"swda_data/{part}/2005.txt", f"A|Okay, {part}.|b\nB|Bye-bye.|fc\n"),
        )
    },
}
TRAIN = {
    "snips": "PlayMusic\tplay train now\nGetWeather\twill it rain\n",
    "mrda": "F\tokay train.\nS\tso um\n",
    "swda": "b\tOkay, train.\nfc\tBye-bye.\nsd\tSecond.\n",
}


def write_archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"Repository-0123/{name}")
            info.size = len(text.encode(errors="surrogateescape"))
            archive.addfile(info, io.BytesIO(text.encode(errors="surrogateescape")))
    return path


@pytest.fixture
def utterances(example: Callable[[str], ModuleType]) -> Any:
    return example("datasets.utterances")


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_becomes_three_tables(utterances: Any, name: str, tmp_path: Path) -> None:
    expected = {part: TRAIN[name].replace("train", part) for part in utterances.PARTS}
    expected |= {"val": TRAIN[name].replace("train", "valid" if name == "snips" else "val")}
    digests = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in expected.items()}
    corpus = dataclasses.replace(utterances.CORPORA[name], sha256=digests)
    count = utterances.write_corpus(corpus, write_archive(tmp_path / "a.tar.gz", FILES[name]), tmp_path / "set")
    assert count == sum(text.count("\n") for text in expected.values())
    assert {path.stem: path.read_text() for path in (tmp_path / "set").iterdir()} == expected


def test_a_table_that_is_not_the_published_one_is_refused(utterances: Any, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", FILES["snips"])
    with pytest.raises(ConfigError, match=r"found train.tsv of SHA-256"):
        utterances.write_corpus(utterances.CORPORA["snips"], archive, tmp_path / "out" / "snips")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_that_lacks_a_file_is_refused(utterances: Any, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", FILES["mrda"])
    with pytest.raises(
        ConfigError, match=r"found no data/snips/train/label, accepted is the archive of https://github"
    ):
        utterances.write_corpus(utterances.CORPORA["snips"], archive, tmp_path / "snips")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("data/snips/train/label", "PlayMusic\n", "found other rows than were published"),
        ("mrda_data/train_set.txt", "me1|okay\n", "found other rows than were published"),
        ("data/snips/train/label", "\udcff", "found a file that is not UTF-8 text"),
    ],
)
def test_rows_that_are_not_those_of_the_corpus_are_one_line(
    utterances: Any, tmp_path: Path, file: str, text: str, message: str
) -> None:
    name = "snips" if "snips" in file else "mrda"
    archive = write_archive(tmp_path / "a.tar.gz", FILES[name] | {file: text})
    with pytest.raises(ConfigError, match=message) as caught:
        utterances.write_corpus(utterances.CORPORA[name], archive, tmp_path / "set")
    assert "\n" not in str(caught.value)
