"""How a step knows where its lineage goes: variables, without the password."""

from __future__ import annotations

import pytest

from learn2compress.config import KubernetesConfig, MetadataConfig, SecretVariableConfig
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.mirror_settings import (
    POD_VARIABLE,
    RUN_VARIABLE,
    SETTINGS_VARIABLE,
    MirrorSettings,
    mirror_variables,
)

RUN = "0e6c5f8a-4d7b-4a55-8a0e-9b7e9ad36f0a"


def test_settings_reach_the_step_without_the_password() -> None:
    password = SecretVariableConfig("lineage-store", "password", "STORE_PASSWORD")
    config = MetadataConfig("mysql://team@db:3307/lineage", password, required=True, timeout_seconds=5)
    assert KubernetesConfig(metadata=config).metadata == config
    variables = mirror_variables(config) | {RUN_VARIABLE: RUN}
    with pytest.raises(ConfigError, match=r"^STORE_PASSWORD is not set"):
        MirrorSettings.of(variables)
    settings = MirrorSettings.of(variables | {"STORE_PASSWORD": "hunter2"})
    assert settings is not None
    assert (settings.address.host, settings.address.port, settings.password) == ("db", 3307, "hunter2")
    assert settings.required
    assert "hunter2" not in repr(settings)
    assert MirrorSettings.of({}) is None


def test_the_pod_is_known_where_the_backend_names_it() -> None:
    variables = mirror_variables(MetadataConfig("/volume/lineage.sqlite")) | {RUN_VARIABLE: RUN}
    for pod in ("", "pod-1"):
        settings = MirrorSettings.of(variables | {POD_VARIABLE: pod})
        assert settings is not None
        assert (settings.run_id, settings.pod, settings.required) == (RUN, pod, False)


def test_without_a_store_there_are_no_variables() -> None:
    assert mirror_variables(None) == {}


@pytest.mark.parametrize("text", ["not json", "{}", '{"store": "postgres://db/lineage"}'])
def test_settings_of_another_version_are_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^L2C_METADATA can't be read") as refused:
        MirrorSettings.of({SETTINGS_VARIABLE: text, RUN_VARIABLE: RUN})
    assert "\n" not in str(refused.value)
