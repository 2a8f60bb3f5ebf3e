"""Settings of quantization and push."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import PushConfig, QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize("recipe", list(QuantizationRecipe))
def test_float_recipes_alone_may_be_stored_sparse(recipe: QuantizationRecipe) -> None:
    settings = {"recipe": recipe.value, "sparse_tensors": True}
    if recipe in (QuantizationRecipe.FLOAT32, QuantizationRecipe.FLOAT16):
        assert parse(QuantizeConfig, settings).sparse_tensors
    else:
        with pytest.raises(ConfigError, match=f"sparse_tensors: found true with recipe '{recipe.value}', accepted are"):
            parse(QuantizeConfig, settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "int3"}, "recipe: found \"int3\", accepted: 'float32', 'float16', 'dynamic_int8'"),
        ({"mixed_base": "int16"}, "mixed_base: found \"int16\", accepted: 'int8' or 'int4'"),
        ({"accuracy_budget": 2.0}, "accuracy_budget: found 2.0"),
        ({"max_bytes": 0}, "max_bytes: found 0"),
    ],
)
def test_what_no_recipe_takes_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(QuantizeConfig, settings)
    assert str(caught.value).startswith(message)


def test_a_push_destination_has_no_credentials() -> None:
    assert parse(PushConfig, {"uri": "s3://bucket/models"}).uri == "s3://bucket/models"
    with pytest.raises(ConfigError, match=r"^uri: found credentials in the URI") as caught:
        parse(PushConfig, {"uri": "s3://key:hunter2@bucket/x"})
    assert "hunter2" not in str(caught.value)
