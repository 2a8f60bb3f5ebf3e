"""Which options of Apache Beam a file may have, and those of whoever runs the steps."""

from __future__ import annotations

import pytest

from learn2compress.config.beam_options import OPTIONS_VARIABLE, check_option, operator_options, operator_sentence
from learn2compress.config.parsing import ConfigError

GOOD = ("--parallelism=8", "--region=europe-west1", "--autoscaling_algorithm=NONE", "--job_name=a")


@pytest.mark.parametrize("option", GOOD)
def test_a_file_may_say_how_many_and_where(option: str) -> None:
    check_option(option)


@pytest.mark.parametrize(
    "option", ["--flink_job_server=x", "--parallelism", "--parallelism=8\n", "--Parallelism=8", "--parallelisms=8"]
)
def test_names_and_values_are_taken_whole(option: str) -> None:
    with pytest.raises(ValueError, match=r"^found "):
        check_option(option)


def test_what_the_operator_says_is_read_as_a_shell_would() -> None:
    text = "--flink_job_server_jar=/opt/job.jar --labels='a b'"
    assert operator_options({OPTIONS_VARIABLE: text}) == ("--flink_job_server_jar=/opt/job.jar", "--labels=a b")
    assert operator_sentence({OPTIONS_VARIABLE: text}) == (
        "beam: L2C_BEAM_OPTIONS sets --flink_job_server_jar, --labels over what the file says"
    )
    assert operator_options({}) == ()
    assert operator_sentence({}) is None


@pytest.mark.parametrize("text", ["--a='hunter2", "hunter2", "--a=b hunter2", "--x=data_buffer_time_limit_ms=hunter2"])
def test_what_is_no_option_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^L2C_BEAM_OPTIONS: ") as caught:
        operator_options({OPTIONS_VARIABLE: text})
    assert "hunter2" not in str(caught.value)
