"""Batches: order and views are functions of the seed, logits stay beside their examples, memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.data.augmentation import augment, example_seeds, view_seed
from learn2compress.data.batches import TrainingBatch, TrainingData
from learn2compress.data.examples import encode_example, shard_path, write_shard

NUM_TRAIN, NUM_HELD_OUT, NUM_CLASSES, NUM_VIEWS = 200, 40, 5, 3
SHAPE = (6, 8, 3)
MOVES = AugmentConfig(flip=True, shift_ratio=0.25, contrast=0.3)
IMAGES = np.random.default_rng(0).integers(0, 256, (NUM_TRAIN + NUM_HELD_OUT, *SHAPE), np.uint8)
LABELS = np.where(np.arange(len(IMAGES)) % 10 == 9, -1, np.arange(len(IMAGES)) % NUM_CLASSES)
INDEX_OF = {image.tobytes(): index for index, image in enumerate(IMAGES)}


def logits_of(index: int) -> np.ndarray:
    """Numbers that say whose they are: example, view and class."""
    views, classes = np.meshgrid(np.arange(NUM_VIEWS), np.arange(NUM_CLASSES), indexing="ij")
    return (100 * index + 10 * views + classes).astype("<f4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    train, held_out = np.split(np.arange(len(IMAGES)), [NUM_TRAIN])
    for split, indices in (("train", train), ("held_out", held_out)):
        for shard, rows in enumerate(np.array_split(indices, 2)):
            records = [encode_example(IMAGES[i].tobytes(), int(LABELS[i]), f"{i:064x}", str(i)) for i in rows]
            write_shard(shard_path(tmp_path / split, shard, 2), records)
    for name, num_views in (("logits", 1), ("views", NUM_VIEWS)):
        for shard, rows in enumerate(np.array_split(train, 2)):
            logits = [logits_of(i)[:num_views].tobytes() for i in rows]
            write_shard(shard_path(tmp_path / name, shard, 2, "logits"), logits)
    return tmp_path


@pytest.fixture
def open_data(folder: Path) -> Callable[..., TrainingData]:
    def make(logits: str | None = "logits", shuffle_buffer: int = 1000, **options: Any) -> TrainingData:
        return TrainingData(
            train=folder / "train",
            train_logits=folder / logits if logits else None,
            held_out=folder / "held_out",
            num_train=NUM_TRAIN,
            num_held_out=NUM_HELD_OUT,
            num_classes=NUM_CLASSES,
            input_shape=SHAPE,
            batch_size=16,
            shuffle_buffer=shuffle_buffer,
            **options,
        )

    return make


def epoch_of(data: TrainingData, seed: int = 3, epoch: int = 0) -> TrainingBatch:
    """All batches of an epoch as one."""
    batches = list(data.epoch(seed, epoch))
    assert [len(batch.inputs) for batch in batches] == [16] * data.steps_per_epoch
    return TrainingBatch(*(np.concatenate([part.numpy() for part in parts]) for parts in zip(*batches, strict=True)))


def order_of(batch: TrainingBatch) -> list[int]:
    return [INDEX_OF[image.tobytes()] for image in batch.inputs]


def test_a_batch_without_augmentation_is_what_is_stored(open_data: Callable[..., TrainingData]) -> None:
    batch = epoch_of(open_data())
    assert batch.inputs.dtype == np.uint8
    order = order_of(batch)
    # 200 examples are 12 batches of 16; the rest waits for another epoch.
    assert len(set(order)) == 192
    assert (batch.teacher_logits == [logits_of(index)[0] for index in order]).all()
    one_hot = np.vstack([np.eye(NUM_CLASSES, dtype=np.float32), np.zeros(NUM_CLASSES, np.float32)])
    assert batch.targets.dtype == np.float32
    assert (batch.targets == one_hot[LABELS[order]]).all()
    assert 0 < (batch.targets.sum(axis=1) == 0).sum() <= 20


@pytest.mark.parametrize("shuffle_buffer", [1000, 50])
def test_order_is_a_function_of_seed_and_epoch(open_data: Callable[..., TrainingData], shuffle_buffer: int) -> None:
    data = open_data(shuffle_buffer=shuffle_buffer)
    orders = {(seed, epoch): order_of(epoch_of(data, seed, epoch)) for seed in (3, 4) for epoch in (0, 1)}
    again = open_data(shuffle_buffer=shuffle_buffer)
    # Epochs in another order, as in a training that was resumed.
    assert {key: order_of(epoch_of(again, *key)) for key in reversed(orders)} == orders
    assert len({tuple(order) for order in orders.values()}) == 4


def test_the_first_batches_come_from_the_front_of_a_small_buffer(open_data: Callable[..., TrainingData]) -> None:
    order = np.array(order_of(epoch_of(open_data(shuffle_buffer=50))))
    assert (order <= np.arange(192) + 50).all()
    assert (order != np.sort(order)).any()


@pytest.mark.parametrize("shuffle_buffer", [NUM_TRAIN, NUM_TRAIN - 1, NUM_HELD_OUT - 1])
def test_what_the_buffer_may_not_hold_is_read_again(
    open_data: Callable[..., TrainingData], folder: Path, shuffle_buffer: int
) -> None:
    data = open_data(shuffle_buffer=shuffle_buffer)
    order, inputs = order_of(epoch_of(data)), [batch.numpy() for batch, _ in data.held_out()]
    for shard in [*folder.glob("train/*"), *folder.glob("held_out/*")]:
        shard.unlink()
    if shuffle_buffer >= NUM_TRAIN:
        assert order_of(epoch_of(data)) == order
    else:
        with pytest.raises(tf.errors.NotFoundError):
            epoch_of(data)
    if shuffle_buffer >= NUM_HELD_OUT:
        assert all((batch.numpy() == old).all() for (batch, _), old in zip(data.held_out(), inputs, strict=True))
    else:
        with pytest.raises(tf.errors.NotFoundError):
            list(data.held_out())


def test_the_held_out_split_is_in_its_stored_order_and_never_augmented(open_data: Callable[..., TrainingData]) -> None:
    ((inputs, labels),) = open_data(logits=None, augment=MOVES).held_out()
    assert (inputs.numpy() == IMAGES[NUM_TRAIN:]).all()
    assert (labels.numpy() == LABELS[NUM_TRAIN:]).all()


@pytest.mark.parametrize(("shape", "sizes"), [((256, 256, 3), [21, 21, 8]), ((8, 8, 3), [50])])
def test_of_large_images_fewer_are_held_out_in_one_batch(
    tmp_path: Path, shape: tuple[int, ...], sizes: list[int]
) -> None:
    records = [encode_example(bytes([i]) * int(np.prod(shape)), i % 5, f"{i:064x}", str(i)) for i in range(50)]
    for split in ("train", "held_out"):
        write_shard(shard_path(tmp_path / split, 0, 1), records)
    data = TrainingData(
        train=tmp_path / "train",
        train_logits=None,
        held_out=tmp_path / "held_out",
        num_train=50,
        num_held_out=50,
        num_classes=5,
        input_shape=shape,
        batch_size=4,
        shuffle_buffer=50,
    )
    batches = [inputs.numpy() for inputs, _ in data.held_out()]
    assert [len(inputs) for inputs in batches] == sizes
    assert [int(image.max()) for image in np.concatenate(batches)] == list(range(50))


def views_of(indices: np.ndarray, view_seeds: list[int]) -> np.ndarray:
    images = IMAGES[indices]
    seeds = example_seeds(tf.constant([image.tobytes() for image in images]))
    return augment(images, seeds, tf.constant(view_seeds, tf.int64), MOVES).numpy()


def test_stored_logits_are_those_of_the_view_that_is_shown(open_data: Callable[..., TrainingData]) -> None:
    data = open_data("views", augment=MOVES, num_views=NUM_VIEWS, seed=11)
    seen: dict[int, set[int]] = {}
    for epoch in range(NUM_VIEWS + 1):
        batch = epoch_of(data, 11, epoch)
        indices, views = np.divmod(batch.teacher_logits[:, 0].astype(int) // 10, 10)
        assert (batch.teacher_logits == [logits_of(i)[v] for i, v in zip(indices, views, strict=True)]).all()
        assert (batch.inputs == views_of(indices, [view_seed(11, int(view)) for view in views])).all()
        # In one epoch, examples are in different views.
        assert set(views.tolist()) == set(range(NUM_VIEWS))
        for index, view in zip(indices.tolist(), views.tolist(), strict=True):
            seen.setdefault(index, set()).add(view)
    # Who was there in each of the first epochs has been seen in every view.
    assert sum(len(views) == NUM_VIEWS for views in seen.values()) > 150


def test_fresh_views_go_with_the_mean_of_the_stored_logits(open_data: Callable[..., TrainingData]) -> None:
    data = open_data("views", augment=MOVES, num_views=NUM_VIEWS, shows_fresh_views=True, seed=11)
    for epoch in (0, 1):
        batch = epoch_of(data, 11, epoch)
        indices = (batch.teacher_logits[:, 0] // 100).astype(int)
        assert batch.teacher_logits == pytest.approx(np.array([logits_of(i).mean(axis=0) for i in indices]))
        assert (batch.inputs == views_of(indices, [view_seed(11, epoch)] * len(indices))).all()


def test_a_live_teacher_gets_another_view_in_each_epoch(open_data: Callable[..., TrainingData]) -> None:
    data = open_data(logits=None, augment=MOVES)
    everything = np.arange(NUM_TRAIN)
    for epoch in (0, 1):
        batch = epoch_of(data, 3, epoch)
        assert batch.teacher_logits.shape == (192, 0)
        possible = {view.tobytes() for view in views_of(everything, [view_seed(3, epoch)] * NUM_TRAIN)}
        assert {image.tobytes() for image in batch.inputs} <= possible


def test_another_order_shows_the_stored_views_in_the_same_turns(open_data: Callable[..., TrainingData]) -> None:
    data = open_data("views", augment=MOVES, num_views=NUM_VIEWS, seed=11)
    one, other = (epoch_of(data, seed) for seed in (11, 12))
    assert order_of_logits(one) != order_of_logits(other)
    for batch in (one, other):
        indices, views = np.divmod(batch.teacher_logits[:, 0].astype(int) // 10, 10)
        assert (batch.inputs == views_of(indices, [view_seed(11, int(view)) for view in views])).all()


def order_of_logits(batch: TrainingBatch) -> list[int]:
    return [int(logits[0]) // 100 for logits in batch.teacher_logits]


def test_mixed_batches_are_a_function_of_seed_and_epoch(open_data: Callable[..., TrainingData]) -> None:
    config = AugmentConfig(flip=True, cutmix_alpha=1.0)
    first, again, later = (epoch_of(open_data(logits=None, augment=config), 3, epoch) for epoch in (0, 0, 1))
    assert (first.inputs == again.inputs).all()
    assert (first.targets == again.targets).all()
    assert (first.targets != later.targets).any()
    shares = first.targets.max(axis=1).reshape(-1, 16)
    assert len(set(map(tuple, shares.tolist()))) == len(shares)
    assert ((first.targets > 0).sum(axis=1) == 2).any()


def test_stored_logits_are_not_those_of_mixed_images(open_data: Callable[..., TrainingData]) -> None:
    with pytest.raises(ValueError, match="found stored logits with mixup or CutMix"):
        open_data(augment=AugmentConfig(mixup_alpha=0.2))


@pytest.mark.parametrize("logits", ["logits", None])
def test_examples_that_are_kept_back_are_never_trained_on(
    open_data: Callable[..., TrainingData], logits: str | None
) -> None:
    data = open_data(logits, num_validation=105)
    assert data.steps_per_epoch == (NUM_TRAIN - 105) // 16
    seen = set().union(*(order_of(epoch_of(data, epoch=epoch)) for epoch in range(10)))
    # More than the first of two shards; every other example comes sooner or later.
    assert seen == set(range(105, NUM_TRAIN))
    kept_back = [
        (INDEX_OF[image.tobytes()], int(label))
        for images, labels in data.validation()
        for image, label in zip(images.numpy(), labels, strict=True)
    ]
    assert kept_back == [(index, LABELS[index]) for index in range(105) if LABELS[index] >= 0]
    assert data.num_labelled_validation == len(kept_back) == 95
    if logits:
        batch = epoch_of(data)
        np.testing.assert_array_equal(batch.teacher_logits, np.concatenate([logits_of(i)[:1] for i in order_of(batch)]))


def test_examples_that_are_stored_apart_decide_and_all_others_are_trained_on(
    open_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    rows = [encode_example(IMAGES[i].tobytes(), 1, f"{i:064x}", str(i)) for i in (3, 1)]
    apart = tmp_path / "apart"
    write_shard(shard_path(apart, 0, 1), rows)
    data = open_data(validation=apart, num_validation=2)
    assert data.steps_per_epoch == NUM_TRAIN // 16
    ((images, labels),) = data.validation()
    np.testing.assert_array_equal(images, IMAGES[[3, 1]])
    np.testing.assert_array_equal(labels, [1, 1])
    assert data.num_labelled_validation == 2
    for first, second in zip(open_data().epoch(1, 0), data.epoch(1, 0), strict=True):
        np.testing.assert_array_equal(first.inputs, second.inputs)
