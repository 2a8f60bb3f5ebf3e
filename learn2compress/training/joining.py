"""Which variables begin anew when students join later: pure functions of a network and of a plan."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from learn2compress.students.sliced import trained_parts


def widened_variables(network: keras.Model, joins_at_epoch: Mapping[str, int]) -> dict[int, list[keras.Variable]]:
    """Finds the variables of which a student that joins trains more than the students before it did.

    A wide student that joins narrower ones trains further channels of their
    kernels. The moments of those channels are as young as the student, while the
    kernel has one step count: its moments and its count begin anew.

    Args:
      network: The joint network, which returns logits by student name.
      joins_at_epoch: 0-based epoch in which a student joins; 0 where left out.

    Returns:
      Variables by the 0-based epoch in which they begin anew; empty where students share whole layers.
    """
    # By variable: how many elements are trained from which epoch on.
    trained: dict[int, dict[int, int]] = {}
    variables: dict[int, keras.Variable] = {}
    for name, logits in network.output.items():
        epoch = joins_at_epoch.get(name, 0)
        for layer in keras.Model(network.input, logits).layers:
            for variable, num_elements in trained_parts(layer):
                variables[id(variable)] = variable
                sizes = trained.setdefault(id(variable), {})
                sizes[epoch] = max(num_elements, sizes.get(epoch, 0))
    widened: dict[int, list[keras.Variable]] = {}
    for key, sizes in trained.items():
        widest = sizes[min(sizes)]
        for epoch in sorted(sizes)[1:]:
            if sizes[epoch] > widest:
                widened.setdefault(epoch, []).append(variables[key])
                widest = sizes[epoch]
    return widened
