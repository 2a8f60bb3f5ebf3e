"""What a pushed configuration may name beside its students: the operator's policy, by default nothing.

Whoever may push to a branch is not whoever runs the cluster. An image is code that runs with the steps' rights, a
secret or a claim is another team's, and a store or a Beam service is an address that work is sent to. So each must be
one that the operator lists, word for word; of URIs, the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from learn2compress.config import CompressionConfig, PodConfig
from learn2compress.config.beam import Address
from learn2compress.config.fields import STRICT
from learn2compress.config.kubernetes import Image, LabelKey, VolumeConfig
from learn2compress.config.parsing import ConfigError, about, clipped, listed, parse, to_dict
from learn2compress.config.secret_variable import SecretVariableConfig
from learn2compress.config.strict_yaml import read_yaml
from pipelines.git_trigger.allowed_uris import check_uris

Prefix = Annotated[str, Field(pattern=r"^([a-z][a-z0-9]*://|/)[^\x00-\x20]*$")]
Store = Annotated[str, Field(min_length=1, max_length=1024)]


@dataclass(frozen=True, config=STRICT)
class PushPolicy:
    """What pushed configurations may name; of each kind nothing, unless it is listed."""

    uris: tuple[Prefix, ...] = ()
    """What URIs must begin with, such as `s3://team/`."""
    images: tuple[Image, ...] = ()
    """Images of steps, beside the one that the command or the receiver names."""
    secrets: tuple[SecretVariableConfig, ...] = ()
    """Secrets, each with its key and the variable that steps may have it in."""
    volumes: tuple[VolumeConfig, ...] = ()
    """Volume claims, each with the path that steps may see it at."""
    metadata_stores: tuple[Store, ...] = ()
    """Values of `kubernetes.metadata.store`."""
    beam_services: tuple[Address, ...] = ()
    """HOST:PORT of Beam's job services and worker pools."""
    labels: tuple[LabelKey, ...] = ()
    """Keys of pods' labels: services, network policies and identities go by them."""
    annotations: tuple[LabelKey, ...] = ()
    """Keys of pods' annotations: some clusters give secrets and identities by them."""


def load_policy(path: Path) -> PushPolicy:
    """Reads a policy.

    Raises:
      ConfigError: in one line, what is not accepted.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: {reason}; accepted is a readable YAML file") from None
    with about(str(path)):
        return parse(PushPolicy, read_yaml(text))


def check_policy(config: CompressionConfig, policy: PushPolicy, pinned_image: str | None) -> None:
    """Checks that a pushed configuration names nothing but what the operator lets it.

    Args:
      config: With its paths as they are written.
      policy: What may be named.
      pinned_image: That the command or the receiver names for all steps.

    Raises:
      ConfigError: naming the field, what was found and what is accepted.
    """
    accepted = {
        "images": tuple(dict.fromkeys([*([pinned_image] if pinned_image else []), *policy.images])),
        "secrets": tuple(_words(entry) for entry in policy.secrets),
        "volumes": tuple(_words(entry) for entry in policy.volumes),
        "metadata_stores": policy.metadata_stores,
        "beam_services": policy.beam_services,
        "labels": policy.labels,
        "annotations": policy.annotations,
    }
    for field, kind, found in (*_named_by_kubernetes(config), *_named_by_beam(config)):
        if found not in accepted[kind]:
            raise ConfigError(
                f"{field}: found {clipped(found, 200)!r}, accepted in a pushed configuration is "
                f"{listed(accepted[kind]) or 'none'}; {kind!r} of the operator's policy lists them"
            )
    check_uris(config, policy.uris)


def _words(entry: SecretVariableConfig | VolumeConfig) -> str:
    """Returns a secret or volume with all that counts, as messages show it."""
    return ", ".join(f"{name}: {value}" for name, value in to_dict(entry).items())


def _named_by_kubernetes(config: CompressionConfig) -> Iterator[tuple[str, str, str]]:
    """Yields field, kind and what is named there."""
    own = config.kubernetes
    if own.image is not None:
        yield "kubernetes.image", "images", own.image
    if own.checkpoints is not None:
        yield "kubernetes.checkpoints", "volumes", _words(own.checkpoints)
    if own.metadata is not None:
        if own.metadata.password is not None:
            yield "kubernetes.metadata.password", "secrets", _words(own.metadata.password)
        yield "kubernetes.metadata.store", "metadata_stores", own.metadata.store
    layers: dict[str, dict[str, Any]] = {"all_steps": own.all_steps}
    for name, settings in (layers | {f"steps.{step}": settings for step, settings in own.steps.items()}).items():
        field = f"kubernetes.{name}"
        pod = parse(PodConfig, settings, field)
        if pod.image is not None:
            yield f"{field}.image", "images", pod.image
        for index, variable in enumerate(pod.secret_variables):
            yield f"{field}.secret_variables.{index}", "secrets", _words(variable)
        for index, volume in enumerate(pod.volumes):
            yield f"{field}.volumes.{index}", "volumes", _words(volume)
        for key in pod.labels:
            yield f"{field}.labels", "labels", key
        for key in pod.annotations:
            yield f"{field}.annotations", "annotations", key


def _named_by_beam(config: CompressionConfig) -> Iterator[tuple[str, str, str]]:
    """Yields field, kind and what is named there."""
    layers = {"all_steps": to_dict(config.beam.all_steps)}
    for name, settings in (layers | {f"steps.{step}": own for step, own in config.beam.steps.items()}).items():
        for key in ("job_endpoint", "worker_pool"):
            if settings.get(key) is not None:
                yield f"beam.{name}.{key}", "beam_services", settings[key]
