"""How near is training to what this machine can do, and where does a step's time go?

    python tests/benchmarks/training_throughput.py [CONFIG] [--quick]

Four things are timed in rounds that take turns, in one process, on the same
network and batch size: the bare convolutions and matrix products of a step
(forward, and both gradients, of the same shapes), the forward and backward pass,
the whole step, and the training loop with its input (read, shuffled, augmented).
Differences between them are the profile. Data and teacher are the
configuration's own, its precision too, and a step in the other precision is
timed beside them; the last line printed is one JSON object.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from command_line import parser_of
from prepared import Prepared, prepare_examples, prepare_logits

from learn2compress.config import CompressionConfig, Precision
from learn2compress.config.file import load_config
from learn2compress.data.batches import TrainingBatch
from learn2compress.litert.latency import processor_name
from learn2compress.precision.bfloat16 import runs_in_bfloat16
from learn2compress.precision.view import faster_view
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network
from learn2compress.training.loop import make_deterministic
from learn2compress.training.losses import student_loss
from learn2compress.training.step import TrainStep, as_float

WARM_UP_STEPS = 5
MAX_TRAIN = 2000


def bare_kernels(network: keras.Model, batch_size: int, precision: Precision) -> Callable[[], Any]:
    """Makes the products of one step alone: each layer's output, and the gradients of its kernel and of its input.

    The first layer has none of its input.

    Args:
      network: Gives the layers and their shapes.
      batch_size: Examples in the step.
      precision: Of the convolutions.

    Returns:
      A function that computes all of them, on random numbers.
    """
    work = []
    for layer in network.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
            inputs = tf.random.normal([batch_size, *layer.input.shape[1:]])
            outputs = tf.random.normal([batch_size, *layer.output.shape[1:]])
            takes_image = layer.input.shape == network.input.shape
            numbers = [tf.constant(layer.kernel.numpy()), inputs, outputs]
            if runs_in_bfloat16(layer) and precision is Precision.BFLOAT16:
                numbers = [tf.cast(number, tf.bfloat16) for number in numbers]
            work.append((layer, *numbers, takes_image))

    @tf.function
    def run() -> Any:
        sums = []
        for layer, kernel, inputs, outputs, takes_image in work:
            if isinstance(layer, keras.layers.Conv2D):
                sums += _convolution(layer, kernel, inputs, outputs, takes_image)
            elif isinstance(layer, keras.layers.DepthwiseConv2D):
                sums += _depthwise_convolution(layer, kernel, inputs, outputs)
            else:
                sums += [inputs @ kernel, tf.matmul(inputs, outputs, transpose_a=True)]
                sums += [tf.matmul(outputs, kernel, transpose_b=True)]
        # One element of each result keeps it from being optimised away.
        return tf.add_n([tf.cast(tf.reshape(result, [-1])[0], tf.float32) for result in sums])

    return run


def _convolution(layer: keras.layers.Conv2D, kernel: Any, inputs: Any, outputs: Any, takes_image: bool) -> list[Any]:
    how = {"strides": [1, *layer.strides, 1], "padding": layer.padding.upper()}
    results = [
        tf.nn.conv2d(inputs, kernel, **how),
        tf.raw_ops.Conv2DBackpropFilter(input=inputs, filter_sizes=kernel.shape, out_backprop=outputs, **how),
    ]
    if not takes_image:
        results.append(
            tf.raw_ops.Conv2DBackpropInput(input_sizes=inputs.shape, filter=kernel, out_backprop=outputs, **how)
        )
    return results


def _depthwise_convolution(layer: keras.layers.DepthwiseConv2D, kernel: Any, inputs: Any, outputs: Any) -> list[Any]:
    how = {"strides": [1, *layer.strides, 1], "padding": layer.padding.upper()}
    return [
        tf.nn.depthwise_conv2d(inputs, kernel, **how),
        tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=inputs, filter_sizes=kernel.shape, out_backprop=outputs, **how
        ),
        tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=inputs.shape, filter=kernel, out_backprop=outputs, **how
        ),
    ]


def forward_and_backward(network: keras.Model, config: CompressionConfig, batch: TrainingBatch) -> Callable[[], Any]:
    """Makes everything of a step but the optimizer.

    Args:
      network: The joint network.
      config: Gives the loss.
      batch: What the step sees.

    Returns:
      A function that computes the losses' gradients.
    """
    trained = faster_view(network, config.training.precision)

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            losses = [
                student_loss(batch.targets, logits, batch.teacher_logits, config.training.distillation)
                for logits in trained(as_float(batch.inputs), training=True).values()
            ]
            total = tf.add_n(losses)
        gradients = tape.gradient(total, network.trainable_variables)
        return tf.add_n([tf.reshape(gradient, [-1])[0] for gradient in gradients])

    return run


def batches(config: CompressionConfig, prepared: Prepared, logits: Path) -> Iterator[TrainingBatch]:
    """Yields what the training loop reads, epoch after epoch, without end.

    Args:
      config: Batches, augmentation and seed.
      prepared: The examples.
      logits: Folder of the teacher's stored logits.
    """
    data = prepared.training_data(config, logits)
    for epoch in itertools.count():
        yield from data.epoch(config.seed, epoch)


def main() -> None:
    """Prints a line for each round, and the figures."""
    parser = parser_of(__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    arguments = parser.parse_args()
    num_rounds, num_steps = (6, 5) if arguments.quick else (20, 10)
    config = load_config(arguments.config)
    prepared = prepare_examples(config, arguments.work, MAX_TRAIN)
    logits = prepare_logits(config, prepared)
    make_deterministic(config.seed)
    network = build_joint_network(config.task, prepared.num_classes, config.training, config.students)
    reading = batches(config, prepared, logits)
    batch = next(reading)
    names = [student.name for student in config.students]
    steps = {
        precision: TrainStep(network, config.training.distillation, learning_rate=1e-4, precision=precision)
        for precision in Precision
    }
    step = steps[config.training.precision]

    kernels = bare_kernels(network, len(batch.inputs), config.training.precision)
    passes = forward_and_backward(network, config, batch)
    timed: dict[str, Callable[[], Any]] = {
        "kernels": lambda: kernels().numpy(),
        "forward_backward": lambda: passes().numpy(),
        "step": lambda: step.run(batch, names).numpy(),
        "loop": lambda: step.run(next(reading), names).numpy(),
        **{
            f"step_{precision}": lambda other=other: other.run(batch, names).numpy()
            for precision, other in steps.items()
            if other is not step
        },
    }
    for run in timed.values():
        for _ in range(WARM_UP_STEPS):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for number in range(num_rounds):
        for name in list(timed) if number % 2 else reversed(timed):
            started = time.perf_counter()
            for _ in range(num_steps):
                timed[name]()
            seconds[name].append((time.perf_counter() - started) / num_steps)
        latest = ", ".join(f"{name} {times[-1] * 1e3:.1f} ms" for name, times in seconds.items())
        print(f"round {number + 1}/{num_rounds}: {latest}", flush=True)

    median = {name: float(np.median(times)) for name, times in seconds.items()}
    macs = count_macs(network)
    flop = 6 * macs * len(batch.inputs)
    loop = median["loop"]
    step_seconds = {precision: seconds.get(f"step_{precision}", seconds["step"]) for precision in Precision}
    float32_over_bfloat16 = np.array(step_seconds[Precision.FLOAT32]) / np.array(step_seconds[Precision.BFLOAT16])
    figures = {
        "config": config.name,
        "precision": config.training.precision,
        "batch_size": len(batch.inputs),
        "macs": macs,
        "step_ms": {name: round(value * 1e3, 2) for name, value in median.items()},
        "achieved_gflops_per_s": round(flop / loop / 1e9, 1),
        "bare_kernels_gflops_per_s": round(flop / median["kernels"] / 1e9, 1),
        "achieved_over_bare": round(float(np.median(np.array(seconds["kernels"]) / np.array(seconds["loop"]))), 4),
        "bfloat16_times_faster": round(float(np.median(float32_over_bfloat16)), 4),
        "profile": {
            "convolutions_and_products": round(median["kernels"] / loop, 4),
            "other_operations_of_the_passes": round((median["forward_backward"] - median["kernels"]) / loop, 4),
            "optimizer": round((median["step"] - median["forward_backward"]) / loop, 4),
            "input_and_python": round((loop - median["step"]) / loop, 4),
        },
        "students": names,
        "processor": processor_name(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
