"""Variables that begin anew: those of which a student that joins later trains more than the others did."""

from __future__ import annotations

import keras
import pytest

from learn2compress.config import Sharing, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students.joint import build_joint_network
from learn2compress.students.sliced import SlicedConv2D
from learn2compress.training.joining import widened_variables


def network_of(sharing: Sharing) -> keras.Model:
    training = TrainingConfig(sharing=sharing, stages=(StageConfig(8), StageConfig(16)))
    students = (StudentConfig("wide"), StudentConfig("narrow", width=0.5))
    if sharing is Sharing.PREFIX:
        students = (StudentConfig("wide", 2), StudentConfig("narrow", 1))
    return build_joint_network(TaskConfig(), 10, training, students)


def test_kernels_begin_anew_when_a_wider_student_joins() -> None:
    network = network_of(Sharing.WIDTH)
    ((epoch, variables),) = widened_variables(network, {"wide": 3}).items()
    assert epoch == 3
    # All kernels that both use; normalization and biases are each student's own.
    assert {variable.name for variable in variables} == {"kernel"}
    sources = [layer.source.kernel for layer in network.layers if isinstance(layer, SlicedConv2D)]
    assert len(sources) >= 2
    assert {id(variable) for variable in variables} == {id(kernel) for kernel in sources}


@pytest.mark.parametrize(
    ("sharing", "late"),
    [(Sharing.WIDTH, "narrow"), *((s, n) for s in (Sharing.PREFIX, Sharing.HYBRID) for n in ("wide", "narrow"))],
)
def test_nothing_begins_anew_where_a_student_joins_with_a_part_of_what_was_trained(sharing: Sharing, late: str) -> None:
    assert widened_variables(network_of(sharing), {late: 3}) == {}
