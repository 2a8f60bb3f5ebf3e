"""What the results of one step depend on beside its parameters and inputs, as one digest."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from components.step_code.architecture import ArchitectureCode
from components.step_code.closure import OUR_PACKAGES, Closure, closure_of
from components.step_code.packages import counted_packages, gpu_libraries, version_of
from learn2compress import __version__

MADE_WITH = "made_with"
"""Property of every artifact: the versions that its step ran with, by package, as JSON."""

# A step that reaches one of these modules builds the architecture's students, or loads them.
_BUILDS_OR_LOADS_STUDENTS = frozenset({"learn2compress.students.architecture", "learn2compress.steps.student_folder"})


@dataclass(frozen=True)
class StepCode:
    """Code and packages of a step.

    Attributes:
      closure: Our own code, and a foreign architecture's as far as it is imported.
      packages: Versions of the packages that can change what the step computes.
      architecture_files: SHA-256 of each file of a foreign architecture's package, by its path there.
    """

    closure: Closure
    packages: Mapping[str, str]
    architecture_files: Mapping[str, str]

    @classmethod
    def of(cls, executor_module: str, architecture: str | None) -> StepCode:
        """Reads what a step depends on.

        Args:
          executor_module: Dotted name of the module of the step's executor.
          architecture: Of the students that the run trains; `None` leaves it out.

        Raises:
          ModuleNotFoundError: there is no such module.
        """
        closure = closure_of((executor_module,))
        code = ArchitectureCode.find(architecture) if architecture is not None else None
        if code is None or _BUILDS_OR_LOADS_STUDENTS.isdisjoint(closure.modules):
            return cls(closure, counted_packages(closure.foreign_modules), {})
        packages = OUR_PACKAGES if not code.package else (*OUR_PACKAGES, code.top_level)
        closure = closure_of((executor_module, code.module), packages)
        counted = counted_packages(closure.foreign_modules)
        if code.package:
            counted[code.package] = version_of(code.package)
        return cls(closure, dict(sorted(counted.items())), code.file_digests())

    @property
    def sha256(self) -> str:
        """Returns a digest that is the same wherever code, versions and the minor version of Python are."""
        content = {
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "modules": dict(self.closure.modules),
            "data_files": dict(self.closure.data_files),
            "packages": dict(self.packages),
            "architecture": dict(self.architecture_files),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def versions(self) -> dict[str, str]:
        """Returns what a step runs with here, by name: Python, this package, the packages that count."""
        ours = {"python": platform.python_version(), "learn2compress": __version__}
        return ours | dict(self.packages) | (gpu_libraries() if "tensorflow" in self.packages else {})
