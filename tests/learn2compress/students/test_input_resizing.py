"""Images are resized the same in training and inference, and the layer outlives being saved."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from learn2compress.students.input_resizing import InputResizing


def test_a_model_with_it_is_in_inference_unless_told_otherwise(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 1))
    resized = InputResizing(4, 6, name="resize")(inputs)
    model = keras.Model(inputs, keras.layers.BatchNormalization()(resized))
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    assert model(images).shape == (4, 4, 6, 1)
    np.testing.assert_array_equal(model(images), model(images, training=False))
    assert np.abs(model(images, training=True) - model(images)).max() > 0.1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), model(images))


def test_half_the_size_is_the_mean_of_four_pixels() -> None:
    images = np.random.default_rng(1).random((2, 4, 4, 3), np.float32)
    means = images.reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
    np.testing.assert_allclose(InputResizing(2, 2)(images), means, rtol=1e-6)
