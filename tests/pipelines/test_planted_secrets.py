"""A secret planted in any address of a configuration is in nothing that is printed or written."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from learn2compress.config.file import json_schema

Told = Callable[..., tuple[int, str]]

SECRET = "planted-hunter2"
BASE: dict[str, Any] = {
    "name": "little",
    "data": {"format": "image_folder", "uri": "data"},
    "teacher": {"uri": "teacher.keras"},
    "students": [{"name": "small", "stage": 1}],
    "push": {"uri": "pushed"},
}
# Each field that holds an address, and what must stand beside it.
FIELDS: dict[str, dict[str, Any]] = {
    "data.uri": {},
    "data.held_out_uri": {},
    "data.validation_uri": {},
    "data.unlabelled_uri": {},
    "data.link_root": {},
    "teacher.uri": {},
    "teacher.ensemble.0.uri": {"teacher": {"uri": "teacher.keras", "ensemble": [{"uri": "other.keras"}]}},
    "training.pretrained.uri": {"training": {"pretrained": {"uri": "a.keras", "exits": ["a"]}}},
    "push.uri": {},
    "kubernetes.checkpoint_uri": {"kubernetes": {}},
    "kubernetes.metadata.store": {"kubernetes": {"metadata": {}}},
}
SHAPES = (
    "https://h/x?sig=planted-hunter2",
    "https://h/x?X-Amz-Credential=a&X-Amz-Signature=planted-hunter2",
    "https://h/x?unheard-of=planted-hunter2",
    "https://h/x?planted-hunter2",
    "https://h/x#token=planted-hunter2",
    "s3://key:planted-hunter2@bucket/x",
    "simplecache::https://h/x?sig=planted-hunter2",
    "/folder/x?sig=planted-hunter2",
    "zip://a.keras::s3://key:planted-hunter2@bucket/x",
    "zip://a.keras::https://h/x.zip?other=planted-hunter2",
    # Refused for something else, too: the message of that must not show it.
    "https://h/x?sig=planted-hunter2\n",
)


def with_address(field: str, address: Any) -> dict[str, Any]:
    """A configuration with an address in one field."""
    config: Any = copy.deepcopy(BASE | FIELDS[field])
    *folders, last = field.split(".")
    place = config
    for key in folders:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = address
    return dict(config)


def address_keys(schema: Any) -> Iterator[str]:
    """Names of the schema's keys that are addresses by their name."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if name.endswith("uri") or name in ("link_root", "store"):
                yield name
            yield from address_keys(value)
        for value in schema.get("$defs", {}).values():
            yield from address_keys(value)


def test_every_address_of_the_schema_is_planted() -> None:
    assert {field.rpartition(".")[2] for field in FIELDS} == set(address_keys(json_schema()))


@pytest.mark.parametrize("field", FIELDS)
def test_a_planted_secret_is_in_no_output(field: str, told: Told, tmp_path: Path) -> None:
    file, root = tmp_path / "own" / "l2c.yaml", tmp_path / "runs"
    file.parent.mkdir()
    for shape in SHAPES:
        file.write_text(yaml.safe_dump(with_address(field, shape)))
        verbs: list[tuple[object, ...]] = [("validate", "--file-only", file)]
        if shape in (SHAPES[0], SHAPES[6]):
            verbs += [
                ("validate", file, "--root", root),
                ("run", file, "--root", root),
                ("compile", file, "-o", tmp_path / "package.yaml"),
                ("submit", file, "--endpoint", "http://127.0.0.1:9"),
            ]
        for verb in verbs:
            code, said = told(*verb)
            assert (code, len(said.splitlines())) == (2, 1), said
            assert SECRET not in said
    # One in a list, where an address must stand.
    file.write_text(yaml.safe_dump(with_address(field, [SHAPES[0]])))
    code, said = told("validate", "--file-only", file)
    assert (code, SECRET in said) == (2, False), said
    for verb in (("show", "1"), ("runs",), ("report",), ("lineage", root)):
        assert SECRET not in told(*verb, "--root", root)[1]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != file]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert not (tmp_path / "package.yaml").exists()
