"""What tests share: digits with logits of a teacher that knows the labels well, and an S3 server."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from learn2compress.data.batches import TrainingData
from learn2compress.data.examples import encode_example, shard_path, write_shard

NUM_TRAIN = 512
NUM_HELD_OUT = 256


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of both splits in `examples/`, and of logits in `logits/`, two each."""
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("digits")
    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)
    noise = np.random.default_rng(0).normal(size=(len(pixels), 10)).astype(np.float32)
    logits = noise + 6.0 * np.eye(10, dtype=np.float32)[digits.target]
    for split, first, last in (("train", 0, NUM_TRAIN), ("held_out", NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)):
        for shard, rows in enumerate(np.array_split(np.arange(first, last), 2)):
            examples = [encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", str(i)) for i in rows]
            write_shard(shard_path(folder / "examples" / split, shard, 2), examples)
            scores = [logits[i].astype("<f4").tobytes() for i in rows]
            write_shard(shard_path(folder / "logits" / split, shard, 2, "logits"), scores)
    return folder


@pytest.fixture(scope="session")
def digits_data(digits_folder: Path) -> Callable[..., TrainingData]:
    """Makes `TrainingData` of the digits."""

    def make(
        batch_size: int = 16, shuffle_buffer: int = 1000, live: bool = False, num_validation: int = 0
    ) -> TrainingData:
        return TrainingData(
            train=digits_folder / "examples" / "train",
            train_logits=None if live else digits_folder / "logits" / "train",
            held_out=digits_folder / "examples" / "held_out",
            num_train=NUM_TRAIN,
            num_held_out=NUM_HELD_OUT,
            num_classes=10,
            input_shape=(8, 8, 1),
            batch_size=batch_size,
            shuffle_buffer=shuffle_buffer,
            num_validation=num_validation,
        )

    return make


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[fsspec.AbstractFileSystem]:
    """An S3 server that the environment leads to, with an empty bucket "states"."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # Buckets belong to the process, not to the server.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    filesystem_class = fsspec.get_filesystem_class("s3")
    filesystem_class.clear_instance_cache()
    filesystem = filesystem_class()
    filesystem.mkdir("states")
    yield filesystem
    filesystem_class.clear_instance_cache()
    server.stop()
