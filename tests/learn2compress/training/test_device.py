"""What a training runs on, in words."""

from __future__ import annotations

import tensorflow as tf

from learn2compress.litert.machine_load import num_cores
from learn2compress.training.device import describe_devices, device_sentence


def test_gpus_are_named_and_counted() -> None:
    assert describe_devices(["NVIDIA H100"], 16) == "Training on GPU: NVIDIA H100"
    assert describe_devices(["A", "B", "A"], 16) == "Training on GPUs: 2 x A, B"


def test_a_processor_is_told_with_its_cores() -> None:
    assert describe_devices([], 1) == "Training on the CPU: 1 core"
    assert describe_devices([], 16) == "Training on the CPU: 16 cores"


def test_a_gpu_that_cant_be_used_is_told_with_what_to_install() -> None:
    sentence = describe_devices([], 2, has_unused_gpu=True)
    assert sentence.startswith("Training on the CPU: 2 cores. ")
    assert "pip install 'learn2compress[gpu]'" in sentence


def test_this_machine_is_told_as_tensorflow_sees_it() -> None:
    sentence = device_sentence()
    assert "\n" not in sentence
    assert ("Training on the CPU" in sentence) == (not tf.config.list_physical_devices("GPU"))
    if "CPU" in sentence:
        assert f": {num_cores()} core" in sentence
