from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from pipelines.starter.request import StarterRequest


def test_the_data_are_as_a_configuration_has_them() -> None:
    request = StarterRequest(Path("l2c.yaml"), DataFormat.CSV, "a.csv", label_column="what", text_column=2)
    config = request.data_config()
    assert (config.format, config.uri, config.label_column, config.text_column) == (DataFormat.CSV, "a.csv", "what", 2)
    assert StarterRequest(Path("l2c.yaml"), data_uri="photos").data_config(resize=True).resize is not None


def test_columns_of_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="accepts no label_column"):
        StarterRequest(Path("l2c.yaml"), data_uri="photos", label_column="what").data_config()


def test_digits_are_there_without_a_place() -> None:
    assert StarterRequest(Path("l2c.yaml"), DataFormat.DIGITS).has_data
    assert not StarterRequest(Path("l2c.yaml")).has_data
