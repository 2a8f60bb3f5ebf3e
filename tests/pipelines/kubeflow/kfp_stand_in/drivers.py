"""What Kubeflow's drivers do with a run: resolve what each task is given, and look into the cache.

The cache knows a task by its parameters, the numbers of its input artifacts, its outputs, its command and its image
(backend/src/v2/cacheutils/cache.go, GenerateCacheKey). A task that runs makes artifacts of new numbers. Here none runs
but those that give a parameter to others, with their own command.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from .state import Json


class Drivers:
    """All drivers of a cluster.

    Args:
      folder: Where the containers write.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._entries: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def execute(self, specification: Json, values: Json) -> set[str]:
        """Executes a run; gives the tasks that were not taken from the cache.

        Args:
          specification: Of the pipeline.
          values: Run parameters that were set.
        """
        root = specification["root"]
        declared = root.get("inputDefinitions", {}).get("parameters", {})
        run = {name: parameter.get("defaultValue") for name, parameter in declared.items()} | values
        tasks, made, given = root["dag"]["tasks"], {}, {}
        executed = set()
        for name in TopologicalSorter(
            {name: task.get("dependentTasks", ()) for name, task in tasks.items()}
        ).static_order():
            component = specification["components"][tasks[name]["componentRef"]["name"]]
            container = specification["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
            inputs = tasks[name]["inputs"]
            parameters = {key: _value(source, run, given) for key, source in inputs.get("parameters", {}).items()}
            artifacts = [
                (
                    key,
                    source["taskOutputArtifact"]["outputArtifactKey"],
                    made[source["taskOutputArtifact"]["producerTask"]],
                )
                for key, source in sorted(inputs.get("artifacts", {}).items())
            ]
            outputs = component.get("outputDefinitions", {})
            command = [container["image"], *container["command"], *container["args"]]
            entry = json.dumps([parameters, artifacts, outputs, command], sort_keys=True)
            if tasks[name]["cachingOptions"].get("enableCache") and entry in self._entries:
                made[name] = self._entries[entry]
                continue
            executed.add(name)
            made[name] = self._entries[entry] = next(self._numbers)
            if outputs.get("parameters"):
                given[name] = self._run(container, parameters, outputs["parameters"], made[name])
        return executed

    def _run(self, container: Json, parameters: Json, wanted: Json, number: int) -> Json:
        output_file = self._folder / str(number) / "output_metadata.json"
        executor_input = {
            "inputs": {"parameterValues": parameters},
            "outputs": {
                "parameters": {name: {"outputFile": f"/tmp/kfp/outputs/{name}"} for name in wanted},
                "outputFile": str(output_file),
            },
        }
        texts = [text.replace("{{$}}", json.dumps(executor_input)) for text in container["args"]]
        subprocess.run([sys.executable, *container["command"][1:], *texts], check=True)
        said: Json = json.loads(output_file.read_bytes())["parameterValues"]
        assert said.keys() == wanted.keys()
        return said


def _value(source: Json, run: Json, given: Json) -> Any:
    if "componentInputParameter" in source:
        return run[source["componentInputParameter"]]
    if "taskOutputParameter" in source:
        output = source["taskOutputParameter"]
        return given[output["producerTask"]][output["outputParameterKey"]]
    return source["runtimeValue"]["constant"]
