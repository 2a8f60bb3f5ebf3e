"""What the stand-in does with each method of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from .state import Json, RefusalError, State, at

_FILTERED_BY = {
    "experiments": {"display_name"},
    "pipelines": {"display_name", "name", "description"},
    "pipeline_versions": {"display_name", "name", "description"},
    "runs": {"display_name", "description", "state", "experiment_id", "storage_state", "recurring_run_id"},
    "recurringRuns": {"display_name", "description"},
}
_PARAMETERS_OF_LISTS = {"page_token", "page_size", "sort_by", "filter", "namespace", "experiment_id"}
_CRON_FIELDS = (5, 6)


def _create_experiment(state: State, _: Json, body: Json) -> Json:
    _unique(state, "experiments", body["display_name"])
    return state.add("experiments", "experiment_id", body | {"storage_state": "AVAILABLE"})


def _create_pipeline(state: State, _: Json, body: Json) -> Json:
    _unique(state, "pipelines", body["display_name"])
    return state.add("pipelines", "pipeline_id", body)


def _upload_version(state: State, query: Json, body: Json) -> Json:
    state.one("pipelines", query["pipelineid"])
    _unique(state, "pipeline_versions", query["name"], pipeline_id=query["pipelineid"])
    version = {
        "pipeline_id": query["pipelineid"],
        "name": query["name"],
        "display_name": query["name"],
        "description": query.get("description", ""),
        "pipeline_spec": _specification(body["uploadfile"]),
    }
    return state.add("pipeline_versions", "pipeline_version_id", version)


def _create_run(state: State, _: Json, body: Json) -> Json:
    if not body.get("display_name"):
        raise RefusalError(400, "The run name is empty. Please specify a valid name")
    state.one("experiments", body["experiment_id"])
    _check_parameters(state, body)
    _check_columns(body)
    return state.add_run(**body)


def _terminate(state: State, _: Json, __: Json, run_id: str) -> Json:
    run = state.one("runs", run_id)
    if run["state"] not in ("PENDING", "RUNNING", "PAUSED"):
        raise RefusalError(400, f"Failed to terminate a run {run_id}. Row not found")
    run["state"] = "CANCELING"
    return {}


def _create_schedule(state: State, _: Json, body: Json) -> Json:
    state.one("experiments", body["experiment_id"])
    _check_parameters(state, body)
    _check_columns(body)
    if not 1 <= int(body["max_concurrency"]) <= 10:
        raise RefusalError(400, "Max concurrency of a recurring run must be at least 1 and at most 10")
    cron = body["trigger"]["cron_schedule"]["cron"]
    if not cron.startswith("@") and len(cron.split()) not in _CRON_FIELDS:
        raise RefusalError(400, "Schedule cron is not a supported format")
    status = "ENABLED" if body.get("mode") == "ENABLE" else "DISABLED"
    return state.add("recurringRuns", "recurring_run_id", body | {"status": status, "updated_at": at(0)})


def _delete_schedule(state: State, _: Json, __: Json, key: str) -> Json:
    state.one("recurringRuns", key)
    del state.kinds["recurringRuns"][key]
    return {}


def _lists(kind: str) -> Callable[..., Json]:
    def answer(state: State, query: Json, _: Json, *of: str) -> Json:
        if unknown := query.keys() - _PARAMETERS_OF_LISTS:
            raise RefusalError(400, f"unknown parameters {unknown}")
        # The gateway has decoded the query once; the server decodes the filter again.
        wanted = json.loads(unquote_plus(query.get("filter", ""))) if query.get("filter") else {}
        found = list(state.kinds[kind].values())
        for predicate in wanted.get("predicates", ()):
            found = [item for item in found if _holds(predicate, item, kind)]
        if of:
            found = [item for item in found if item["pipeline_id"] == of[0]]
        if query.get("namespace") and kind != "pipeline_versions":
            found = [item for item in found if item.get("namespace") in (None, query["namespace"])]
        start, size = int(query.get("page_token") or 0), min(int(query.get("page_size") or 20), 200)
        rest = {"next_page_token": str(start + size)} if start + size < len(found) else {}
        return {kind: found[start : start + size], "total_size": len(found), **rest}

    return answer


def _gets(kind: str) -> Callable[..., Json]:
    return lambda state, _, __, *keys: state.one(kind, keys[-1])


def _holds(predicate: Json, item: Json, kind: str) -> bool:
    if predicate["key"] not in _FILTERED_BY[kind]:
        raise RefusalError(400, f"no support for filtering on unrecognized field {predicate['key']!r}")
    value, wanted = str(item.get(predicate["key"], "")).lower(), predicate["string_value"].lower()
    return value == wanted if predicate["operation"] == "EQUALS" else wanted in value


def _unique(state: State, kind: str, name: str, **fields: str) -> None:
    for item in state.kinds[kind].values():
        if item["display_name"].lower() == name.lower() and fields.items() <= item.items():
            raise RefusalError(409, f"The name {name} already exist. Specify a new name")


def _check_columns(body: Json) -> None:
    # The server starts the workflow first, and the database refuses then.
    if max(len(body.get("description") or ""), len(body["display_name"])) > 255:
        raise RefusalError(500, "Failed to store: Data too long for column")


def _specification(package: bytes | str) -> Json:
    try:
        first, *others = yaml.safe_load_all(package)
        json_format.ParseDict(first, pipeline_spec_pb2.PipelineSpec())
    except (ValueError, yaml.YAMLError, json_format.ParseError) as error:
        raise RefusalError(400, f"template is broken: {error}") from None
    return {"pipeline_spec": first, "platform_spec": others[0]} if others else first


def _check_parameters(state: State, body: Json) -> None:
    reference = body["pipeline_version_reference"]
    version = state.one("pipeline_versions", reference["pipeline_version_id"])
    if version["pipeline_id"] != reference["pipeline_id"]:
        raise RefusalError(400, "the version is not of this pipeline")
    specification = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
    declared = specification["root"].get("inputDefinitions", {}).get("parameters", {})
    if unknown := body.get("runtime_config", {}).get("parameters", {}).keys() - declared.keys():
        raise RefusalError(400, f"parameters not defined in the pipeline: {unknown}")


# Method and path, models of the request's body and of the answer, and what is done.
ROUTES: tuple[tuple[str, str, str, Callable[..., Json]], ...] = (
    ("GET /healthz", "", "V2beta1GetHealthzResponse", lambda *_: {"multi_user": False}),
    ("GET /experiments", "", "V2beta1ListExperimentsResponse", _lists("experiments")),
    ("POST /experiments", "V2beta1Experiment", "V2beta1Experiment", _create_experiment),
    ("GET /pipelines", "", "V2beta1ListPipelinesResponse", _lists("pipelines")),
    ("POST /pipelines", "V2beta1Pipeline", "V2beta1Pipeline", _create_pipeline),
    ("POST /pipelines/upload_version", "", "V2beta1PipelineVersion", _upload_version),
    ("GET /pipelines/([^/]+)/versions", "", "V2beta1ListPipelineVersionsResponse", _lists("pipeline_versions")),
    ("GET /pipelines/([^/]+)/versions/([^/]+)", "", "V2beta1PipelineVersion", _gets("pipeline_versions")),
    ("GET /runs", "", "V2beta1ListRunsResponse", _lists("runs")),
    ("POST /runs", "V2beta1Run", "V2beta1Run", _create_run),
    ("GET /runs/([^/:]+)", "", "V2beta1Run", lambda state, _, __, run_id: state.run_as_answered(run_id)),
    ("POST /runs/([^/]+):terminate", "", "object", _terminate),
    ("GET /recurringruns", "", "V2beta1ListRecurringRunsResponse", _lists("recurringRuns")),
    ("POST /recurringruns", "V2beta1RecurringRun", "V2beta1RecurringRun", _create_schedule),
    ("GET /recurringruns/([^/:]+)", "", "V2beta1RecurringRun", _gets("recurringRuns")),
    ("DELETE /recurringruns/([^/:]+)", "", "object", _delete_schedule),
)


def answer_to(state: State, call: str, query: Json, body: Any) -> tuple[Any, str, str]:
    """An answer, and the models of request and answer.

    Raises:
      RefusalError: the server refuses.
    """
    for pattern, asked, answered, do in ROUTES:
        if match := re.fullmatch(pattern, call):
            with state.lock:
                return do(state, query, body, *match.groups()), asked, answered
    raise RefusalError(404, f"no such method: {call}")
