"""What is cut out computes what it did in the family, with weights of its own."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.families.cutting import cut_out
from learn2compress.families.network import FamilyNetwork, output_name
from learn2compress.results.sub_networks import SubNetwork


def test_every_sub_network_is_a_plain_network_of_its_own(network: FamilyNetwork) -> None:
    random = np.random.default_rng(0)
    for variable in network.whole.variables:
        variable.assign(np.array(variable) + random.uniform(0.01, 0.2, variable.shape))
    images = random.random((3, 8, 8, 1), np.float32)
    expected = network.whole(images)
    shared = {id(variable) for variable in network.whole.variables}
    for sub_network, view, end in network.sub_networks():
        student = cut_out(network, sub_network, "small")
        np.testing.assert_allclose(student(images), expected[output_name(view, end)], rtol=1e-4, atol=1e-5)
        assert not shared & {id(variable) for variable in student.variables}
        assert {type(layer).__module__.split(".")[0] for layer in student.layers} <= {"keras", "learn2compress"}
    names = [layer.name for layer in student.layers]
    assert names[:3] == ["input", "resize", "stem_conv"]
    assert names[-1] == "small_logits"


def test_what_the_family_has_not_can_not_be_cut_out(network: FamilyNetwork) -> None:
    with pytest.raises(KeyError):
        cut_out(network, SubNetwork(0.25, 1, 1, 8), "small")
