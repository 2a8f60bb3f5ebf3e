"""With few training examples, is the product ahead of plain Keras `fit` and the LiteRT converter?

    python tests/benchmarks/few_data.py [CONFIG] [--quick] [--data FOLDER] [--teacher FILE] [--train 4000]
        [--epochs 30] [--seeds 3] [--for-choice]

The largest student of the configuration, on the first training images in the order of content hash, by

- product: joint training of all students with the teacher's stored logits, `Prune` and `Quantize`, all settings but
  the stages and the epochs by default;
- keras_adam, keras_adamw: `fit` of the same student from the same labels for as many epochs as the product has in
  all phases together, 32 images a step as Keras has by default; Adam at 0.001, or AdamW by the product's schedule.
  The LiteRT converter makes int8 of it, calibrated.

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`. The better of the two peers on average counts.
`--for-choice` measures on further training images instead of the held-out split, for whoever chooses settings. The
last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import parser_of
from joint_training import summary
from peer_recipes.post_training import converted_by_litert
from prepared import Prepared, prepare_examples, prepare_logits

from learn2compress.config import CompressionConfig, PruneConfig, QuantizeConfig, TrainingConfig
from learn2compress.config.file import load_config
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.latency import processor_name
from learn2compress.pruning import prune_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.sharing import joint_cost
from learn2compress.training.loop import fit, make_deterministic
from learn2compress.training.plan import joint_plan, phase_plan
from learn2compress.training.step import as_float

KERAS_BATCH_SIZE = 32


def product(config: CompressionConfig, prepared: Prepared) -> tuple[bytes, str]:
    """Makes the largest student's file as the pipeline does.

    Args:
      config: Its training, prune and quantize settings count.
      prepared: The examples.

    Returns:
      The file, and the recipe that shipped.
    """
    num_validation = config.training.num_validation(prepared.num_train)
    data = prepared.training_data(config, prepare_logits(config, prepared), num_validation=num_validation)
    make_deterministic(config.seed)
    joint = build_joint_network(config.task, prepared.num_classes, config.training, config.students)
    name = joint_cost(joint).largest
    fit(joint, data, joint_plan(config.training, config.students, name, config.seed))

    def phase(phase: str, settings: PruneConfig | QuantizeConfig) -> Any:
        make_deterministic(config.seed)
        return phase_plan(config.training, phase, settings.epochs, settings.learning_rate, config.seed)

    pruning, quantizing = phase("prune", config.prune), phase("quantize", config.quantize)
    student = prune_student(standalone_student(joint, name), name, data, config.prune, pruning).student
    network, _ = train_quantized(student, name, data, config.prune.min_layer_weights, quantizing)
    sample = TrainingSample.read(
        prepared.folder / Split.TRAIN, config.task.input_shape, config.quantize.calibration_examples, num_validation
    )
    description = StudentDescription(config.name, name, tuple(map(str, range(prepared.num_classes))), config.task)
    quantized = quantize_student(student, sample, config.quantize, description, network)
    return quantized.model_bytes, quantized.report.shipped


def peer(config: CompressionConfig, prepared: Prepared, *, adamw: bool) -> bytes:
    """Makes the largest student's file by Keras and the LiteRT converter alone.

    Args:
      config: Gives the student, the seed and the sum of all epochs.
      prepared: The examples, all of which are trained on.
      adamw: AdamW with warm-up and a cosine instead of Adam.

    Returns:
      The file.
    """
    make_deterministic(config.seed)
    training = config.training
    joint = build_joint_network(config.task, prepared.num_classes, training, config.students)
    student = standalone_student(joint, joint_cost(joint).largest)
    inputs, labels = examples_of(config, prepared, Split.TRAIN)
    epochs = training.epochs + config.prune.epochs + config.quantize.epochs
    steps = epochs * -(-len(inputs) // KERAS_BATCH_SIZE)
    warmup_steps = int(training.warmup_ratio * steps)
    cosine = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup_steps, warmup_target=training.learning_rate, warmup_steps=warmup_steps
    )
    optimizer = (
        keras.optimizers.AdamW(cosine, weight_decay=training.weight_decay) if adamw else keras.optimizers.Adam(0.001)
    )
    student.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    floats = as_float(inputs).numpy()
    student.fit(floats, labels, batch_size=KERAS_BATCH_SIZE, epochs=epochs, verbose=0)
    return converted_by_litert(student, floats[: config.quantize.calibration_examples])


def examples_of(config: CompressionConfig, prepared: Prepared, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split.

    Args:
      config: Gives the shape of an input.
      prepared: The examples.
      split: Which of the two.

    Returns:
      Inputs uint8 `[n, *input_shape]` and labels `[n]`.
    """
    examples = list(read_examples(prepared.folder / split))
    inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8)
    return inputs.reshape(-1, *config.task.input_shape), np.array([example.label for example in examples])


def with_defaults(config: CompressionConfig, epochs: int) -> CompressionConfig:
    """Returns the configuration with default settings of training, pruning and quantization.

    Args:
      config: Its data, teacher, stages and students stay.
      epochs: Of the joint training.
    """
    given = config.training
    training = TrainingConfig(
        architecture=given.architecture, sharing=given.sharing, stages=given.stages, epochs=epochs
    )
    return dataclasses.replace(config, training=training, prune=PruneConfig(), quantize=QuantizeConfig())


def main() -> None:
    """Trains and measures seed by seed, prints a line for each file and all of it at the end."""
    parser = parser_of(__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, 1,000 images, 2 epochs")
    parser.add_argument("--data", type=Path, help="folder of train/ and test/ instead of the configuration's data")
    parser.add_argument("--teacher", type=Path, help="instead of the configuration's")
    parser.add_argument("--train", type=int, default=4000, help="training images")
    parser.add_argument("--epochs", type=int, default=30, help="of the joint training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--for-choice", action="store_true", help="hold out further training images")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    if arguments.data:
        folders = {"uri": str(arguments.data / "train"), "held_out_uri": str(arguments.data / "test")}
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, **folders))
    if arguments.teacher:
        config = dataclasses.replace(config, teacher=dataclasses.replace(config.teacher, uri=str(arguments.teacher)))
    config = with_defaults(config, 2 if arguments.quick else arguments.epochs)
    max_train = 1000 if arguments.quick else arguments.train
    prepared = prepare_examples(config, arguments.work, max_train, for_choice=arguments.for_choice)
    inputs, labels = examples_of(config, prepared, Split.HELD_OUT)
    accuracy: dict[str, list[float]] = {"product": [], "keras_adam": [], "keras_adamw": []}
    model_bytes: dict[str, int] = {}
    shipped = []
    seeds = range(config.seed, config.seed + (1 if arguments.quick else arguments.seeds))
    for seed in seeds:
        seeded = dataclasses.replace(config, seed=seed)
        files = {}
        files["product"], recipe = product(seeded, prepared)
        shipped.append(recipe)
        files["keras_adam"] = peer(seeded, prepared, adamw=False)
        files["keras_adamw"] = peer(seeded, prepared, adamw=True)
        for name, content in files.items():
            accuracy[name].append(float((predict(content, inputs).argmax(axis=1) == labels).mean()))
            model_bytes[name] = len(content)
            print(f"seed {seed}, {name}: {accuracy[name][-1]:.4f}, {model_bytes[name]:,} bytes", flush=True)
    means = {name: float(np.mean(values)) for name, values in accuracy.items()}
    best = max(("keras_adam", "keras_adamw"), key=lambda name: means[name])
    figures = {
        "config": config.name,
        "num_train": prepared.num_train,
        "num_held_out": prepared.num_held_out,
        "epochs": config.training.epochs,
        "epochs_total": config.training.epochs + config.prune.epochs + config.quantize.epochs,
        "batch_size": config.training.batch_size_for(prepared.num_train),
        "seeds": list(seeds),
        "accuracy": {name: summary(values) for name, values in accuracy.items()},
        "bytes": model_bytes,
        "shipped": shipped,
        "best_peer": best,
        "ahead_points": round(100 * (means["product"] - means[best]), 3),
        "processor": processor_name(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
