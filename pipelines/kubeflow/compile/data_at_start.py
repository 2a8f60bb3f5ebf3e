"""A graph whose runs look at the data when they start, for schedules: a package says what they were when it was made.

A first step, which never comes from the cache, takes the fingerprint of the data and gives it to `Ingest`. Of new data
it is another one, and `Ingest` and what follows run; of the same data all others come from the cache. To run `Ingest`
anyway would not do: the cache knows an artifact by its number, so that everything after it would run, too.
"""

from __future__ import annotations

import dataclasses

from learn2compress.config import DataConfig
from pipelines.kubeflow.compile.graph import FromTask, Task, TaskGraph
from pipelines.kubeflow.contract.naming import kebab_name
from pipelines.kubeflow.contract.step_contract import FINGERPRINT

EXECUTOR = "pipelines.kubeflow.container.data_fingerprint.Executor"

_READER = "Ingest"
# Of the reader's kind, so that it has the reader's pod settings: the same volumes and credentials.
_COMPONENT = f"{_READER}.fingerprint"


def looking_at_data(graph: TaskGraph) -> TaskGraph:
    """Returns a graph that takes the fingerprint of the data when it runs; no parameter of a run sets it any more.

    Args:
      graph: Of a configuration.
    """
    reader = next(task for task in graph.tasks if task.contract.component == _READER)
    first = _fingerprint_task(reader)
    changed = {**reader.parameters, FINGERPRINT: FromTask(first.name, FINGERPRINT)}
    tasks = (dataclasses.replace(task, parameters=changed) if task is reader else task for task in graph.tasks)
    kept = tuple(parameter for parameter in graph.run_parameters if parameter.name != FINGERPRINT)
    return dataclasses.replace(graph, run_parameters=kept, tasks=(first, *tasks))


def _fingerprint_task(reader: Task) -> Task:
    """Returns the step that takes the fingerprint; it is told of the data what the reader is told.

    Args:
      reader: The task that reads the data.
    """
    told = {field.name for field in dataclasses.fields(DataConfig)}
    of_reader = reader.contract
    overrides = {
        given_as: inside
        for given_as, targets in of_reader.overrides.items()
        if (inside := tuple(target for target in targets if target.parameter in told))
    }
    names = told | overrides.keys()
    contract = dataclasses.replace(
        of_reader,
        component=_COMPONENT,
        component_type=EXECUTOR,
        executor=EXECUTOR,
        outputs={},
        parameters={name: kind for name, kind in of_reader.parameters.items() if name in names},
        overrides=overrides,
        views={},
        constants={name: value for name, value in of_reader.constants.items() if name in names},
    )
    return Task(
        kebab_name(_COMPONENT),
        contract,
        input_classes={},
        output_classes={},
        parameters={name: value for name, value in reader.parameters.items() if name in names},
        inputs={},
        output_parameters=(FINGERPRINT,),
        is_cached=False,
    )
