"""What is done to a trained student once it is pruned: quantization, and the push of the file that comes out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, LearningRate, PositiveInt, SmallRatio, Uri
from learn2compress.config.licensing import Contact, License


class QuantizationRecipe(StrEnum):
    """Number formats of the file that ships; docs/reference/number-formats.md has what each is."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC_INT8 = "dynamic_int8"
    INT8_PTQ = "int8_ptq"
    INT8_QAT = "int8_qat"
    INT16_ACTIVATIONS = "int16_activations"
    INT4_WEIGHTS = "int4_weights"
    MIXED = "mixed"


class MixedBase(StrEnum):
    """What the layers of a `mixed` file have that need no better."""

    INT8 = "int8"
    INT4 = "int4"


_CAN_BE_SPARSE = (QuantizationRecipe.FLOAT32, QuantizationRecipe.FLOAT16)


@dataclass(frozen=True, config=STRICT)
class QuantizeConfig:
    """Number formats of the file, by training with simulated 8 bits (Jacob et al., arXiv:1712.05877) or without."""

    recipe: QuantizationRecipe = QuantizationRecipe.INT8_QAT
    """`int8_qat` trains in simulated 8 bits, and ships `int8_ptq` where that is better on the examples of
    `training.validation_ratio`. The rest need no training: `float32`, `float16` weights, `dynamic_int8` weights, full
    `int8_ptq`, `int16_activations` with int8 weights, `int4_weights` with int8 activations, `mixed` by sensitivity."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 4
    """Epochs of training with simulated 8-bit arithmetic (`int8_qat`)."""
    learning_rate: LearningRate = 0.0003
    """Highest learning rate; it falls along a cosine (`int8_qat`)."""
    calibration_examples: Annotated[int, Field(ge=1, le=100000)] = 256
    """Training examples that show the ranges of activations, for files that are quantized without training; none of
    those that `training.validation_ratio` keeps back."""
    temperature_scaling: bool = True
    """Divide the logits by one number, so that scores mean how often they are right (arXiv:1706.04599): fitted to the
    examples of `training.validation_ratio`, where there are 50, and part of the last layer. The order of the logits
    stays. Where scores in steps of 1/256 would tie and change more than 0.5% of the decisions, they are float32."""
    mixed_base: MixedBase = MixedBase.INT8
    """`mixed`: weights of the layers that don't hurt. Layers that do get float16 weights and float32 arithmetic over
    `int8`, and int8 weights over `int4`."""
    accuracy_budget: SmallRatio = 0.005
    """`mixed`: top-1 accuracy that may be lost against float32 on training examples, as a ratio: 0.005 is half a
    point. Layers get the higher precision, those that hurt most first, until the loss is within it."""
    max_bytes: PositiveInt | None = None
    """`mixed`: the file grows no larger than this for the sake of accuracy; a layer with which it would is passed
    over."""
    sparse_tensors: bool = False
    """`float32` and `float16` alone: store kernels that are mostly zeros without them. The interpreter unpacks them
    when it loads the file: a smaller file, not a faster one, nor one that takes less memory."""

    @model_validator(mode="after")
    def _check(self) -> QuantizeConfig:
        if self.sparse_tensors and self.recipe not in _CAN_BE_SPARSE:
            accepted = " and ".join(_CAN_BE_SPARSE)
            raise ValueError(
                f"sparse_tensors: found true with recipe {self.recipe.value!r}, accepted are {accepted}: "
                "the interpreter does not run sparse tensors of other formats"
            )
        return self


@dataclass(frozen=True, config=STRICT)
class PushConfig:
    """Where selected students go, and what they say about whom they belong to."""

    uri: Uri = "pushed"
    """A folder or any fsspec URL; each push becomes `versions/N/` in it."""
    license: License | None = None
    """The files' licence, an SPDX identifier or expression such as `Apache-2.0`. It is in the model cards, the report
    and the metadata of each file: another one makes the files anew."""
    contact: Contact | None = None
    """Whom to ask about the files, such as a team and its address, likewise: the author in a file's metadata."""
