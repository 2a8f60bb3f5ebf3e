"""What a training runs on, in words that a person can check against the machine."""

from __future__ import annotations

from pathlib import Path

from learn2compress.litert.machine_load import num_cores

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/gpus")


def device_sentence() -> str:
    """Returns one line on what TensorFlow trains on here: GPUs by name, or the processor with its number of cores.

    Where the machine has a GPU that TensorFlow can't use, the line says what to install.
    """
    import tensorflow as tf

    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    names = [str(details.get("device_name", "a GPU without a name")) for details in gpus]
    return describe_devices(names, num_cores(), has_unused_gpu=not names and _has_nvidia_gpu())


def describe_devices(gpu_names: list[str], cores: int, *, has_unused_gpu: bool = False) -> str:
    """Returns the line of `device_sentence` from what was found.

    Args:
      gpu_names: Names of the GPUs that TensorFlow uses.
      cores: Processor cores that this process may use, at least 1.
      has_unused_gpu: Whether there is a GPU that TensorFlow can't use.
    """
    if gpu_names:
        distinct = dict.fromkeys(gpu_names)
        counted = [f"{gpu_names.count(name)} x {name}" if gpu_names.count(name) > 1 else name for name in distinct]
        return f"Training on {'GPU' if len(gpu_names) == 1 else 'GPUs'}: {', '.join(counted)}"
    line = f"Training on the CPU: {cores} {'core' if cores == 1 else 'cores'}"
    if has_unused_gpu:
        line += ". This machine has an NVIDIA GPU that TensorFlow can't use: pip install 'learn2compress[gpu]'"
    return line


def _has_nvidia_gpu() -> bool:
    return _NVIDIA_DRIVER.is_dir() and any(_NVIDIA_DRIVER.iterdir())
