from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.interpreter import Scorer, input_table, predict


def test_a_float_file_scores_as_its_keras_model(models: Any) -> None:
    np.testing.assert_allclose(predict(models.float32, models.x), models.keras_scores, atol=1e-5)


def test_a_uint8_file_receives_the_bytes_as_they_are(models: Any) -> None:
    interpreter = Interpreter(model_content=models.int8)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    np.testing.assert_array_equal(input_table(source, 1 / 255), np.arange(256, dtype=np.uint8))

    interpreter.set_tensor(source["index"], models.x[7:8])
    interpreter.invoke()
    raw = interpreter.get_tensor(target["index"])

    expected = (raw.astype(np.float32) - target["quantization"][1]) * np.float32(target["quantization"][0])
    np.testing.assert_array_equal(predict(models.int8, models.x[7:8]), expected)


def test_batches_give_the_scores_of_single_examples(models: Any) -> None:
    x = models.x[:70]
    np.testing.assert_array_equal(predict(models.int8, x, batch_size=32), predict(models.int8, x, batch_size=1))
    assert predict(models.int8, x).shape == (70, 4)
    assert predict(models.int8, x).dtype == np.float32


def test_an_int8_input_is_quantized_by_the_tensor(models: Any, edited: Callable[..., bytes]) -> None:
    def change(model: Any) -> None:  # drop the QUANTIZE in front, so that the graph starts with int8
        graph = model.subgraphs[0]
        graph.inputs = [int(graph.operators[0].outputs[0])]
        graph.operators = graph.operators[1:]

    scores = predict(edited(models.int8, change), models.x[:50])

    np.testing.assert_array_equal(scores, predict(models.int8, models.x[:50]))


def test_a_float_model_may_take_raw_pixels(models: Any, convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    def function(x: Any) -> Any:
        return tf.reduce_mean(x, axis=(1, 2))

    scores = predict(convert_function(function, (1, 8, 8, 3), tf.float32), models.x[:5], input_scale=1.0)

    np.testing.assert_allclose(scores, models.x[:5].mean(axis=(1, 2)), rtol=1e-5)


def test_a_graph_with_a_batch_of_one_written_into_it_runs_one_by_one(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    kernel = np.random.default_rng(0).uniform(-1, 1, (64, 3)).astype(np.float32)
    x = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 1), dtype=np.uint8)

    def function(images: Any) -> Any:
        return tf.matmul(tf.reshape(images, (1, 64)), kernel)

    scores = predict(convert_function(function, (1, 8, 8, 1), tf.float32), x)

    np.testing.assert_allclose(scores, (x.reshape(9, 64) / 255) @ kernel, atol=1e-4)


def test_what_does_not_fit_is_one_clear_line(models: Any) -> None:
    with pytest.raises(ModelFileError, match=r"found shape \[8, 8, 3\], accepted is \[9, 8, 3\]"):
        predict(models.int8, np.zeros((2, 9, 8, 3), np.uint8))
    with pytest.raises(ModelFileError, match="examples: found float32"):
        predict(models.int8, np.zeros((2, 8, 8, 3), np.float32))
    with pytest.raises(ModelFileError, match="accepted is uint8"):
        predict(models.int8, np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ModelFileError, match="does not run") as error:
        predict(b"garbage" * 50, models.x)
    assert "\n" not in str(error.value)


def test_a_scorer_may_be_asked_again_with_other_numbers_of_examples(models: Any) -> None:
    scorer, expected = Scorer(models.int8, (8, 8, 3)), predict(models.int8, models.x, batch_size=1)
    for count, batch_size in ((70, 32), (3, 64), (200, 64), (1, 1)):
        np.testing.assert_array_equal(scorer.scores(models.x[:count], batch_size), expected[:count])
