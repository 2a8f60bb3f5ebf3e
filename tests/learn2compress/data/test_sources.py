"""Reading every format, and refusing what can't be read."""

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import BadRecord, RawRecord, Split, class_names
from learn2compress.data.sources import plan, read_unit, source_fingerprint

IMAGE = TaskConfig()
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))


def read(data: DataConfig, task: TaskConfig = IMAGE) -> list[tuple[Split | None, RawRecord | BadRecord]]:
    return [(unit.split, record) for unit in plan(data, task).units for record in read_unit(unit, task)]


def config(data_format: DataFormat, uri: object, held_out: object = None) -> DataConfig:
    return DataConfig(format=data_format, uri=str(uri), held_out_uri=str(held_out) if held_out else None)


def png(value: int = 7) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(2):
            (tmp_path / "images" / name / f"{index}.png").write_bytes(png(index))
    return tmp_path / "images"


def test_digits() -> None:
    records = [record for _, record in read(DataConfig())]
    assert len(records) == 1797
    assert plan(DataConfig(), IMAGE).names == tuple("0123456789")
    assert max(record.payload.max() for record in records) == 255
    assert records[5].source == "digits#5"


def test_image_folder(folder: Path) -> None:
    data = config(DataFormat.IMAGE_FOLDER, folder)
    assert plan(data, IMAGE).names == ("a", "b")
    assert [(record.source, record.label) for _, record in read(data)] == [
        ("a/0.png", "a"),
        ("a/1.png", "a"),
        ("b/0.png", "b"),
        ("b/1.png", "b"),
    ]


def test_image_folder_says_what_it_refuses(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    os.symlink(tmp_path / "secret.png", folder / "a" / "link.png")
    os.symlink(folder / "b" / "0.png", folder / "a" / "inside.png")
    os.symlink(folder / "a" / "gone.png", folder / "a" / "broken.png")
    os.mkfifo(folder / "a" / "pipe.png")
    (folder / "a" / "notes.txt").write_text("hello")
    (folder / "a" / "deeper").mkdir()
    (folder / "a" / ".hidden").write_text("left out")
    (folder / "a" / "big.png").touch()
    os.truncate(folder / "a" / "big.png", 2**26)
    refused = {record.source: record.reason for record in plan(config(DataFormat.IMAGE_FOLDER, folder), IMAGE).refused}
    assert {source: reason.split(",")[0] for source, reason in refused.items()} == {
        "a/link.png": "a symbolic link that leaves the data's folder",
        "a/broken.png": "not a plain file",
        "a/pipe.png": "not a plain file",
        "a/notes.txt": "found another kind of file",
        "a/deeper": "found a folder inside a class folder",
        "a/big.png": "found 67108864 bytes",
    }


def test_image_folder_as_a_whole(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data.uri: found nothing at .*missing, accepted is a folder"):
        plan(config(DataFormat.IMAGE_FOLDER, tmp_path / "missing"), IMAGE)
    with pytest.raises(ConfigError, match=r"data.uri: found a file at"):
        plan(config(DataFormat.IMAGE_FOLDER, folder / "a" / "0.png"), IMAGE)
    with pytest.raises(ConfigError, match=r"data.uri: found no class"):
        plan(config(DataFormat.IMAGE_FOLDER, folder / "a"), IMAGE)
    (folder / "void").mkdir()
    with pytest.raises(ConfigError, match=r"data.uri: class 'void' is empty"):
        plan(config(DataFormat.IMAGE_FOLDER, folder), IMAGE)


def test_class_folder_that_is_a_link_out_of_the_data(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", folder / "c")
    with pytest.raises(ConfigError, match=r"data.uri: class folder .*symbolic link that leaves"):
        plan(config(DataFormat.IMAGE_FOLDER, folder), IMAGE)


def test_held_out_apart(folder: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "test"
    (held_out / "a").mkdir(parents=True)
    (held_out / "a" / "9.png").write_bytes(png(9))
    data = config(DataFormat.IMAGE_FOLDER, folder, held_out)
    assert [split for split, _ in read(data)] == [Split.TRAIN] * 4 + [Split.HELD_OUT]
    (held_out / "new").mkdir()
    (held_out / "new" / "9.png").write_bytes(png(9))
    with pytest.raises(ConfigError, match=r"data.held_out_uri: found class 'new'"):
        plan(data, IMAGE)


def test_remote_folder() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/remote/x/1.png": png(1), "/remote/y/2.png": png(2)})
    data = config(DataFormat.IMAGE_FOLDER, "memory://remote")
    assert [(record.source, record.label) for _, record in read(data)] == [("x/1.png", "x"), ("y/2.png", "y")]
    before = source_fingerprint(data)
    memory.pipe("/remote/y/2.png", png(3))
    assert source_fingerprint(data) != before


def npz(path: Path, **arrays: object) -> DataConfig:
    np.savez_compressed(path, **arrays)
    return config(DataFormat.NPZ, path)


def test_npz(tmp_path: Path) -> None:
    x = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8)
    records = read(npz(tmp_path / "a.npz", x=x, y=np.array([[0], [2], [1]])))
    assert [(split, record.label) for split, record in records] == [(None, 0), (None, 2), (None, 1)]
    assert (records[1][1].payload == x[1]).all()
    data = npz(tmp_path / "b.npz", x_train=x, y_train=[0, 1, 1], x_test=x, y_test=[1, 0, 0], labels=["no", "yes"])
    assert plan(data, IMAGE).names == ("no", "yes")
    assert [(split, record.label) for split, record in read(data)][2:4] == [
        (Split.TRAIN, "yes"),
        (Split.HELD_OUT, "yes"),
    ]
    assert read(data)[3][1].source == "b.npz#x_test[0]"


X = np.zeros((3, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, r"found arrays \['x'\], accepted are x and y"),
        ({"x": X, "y": [0, 1]}, "found 3 images and 2 labels"),
        ({"x": X, "y": [0, 1, -1]}, "found labels -1..1"),
        ({"x": X, "y": [0, 1, 2], "labels": ["a", "b"]}, r"found labels 0..2, accepted are 0..1"),
        ({"x": X, "y": [0, 1, 1], "labels": ["a", "a"]}, "found a name twice"),
        ({"x": X.astype(np.float32), "y": [0, 1, 2]}, "has type float32"),
        ({"x": X[0], "y": [0, 1, 2]}, r"shape \(8, 8\)"),
        ({"x": X, "y": [[0, 1], [1, 0], [0, 1]]}, r"shape \(3, 2\)"),
        ({"x": X, "y": np.array([{}, {}, {}], object)}, "pickled objects"),
    ],
)
def test_npz_that_can_not_be_used(tmp_path: Path, arrays: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"data.uri: .*{reason}"):
        plan(npz(tmp_path / "x.npz", **arrays), IMAGE)


def test_npz_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    data = npz(tmp_path / "x.npz", y=[0, 1, 2])
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 8, 8)})
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(ConfigError, match="claims 70368744177664 bytes"):
        plan(data, IMAGE)
    (tmp_path / "x.npz").write_bytes(b"not a zip")
    with pytest.raises(ConfigError, match="found no zip archive"):
        plan(data, IMAGE)


def idx(path: Path, array: np.ndarray, claimed: int | None = None) -> None:
    shape = (claimed or array.shape[0], *array.shape[1:])
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_idx_folder_and_file(tmp_path: Path) -> None:
    x = np.arange(5 * 12, dtype=np.uint8).reshape(5, 3, 4)
    idx(tmp_path / "train-images-idx3-ubyte.gz", x)
    idx(tmp_path / "train-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    idx(tmp_path / "t10k-images-idx3-ubyte.gz", x[:2])
    idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([1, 0], np.uint8))
    records = read(config(DataFormat.IDX, tmp_path))
    assert [(split, record.label) for split, record in records[4:]] == [
        (Split.TRAIN, 4),
        (Split.HELD_OUT, 1),
        (Split.HELD_OUT, 0),
    ]
    assert (records[4][1].payload == x[4]).all()
    assert len(read(config(DataFormat.IDX, tmp_path / "train-images-idx3-ubyte.gz"))) == 5
    source_fingerprint(config(DataFormat.IDX, tmp_path / "train-images-idx3-ubyte.gz"))


def test_idx_that_can_not_be_used(tmp_path: Path) -> None:
    x = np.zeros((5, 3, 4), np.uint8)
    images, labels = tmp_path / "a-images-idx3-ubyte", tmp_path / "a-labels-idx1-ubyte"
    data = config(DataFormat.IDX, images)
    idx(images, x)
    with pytest.raises(ConfigError, match="found no a-labels-idx1-ubyte"):
        plan(data, IMAGE)
    idx(labels, np.zeros(4, np.uint8))
    with pytest.raises(ConfigError, match="found 5 images and 4 labels"):
        plan(data, IMAGE)
    idx(labels, np.zeros(5, np.uint8))
    idx(images, x, claimed=2**31)
    with pytest.raises(ConfigError, match="found dimensions"):
        plan(data, IMAGE)
    idx(labels, x)
    idx(images, x)
    with pytest.raises(ConfigError, match="found header 00000803, accepted is 00000801"):
        plan(data, IMAGE)
    idx(labels, np.zeros(5, np.uint8))
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="ends 1 bytes early"):
        read(data)
    images.write_bytes(images.read_bytes() + b"xx")
    with pytest.raises(ConfigError, match="more bytes than its header claims"):
        read(data)


def test_tsv_and_csv(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes('yes\tsay "no\nno\tnever\r\n\nonly one\nyes\tcaf\xff\n'.encode("latin-1"))
    found = [record for _, record in read(config(DataFormat.TSV, tmp_path / "a.tsv"), TEXT)]
    assert found[:2] == [RawRecord("a.tsv#1", "yes", 'say "no'), RawRecord("a.tsv#2", "no", "never")]
    assert [record.reason.split(",")[0] for record in found[2:]] == [
        "found 1 columns",
        "found bytes that are not UTF-8",
    ]
    (tmp_path / "b.csv").write_text('\ufefftext,id,label\n"a, ""b""\nc",1,x\nd,2,y\ne,3\n"open', "utf-8")
    found = [record for _, record in read(config(DataFormat.CSV, tmp_path), TEXT)]
    assert found[:2] == [RawRecord("b.csv#2", "x", 'a, "b"\nc'), RawRecord("b.csv#4", "y", "d")]
    assert found[2].reason == "found 2 columns, accepted are 3"
    assert "unexpected end of data" in found[3].reason
    (tmp_path / "void").mkdir()
    with pytest.raises(ConfigError, match=r"found no \.tsv file"):
        plan(config(DataFormat.TSV, tmp_path / "void"), TEXT)


def test_glob(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "part.tsv").write_text(f"{name}\thello\n")
    data = config(DataFormat.TSV, tmp_path / "in" / "*" / "part.tsv")
    assert [record.source for _, record in read(data, TEXT)] == ["one/part.tsv#1", "two/part.tsv#1"]
    os.symlink("/etc/hostname", tmp_path / "in" / "one" / "part2.tsv")
    with pytest.raises(ConfigError, match=r"data.uri: .*symbolic link that leaves"):
        plan(config(DataFormat.TSV, tmp_path / "in" / "*" / "*.tsv"), TEXT)


def test_a_line_without_end_does_not_fill_memory(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"x" * (2**20 + 10))
    with pytest.raises(ConfigError, match="found a line longer than"):
        read(config(DataFormat.TSV, tmp_path / "a.tsv"), TEXT)


def example(**features: object) -> bytes:
    built = {}
    for name, value in features.items():
        key = name.replace("__", "/")
        if isinstance(value, int):
            built[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            built[key] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=built)).SerializeToString()


def tfrecord(path: Path, *records: bytes, compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_tfrecord(tmp_path: Path, compression: str) -> None:
    path = tfrecord(
        tmp_path / "a.tfrecord",
        example(image__encoded=b"png", image__class__label=1, image__class__text=b"one"),
        example(image=b"png", label=b"two"),
        example(image=b"png"),
        example(label=1),
        example(image=b"png", label=-1),
        b"\xff\xff",
        compression=compression,
    )
    found = [record for _, record in read(config(DataFormat.TFRECORD, path))]
    assert found[:2] == [RawRecord("a.tfrecord#0", 1, b"png"), RawRecord("a.tfrecord#1", "two", b"png")]
    assert [record.reason.split(",")[0] for record in found[2:]] == [
        "found features 'image'",
        "found features 'label'",
        "found label -1",
        "found no tf.Example",
    ]
    path = tfrecord(tmp_path / "t.tfrecord", example(text=b" hi ", label=b"x"), example(text=b"\xff", label=b"x"))
    found = [record for _, record in read(config(DataFormat.TFRECORD, path), TEXT)]
    assert found[0] == RawRecord("t.tfrecord#0", "x", "hi")
    assert "UTF-8" in found[1].reason


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-3], "found the end of the file inside a record after 19 records"),
        (lambda content: content[:6], "found the end of the file inside a record after 0 records"),
        (lambda content: content[:-10] + b"\xee" + content[-9:], "found a corrupted record after 19 records"),
        (lambda content: b"\xff" * 8 + content[8:], "found a record that claims 18446744073709551615 bytes"),
    ],
)
def test_corrupted_tfrecord_is_one_clear_error(tmp_path: Path, damage: object, reason: str) -> None:
    path = tfrecord(tmp_path / "a.tfrecord", *[example(image=b"x" * 50, label=1)] * 20)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=rf"data.uri: .*a.tfrecord: {reason}.*; it is damaged"):
        read(config(DataFormat.TFRECORD, path))


def test_format_must_fit_the_task() -> None:
    with pytest.raises(ConfigError, match=r"data.format: found 'digits', accepted for a task of kind text are tsv"):
        plan(DataConfig(), TEXT)


def test_fingerprint_follows_the_files(folder: Path) -> None:
    data = config(DataFormat.IMAGE_FOLDER, folder)
    before = source_fingerprint(data)
    assert source_fingerprint(data) == before
    assert source_fingerprint(DataConfig()) == source_fingerprint(DataConfig())
    (folder / "a" / "0.png").write_bytes(png(200) + b"x")
    changed = source_fingerprint(data)
    assert changed != before
    (folder / "a" / "2.png").write_bytes(png())
    assert source_fingerprint(data) != changed
    with pytest.raises(ConfigError, match=r"data.uri: found nothing"):
        source_fingerprint(config(DataFormat.IMAGE_FOLDER, folder / "missing"))


def test_class_names_in_index_order() -> None:
    assert class_names({0, 3}) == ("0", "1", "2", "3")
    assert class_names({"10", "9", "1"}) == ("1", "9", "10")
    assert class_names({"b", "10", "a"}) == ("10", "a", "b")
