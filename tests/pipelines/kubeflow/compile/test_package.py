"""A package is text that Kubeflow's own SDK takes, always the same, and small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp import components

from learn2compress.config import (
    CompressionConfig,
    KubernetesConfig,
    MetadataConfig,
    PushConfig,
    SecretVariableConfig,
    StageConfig,
    StudentConfig,
    TrainingConfig,
    VolumeConfig,
)
from learn2compress.config.parsing import ConfigError, parse, to_dict
from pipelines.kubeflow.compile.package import DEFAULT_IMAGE, image_of, notes_on, package_text, write_package
from pipelines.kubeflow.compile.run_parameters import PipelineArguments
from pipelines.kubeflow.contract.mirror_settings import mirror_variables

Config = Callable[..., CompressionConfig]
Arguments = Callable[..., PipelineArguments]
IMAGE = "registry.example/learn2compress@sha256:" + "0" * 64
GOLDEN = Path(__file__).with_name("golden.yaml")
MAX_BYTES = 2**20


def compiled(arguments: PipelineArguments, *, kubernetes_manifest: bool = False) -> str:
    return package_text(arguments.config, arguments.provenance, IMAGE, kubernetes_manifest=kubernetes_manifest)


def test_the_package_is_the_golden_one(make_config: Config, make_arguments: Arguments, tmp_path: Path) -> None:
    text = compiled(make_arguments(make_config(students=(StudentConfig("small_one", 1),))))
    found = tmp_path / "package.yaml"
    found.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"cp {found} {GOLDEN}"


def test_the_sdk_takes_the_package_with_its_run_parameters(
    config: CompressionConfig, make_arguments: Arguments
) -> None:
    text = compiled(make_arguments(config))
    assert text == compiled(make_arguments(config))
    loaded = components.load_component_from_text(text)
    inputs = loaded.component_spec.inputs
    assert loaded.pipeline_spec.pipeline_info.name == "pocket-flowers"
    assert {name: inputs[name].default for name in ("seed", "epochs", "teacher_uri", "push_uri")} == {
        "seed": config.seed,
        "epochs": config.training.epochs,
        "teacher_uri": config.teacher.uri,
        "push_uri": config.push.uri,
    }
    assert all(given.optional for given in inputs.values())
    assert ("data_uri" in inputs) == (config.data.uri is not None)


def test_ten_variants_make_a_small_package(make_config: Config, make_arguments: Arguments) -> None:
    training = TrainingConfig(stages=tuple(StageConfig(16) for _ in range(10)))
    students = tuple(StudentConfig(f"student_{stage}", stage) for stage in range(1, 11))
    text = compiled(make_arguments(make_config(training=training, students=students)))
    spec, platform = yaml.safe_load_all(text)
    assert len(spec["root"]["dag"]["tasks"]) == 5 + 3 * 10
    assert len(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]) == 5 + 3 * 10
    assert len(text.encode()) < MAX_BYTES


def test_manifests_hold_the_same_pipeline_under_a_name_that_follows_its_content(
    make_config: Config, make_arguments: Arguments
) -> None:
    arguments = make_arguments(make_config())
    pipeline, version = yaml.safe_load_all(compiled(arguments, kubernetes_manifest=True))
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert pipeline["metadata"]["name"] == version["spec"]["pipelineName"] == "pocket-flowers"
    documents = list(yaml.safe_load_all(compiled(arguments)))
    assert [version["spec"]["pipelineSpec"], version["spec"]["platformSpec"]] == documents
    again = list(yaml.safe_load_all(compiled(make_arguments(make_config(seed=8)), kubernetes_manifest=True)))[1]
    assert again["metadata"]["name"] != version["metadata"]["name"]
    assert len(version["metadata"]["name"]) <= 253


def test_the_command_names_the_image_before_the_configuration_does(make_config: Config) -> None:
    config = make_config(kubernetes=KubernetesConfig(image="ours:1"))
    assert image_of(config, IMAGE) == IMAGE
    assert image_of(config, None) == "ours:1"
    assert image_of(make_config(), None) == DEFAULT_IMAGE


@pytest.mark.parametrize(
    "image", ["", "two words", "-n", "a;b", "r/n@", "r/n:", IMAGE[:-1], f"{IMAGE}0", "r/n@sha256:...", "a" * 513, "a\n"]
)
def test_what_is_no_image_is_refused(make_config: Config, image: str) -> None:
    with pytest.raises(ConfigError, match="--image: found"):
        image_of(make_config(), image)


def test_a_person_is_told_what_a_cluster_would_not_find(make_config: Config) -> None:
    ready = KubernetesConfig(checkpoints=VolumeConfig("states", "/states"))
    assert notes_on(make_config(kubernetes=ready), IMAGE) == []
    notes = notes_on(make_config(push=PushConfig(uri="/home/me/pushed")), "ours:latest")
    assert [note.split()[0] for note in notes] == ["push.uri", "the", "without"]


def test_a_mirror_of_lineage_reaches_the_steps_past_commands_and_without_the_password(
    make_config: Config, make_arguments: Arguments
) -> None:
    password = SecretVariableConfig("lineage-store", "password", "STORE_PASSWORD")
    mirror = MetadataConfig("mysql://team@db.lineage.svc/lineage", password)
    plain, _ = yaml.safe_load_all(compiled(make_arguments(make_config())))
    spec, platform = yaml.safe_load_all(
        compiled(make_arguments(make_config(kubernetes=KubernetesConfig(metadata=mirror))))
    )
    executors = spec["deploymentSpec"]["executors"]
    for name, pod in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].items():
        assert executors[name]["container"].pop("env") == [
            {"name": name, "value": value} for name, value in mirror_variables(mirror).items()
        ]
        assert pod["fieldPathAsEnv"] == [{"name": "L2C_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"}]
        (secret,) = pod["secretAsEnv"]
        assert (secret["secretName"], secret["keyToEnv"]) == (
            "lineage-store",
            [{"secretKey": "password", "envVar": "STORE_PASSWORD"}],
        )
    # The backend's cache looks at what is left.
    assert spec == plain


def test_checkpoints_go_to_a_volume_or_a_url(make_config: Config, make_arguments: Arguments) -> None:
    states = KubernetesConfig(checkpoint_uri="s3://states/of/trainings")
    spec, _ = yaml.safe_load_all(compiled(make_arguments(make_config(kubernetes=states))))
    assert spec["root"]["inputDefinitions"]["parameters"]["checkpoint_root"]["defaultValue"] == states.checkpoint_uri
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"]["env"] == [{"name": "L2C_REFUSALS", "value": states.checkpoint_uri}]
    assert notes_on(make_config(kubernetes=states), IMAGE) == []
    for settings in (
        {"checkpoint_uri": "/states"},
        to_dict(states) | {"checkpoints": {"claim": "c", "mount_path": "/c"}},
    ):
        with pytest.raises(ConfigError, match=r"^checkpoint_uri: found "):
            parse(KubernetesConfig, settings)


def test_a_package_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--output: .* can't be written: Is a directory"):
        write_package("text", tmp_path)
