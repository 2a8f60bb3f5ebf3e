"""A stand-in of the API server of Kubeflow Pipelines 2.16, over real HTTP, that can fail on demand.

It is built to the published OpenAPI: every request body and every answer is
held against the models of `kfp_server_api`. What it does was read in the
server's source: names of versions are unique in a pipeline, names of runs and
of recurring runs are not; filters ignore case, are decoded twice and know few
fields; unfinished runs ended in 1970; a run that has ended can't be terminated;
run details hold rows without a name. What else a real 2.17 did is here, too.
"""

from .argo import attempts_of
from .drivers import Drivers
from .kubernetes_api import Kubernetes
from .server import StandIn

__all__ = ["Drivers", "Kubernetes", "StandIn", "attempts_of"]
