"""Which data, teachers and destinations a pushed configuration may name.

What is compiled for a push reads the data's listing and the teacher with the
receiver's own rights. So a URI must begin with a prefix that the team has allowed;
a relative path means nothing there, and a path of the receiver's machine only
where the team says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import ConfigError


def check_uris(config: CompressionConfig, allowed: Sequence[str]) -> None:
    """Checks that all URIs of a configuration lie under allowed prefixes.

    Args:
      config: With its paths as they are written.
      allowed: Prefixes, such as "s3://team/".

    Raises:
      ConfigError: naming the field.
    """
    for field, uri in _uris(config):
        if not any(_lies_under(uri, prefix) for prefix in allowed):
            hint = "" if "://" in uri or uri.startswith("/") else ": a relative path means nothing on the cluster"
            raise ConfigError(
                f"{field}: found {uri[:200]!r}, accepted in a pushed configuration is a URI that begins with "
                f"{' or '.join(allowed) or 'nothing: neither --allow-uri nor a policy allows a prefix'}{hint}"
            )
    if config.evaluate.device is not None:
        raise ConfigError("evaluate.device: found a phone beside a machine, accepted is none in a pushed configuration")


def _lies_under(uri: str, prefix: str) -> bool:
    plain = unquote(uri).replace("\\", "/")
    # fsspec chains file systems by "::": the second would be another place than the one that is looked at.
    if "::" in plain or ".." in plain.split("/"):
        return False
    return uri == prefix.rstrip("/") or uri.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def _uris(config: CompressionConfig) -> Iterator[tuple[str, str]]:
    pretrained = config.training.pretrained
    optional = {
        "data.uri": config.data.uri,
        "data.held_out_uri": config.data.held_out_uri,
        "data.validation_uri": config.data.validation_uri,
        "data.unlabelled_uri": config.data.unlabelled_uri,
        "data.link_root": config.data.link_root,
        "teacher.uri": config.teacher.uri,
        **{f"teacher.ensemble.{index}.uri": member.uri for index, member in enumerate(config.teacher.ensemble)},
        "training.pretrained.uri": pretrained.uri if pretrained is not None else None,
        "push.uri": config.push.uri,
        "kubernetes.checkpoint_uri": config.kubernetes.checkpoint_uri,
    }
    return ((field, uri) for field, uri in optional.items() if uri is not None)
