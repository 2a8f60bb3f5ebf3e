"""Options of Apache Beam: which a file may have, and those of whoever runs the steps.

Beam's options name programs that it starts (`--flink_job_server_jar`, `--prism_location`), packages that it installs
(`--setup_file`, `--extra_package`), modules that it imports (`--beam_plugins`) and addresses that it sends work and
credentials to. A file may come from anybody who can push to a repository, so it has an allow-list of options with
types, and none of these is in it. Whoever runs the steps says the others, in their own environment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from learn2compress.config.parsing import ConfigError, clipped

OPTIONS_VARIABLE = "L2C_BEAM_OPTIONS"

_NUMBER = ("[0-9]{1,9}", "a whole number")
_WORD = ("[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", "letters, digits, - and _")

# What a file may say: the pattern of each option's value, and the same in words. Names are compared whole, while Beam
# itself takes the beginning of one, too.
_ACCEPTED = {
    "autoscaling_algorithm": ("NONE|THROUGHPUT_BASED", "NONE or THROUGHPUT_BASED"),
    "default_sdk_harness_log_level": ("DEBUG|INFO|WARNING|ERROR", "DEBUG, INFO, WARNING or ERROR"),
    "disk_size_gb": _NUMBER,
    "element_processing_timeout_minutes": _NUMBER,
    "environment_cache_millis": _NUMBER,
    "job_name": _WORD,
    "job_server_timeout": _NUMBER,
    "max_cache_memory_usage_mb": _NUMBER,
    "max_num_workers": _NUMBER,
    "max_parallelism": _NUMBER,
    "num_workers": _NUMBER,
    "number_of_worker_harness_threads": _NUMBER,
    "parallelism": _NUMBER,
    "region": _WORD,
    "sdk_worker_parallelism": _NUMBER,
    "worker_machine_type": _WORD,
    "worker_zone": _WORD,
}

# Options that fields set: by the field.
_FIELD_OPTIONS = {
    "runner": "runner",
    "direct_num_workers": "workers",
    "direct_running_mode": "worker_kind",
    "job_endpoint": "job_endpoint",
    "environment_type": "worker_pool",
    "environment_config": "worker_pool",
}

# Beam's workers have a race in it, see `components.beam_runner`.
_TIMED_FLUSH = "data_buffer_time_limit_ms"
_OPTION = re.compile(r"--([a-z][a-z0-9_]*)(=.*)?", re.DOTALL)


def check_option(option: str) -> None:
    """Checks that a file may have an option; its value is never repeated, as it may be a secret.

    Args:
      option: `--NAME=VALUE`.

    Raises:
      ValueError: it may not; the message names the option.
    """
    name, _, value = option.removeprefix("--").partition("=")
    if name in _FIELD_OPTIONS:
        raise ValueError(
            f"found --{name}, accepted are options that no field sets: use the field {_FIELD_OPTIONS[name]}"
        )
    if name not in _ACCEPTED:
        raise ValueError(
            f"found --{clipped(name)}, accepted in a file are {', '.join(_ACCEPTED)}; others, such as those that name "
            f"a program, a package or an address, are for whoever runs the steps to say: {OPTIONS_VARIABLE} in the "
            "environment"
        )
    pattern, words = _ACCEPTED[name]
    if not re.fullmatch(pattern, value):
        raise ValueError(f"found another value of --{name}, accepted is --{name}= and {words}")


def operator_options(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the options of whoever runs the steps, which stand over those of the file.

    Args:
      environment: With `L2C_BEAM_OPTIONS`, options as a shell separates them; without it there are none.

    Raises:
      ConfigError: there is something else in it; the message does not repeat values.
    """
    try:
        options = shlex.split(environment.get(OPTIONS_VARIABLE, ""))
    except ValueError as error:
        raise ConfigError(f"{OPTIONS_VARIABLE}: {error}, accepted are --NAME=VALUE, separated by spaces") from None
    for index, option in enumerate(options):
        if not _OPTION.fullmatch(option):
            raise ConfigError(
                f"{OPTIONS_VARIABLE}: its part {index + 1} is no option, accepted are --NAME=VALUE, separated by spaces"
            )
        if _TIMED_FLUSH in option:
            raise ConfigError(
                f"{OPTIONS_VARIABLE}: found {_TIMED_FLUSH}, accepted are options without it: Beam's workers lose "
                "records when a timer flushes their output"
            )
    return tuple(options)


def operator_sentence(environment: Mapping[str, str]) -> str | None:
    """Returns a line that says which options stand over those of the file, or `None`; values may be secrets.

    Args:
      environment: As `operator_options` takes it.

    Raises:
      ConfigError: as `operator_options`.
    """
    names = dict.fromkeys(option.partition("=")[0] for option in operator_options(environment))
    return f"beam: {OPTIONS_VARIABLE} sets {', '.join(names)} over what the file says" if names else None
