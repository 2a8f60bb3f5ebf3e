"""What does training a family jointly cost, and what does it give, beside training its students apart?

    python tests/benchmarks/joint_training.py [CONFIG] [--quick | --full-set] [--seeds 3] [--epochs 20] [--for-choice]
        [--first-seed 7] [--joint-alone] [--joins-after NAME=RATIO ...]

Trainings that are compared run in one process and take turns epoch by epoch, so
that whatever else the machine does meets them alike; a ratio is that of their
times over all epochs. By the default configuration that is CIFAR-10 with the
teacher that `examples/train_teacher.py` makes.

- cached: the joint training, and each student alone, on stored teacher logits,
  for three seeds on 10,000 training images: times and held-out accuracies;
  then the joint training without a teacher's signal. Other work on the machine
  spoils the times and not the accuracies: `--seeds 1 --epochs 8` is for the times.
- live: the joint training and the largest student alone, the teacher in each step.
- strategies: the same ratio for `width` and `hybrid`.

`--full-set` trains one seed on all images, without the last three. `--for-choice`
measures on as many further training images instead of the held-out split: so that
settings can be chosen without looking at it. `--joint-alone` trains the family and nothing
to compare it with, and `--joins-after` lets students join later. Results go to `--output` as they
come, one JSON object a line; a table and, as the last line, one JSON object are printed. Its `accuracy_gap_points` are
each jointly trained student's accuracy minus its own when trained alone with the same seed.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from command_line import parser_of
from prepared import Prepared, live_teacher, prepare_examples, prepare_logits

from learn2compress.config import CompressionConfig, Sharing, StudentConfig, TeacherSignal
from learn2compress.config.file import load_config
from learn2compress.litert.latency import processor_name
from learn2compress.litert.latency_figures import median_interval
from learn2compress.students.joint import build_joint_network
from learn2compress.students.sharing import joint_cost
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.loop import Training, make_deterministic
from learn2compress.training.plan import joint_plan


@dataclasses.dataclass
class Contest:
    """Trainings of one configuration that take turns.

    Attributes:
      seconds: Time of each epoch, by training: "joint", or a student's name for it alone.
      accuracy: Held-out accuracy after the last epoch, by training and student.
    """

    seconds: dict[str, list[float]]
    accuracy: dict[str, dict[str, float]]

    @property
    def joint_over(self) -> dict[str, float]:
        """Returns the time of the joint training as a multiple of each other training's."""
        joint = sum(self.seconds["joint"])
        return {name: joint / sum(seconds) for name, seconds in self.seconds.items() if name != "joint"}


def contest(
    config: CompressionConfig,
    prepared: Prepared,
    alone: Sequence[str],
    logits: Path | None = None,
    teacher: LiveTeacher | None = None,
) -> Contest:
    """Trains the family, and each student of `alone` by itself, taking turns epoch by epoch.

    Args:
      config: Students and training.
      prepared: The examples.
      alone: Names of students.
      logits: Folder of a cached teacher's logits.
      teacher: A live teacher, in place of `logits`.

    Returns:
      Times and accuracies of all trainings.
    """
    groups = {"joint": config.students}
    groups |= {s.name: (dataclasses.replace(s, joins_after_ratio=0.0),) for s in config.students if s.name in alone}
    trainings, seconds = {}, {}
    for name, students in groups.items():
        make_deterministic(config.seed)
        network = build_joint_network(config.task, prepared.num_classes, config.training, students)
        data = prepared.training_data(config, logits)
        plan = joint_plan(config.training, students, joint_cost(network).largest, config.seed)
        trainings[name] = Training(network, data, plan, teacher=teacher)
        seconds[name] = []
    turns = {name: training.epochs() for name, training in trainings.items()}
    for epoch in range(config.training.epochs):
        # Who comes first alternates: a machine that slows down slows both.
        for name in list(turns) if epoch % 2 else reversed(turns):
            started = time.perf_counter()
            next(turns[name])
            seconds[name].append(time.perf_counter() - started)
        print(
            f"epoch {epoch + 1}: " + ", ".join(f"{name} {times[-1]:.1f} s" for name, times in seconds.items()),
            flush=True,
        )
    histories = {name: training.finish() for name, training in trainings.items()}
    accuracy = {
        name: {student: records[-1].held_out_top_1 for student, records in history.items()}
        for name, history in histories.items()
    }
    return Contest(seconds, accuracy)


def with_training(config: CompressionConfig, **changes: Any) -> CompressionConfig:
    """Returns the configuration with other training settings.

    Args:
      config: The configuration.
      **changes: Fields of `training`.
    """
    return dataclasses.replace(config, training=dataclasses.replace(config.training, **changes))


def of_widths(config: CompressionConfig, sharing: Sharing) -> CompressionConfig:
    """Returns the configuration with its largest student, and two more of its depth at half and a quarter of its width.

    Args:
      config: Gives the students' names, the deepest first; with fewer than three there are fewer.
      sharing: How they share parameters.
    """
    deepest = config.training.num_stages
    names = [student.name for student in sorted(config.students, key=lambda student: -(student.stage or deepest))]
    students = tuple(StudentConfig(name, width=width) for name, width in zip(names, (1.0, 0.5, 0.25), strict=False))
    training = dataclasses.replace(config.training, sharing=sharing, shared_stages=1)
    return dataclasses.replace(config, training=training, students=students)


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Returns mean, smallest and largest of some seeds' results.

    Args:
      values: One for each seed, at least one.
    """
    return {"mean": round(float(np.mean(values)), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def accuracy_gap_points(runs: Sequence[Contest], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns what joint training adds to each student's accuracy over training it alone, or takes away.

    Args:
      runs: One for each seed.
      names: Students, each trained jointly and alone.

    Returns:
      Points, as `summary` of the seeds' differences, by student; negative where the student is better alone.
    """
    return {
        name: summary([100.0 * (run.accuracy["joint"][name] - run.accuracy[name][name]) for run in runs])
        for name in names
    }


def accuracy_table(figures: Mapping[str, Any]) -> str:
    """Returns the accuracies as a Markdown table.

    Args:
      figures: What is printed at the end.
    """
    columns = {
        "trained jointly, %": ("accuracy_joint", "{:.1f}", 100.0),
        "trained alone, %": ("accuracy_alone", "{:.1f}", 100.0),
        "gap in points": ("accuracy_gap_points", "{:+.1f}", 1.0),
        "jointly, without a teacher, %": ("accuracy_without_teacher", "{:.1f}", 100.0),
    }
    columns = {title: column for title, column in columns.items() if column[0] in figures}
    lines = ["| student | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    for name in figures["accuracy_joint"]:
        cells = []
        for key, form, scale in columns.values():
            mean, low, high = (form.format(scale * figures[key][name][of]) for of in ("mean", "min", "max"))
            cells.append(mean if figures["seeds"] == 1 else f"{mean} ({low} to {high})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints what was asked for, one line as it comes and all of it at the end."""
    parser = parser_of(__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one seed, 2,000 images, 2 epochs")
    size.add_argument("--full-set", action="store_true", help="one seed, all images, the configuration's epochs")
    parser.add_argument("--epochs", type=int, default=20, help="of each seed on the sample")
    parser.add_argument("--seeds", type=int, default=3, help="on the sample")
    parser.add_argument("--for-choice", action="store_true", help="hold out further training images; on the sample")
    parser.add_argument("--first-seed", type=int, help="by default the configuration's")
    parser.add_argument("--joint-alone", action="store_true", help="train nothing to compare with")
    parser.add_argument(
        "--joins-after", nargs="*", default=[], metavar="NAME=RATIO", help="share of the epochs before a student joins"
    )
    parser.add_argument("--output", type=Path, help="file of results; by default in --work")
    arguments = parser.parse_args()
    if arguments.full_set and arguments.for_choice:
        parser.error(
            "--for-choice: found it with --full-set, accepted is the sample: the full set leaves no images over"
        )
    given = load_config(arguments.config)
    max_train = None if arguments.full_set else 2000 if arguments.quick else 10000
    epochs = given.training.epochs if arguments.full_set else 2 if arguments.quick else arguments.epochs
    first_seed = given.seed if arguments.first_seed is None else arguments.first_seed
    seeds = range(first_seed, first_seed + (1 if arguments.quick or arguments.full_set else arguments.seeds))
    few_epochs = min(epochs, 3)
    output: Path = arguments.output or arguments.work / "joint_training.jsonl"
    output.parent.mkdir(parents=True, exist_ok=True)

    def record(what: str, **figures: Any) -> None:
        line = json.dumps({"what": what, "time": time.strftime("%FT%TZ", time.gmtime()), **figures})
        print(line, flush=True)
        with output.open("a") as file:
            file.write(line + "\n")

    joins_after = dict(option.split("=") for option in arguments.joins_after)
    students = tuple(
        dataclasses.replace(student, joins_after_ratio=float(joins_after.get(student.name, student.joins_after_ratio)))
        for student in given.students
    )
    config = with_training(dataclasses.replace(given, students=students), epochs=epochs)
    prepared = prepare_examples(config, arguments.work, max_train, for_choice=arguments.for_choice)
    names = [student.name for student in config.students]
    cost = joint_cost(build_joint_network(config.task, prepared.num_classes, config.training, config.students))
    contests, without = [], []
    for seed in seeds:
        seeded = dataclasses.replace(config, seed=seed)
        logits = prepare_logits(seeded, prepared)
        contests.append(contest(seeded, prepared, [] if arguments.joint_alone else names, logits))
        record("cached", seed=seed, **dataclasses.asdict(contests[-1]))
        if not arguments.full_set and not arguments.joint_alone:
            # Without stored logits each epoch has views of its own, as anybody would train on labels.
            labels_alone = dataclasses.replace(
                config.training.distillation, weight=0.0, largest_weight=0.0, exits_weight=0.0
            )
            without.append(contest(with_training(seeded, distillation=labels_alone), prepared, []))
            record("without_teacher", seed=seed, **dataclasses.asdict(without[-1]))

    accuracy_joint = {name: summary([run.accuracy["joint"][name] for run in contests]) for name in names}
    if arguments.joint_alone:
        print(json.dumps({"config": config.name, "joins_after": joins_after, "accuracy_joint": accuracy_joint}))
        return

    joint_epochs = np.array([run.seconds["joint"] for run in contests])
    largest_epochs = np.array([run.seconds[cost.largest] for run in contests])
    separate = sum(sum(run.seconds[name]) for run in contests for name in names)
    # The first epoch also compiles, which weighs less the longer a training is.
    later = (joint_epochs[:, 1:] / largest_epochs[:, 1:]).ravel()
    low, high = median_interval(later)
    figures: dict[str, Any] = {
        "config": config.name,
        "num_train": prepared.num_train,
        "epochs": epochs,
        "seeds": len(contests),
        "macs": cost.student_macs,
        "macs_largest_over_smallest": round(max(cost.student_macs.values()) / min(cost.student_macs.values()), 2),
        "joint_over_largest_macs": round(cost.joint_over_largest, 4),
        "joint_over_largest_cached": round(float(joint_epochs.sum() / largest_epochs.sum()), 4),
        "joint_over_largest_cached_after_first_epoch": round(float(np.median(later)), 4),
        "joint_over_largest_cached_interval": [round(float(low), 4), round(float(high), 4)],
        "joint_over_separate": round(float(joint_epochs.sum() / separate), 4),
        "accuracy_joint": accuracy_joint,
        "accuracy_alone": {name: summary([run.accuracy[name][name] for run in contests]) for name in names},
        "accuracy_gap_points": accuracy_gap_points(contests, names),
    }
    if not arguments.full_set:
        figures["accuracy_without_teacher"] = {
            name: summary([run.accuracy["joint"][name] for run in without]) for name in names
        }
        short = with_training(config, epochs=few_epochs)
        live = dataclasses.replace(short, teacher=dataclasses.replace(short.teacher, signal=TeacherSignal.LIVE))
        teacher = live_teacher(live, prepared)
        run = contest(live, prepared, [cost.largest], teacher=teacher)
        record("live", **dataclasses.asdict(run))
        figures["joint_over_largest_live"] = round(run.joint_over[cost.largest], 4)
        figures["joint_over_largest"] = {}
        for sharing in (Sharing.WIDTH, Sharing.HYBRID):
            run = contest(of_widths(short, sharing), prepared, [cost.largest], prepare_logits(config, prepared))
            record(sharing.value, **dataclasses.asdict(run))
            figures["joint_over_largest"][sharing.value] = round(run.joint_over[cost.largest], 4)
    figures["processor"] = processor_name()
    print(accuracy_table(figures))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
