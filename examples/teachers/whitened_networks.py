"""Convolutional networks whose first layer whitens and whose other convolutions begin as the identity.

All layers and initializers are Keras' own, so that a saved network is read
without code of ours, and images may have any size that survives the pooling.
"""

from __future__ import annotations

import keras
import numpy as np

from teachers.recipes import Block, Recipe
from teachers.whitening import whitening_filters

WHITENING = "whitening"
# So many do.
NUM_WHITENING_IMAGES = 5000
_LOGITS = "logits"
_WHITENED_SIZE = 2
# Small logits at the beginning; the layer that is saved has them in its weights.
_LOGIT_SCALE = 1.0 / 9.0
_NORMALIZATION_EPSILON = 1e-6


def smallest_side(recipe: Recipe) -> int:
    """Returns the fewest pixels of an image's side that leave one behind all pooling."""
    return 2 if recipe.block is Block.BASIC else 2 ** len(recipe.widths) + 1


def build_for_training(recipe: Recipe, images: np.ndarray, num_classes: int) -> keras.Model:
    """Builds a network of images of any size, with its initial weights.

    Args:
      recipe: Its block and widths, and the momentum of normalization.
      images: float32 `[n, height, width, channels]`, scaled, to whiten.
      num_classes: Length of the logits.

    Returns:
      A network of float32 `[batch, height, width, channels]` that returns float32 logits `[batch, num_classes]`.
    """
    network = _build(recipe, (None, None), images.shape[3], num_classes, _LOGIT_SCALE)
    network.get_layer(WHITENING).set_weights(whitening_filters(images, _WHITENED_SIZE))
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != WHITENING:
            layer.set_weights([with_identity(layer.get_weights()[0])])
    return network


def build_to_save(recipe: Recipe, trained: keras.Model, input_shape: tuple[int, ...]) -> keras.Model:
    """Builds the same network for images of one size, as plain as its file should be.

    Args:
      recipe: As it was trained by.
      trained: From `build_for_training`.
      input_shape: Height, width and channels.

    Returns:
      A network of float32 `[batch, *input_shape]` that ends in its last dense layer.
    """
    network = _build(recipe, input_shape[:2], input_shape[2], trained.output.shape[-1], logit_scale=None)
    network.set_weights(trained.get_weights())
    logits = network.get_layer(_LOGITS)
    logits.set_weights([_LOGIT_SCALE * kernel for kernel in logits.get_weights()])
    return network


def with_identity(kernel: np.ndarray) -> np.ndarray:
    """Returns a kernel whose first filters pass their channel on; further filters stay as they are.

    Args:
      kernel: `[height, width, in_channels, out_channels]` of odd height and width.

    Returns:
      A kernel of that shape.
    """
    height, width, num_inputs, num_outputs = kernel.shape
    num_passed = min(num_inputs, num_outputs)
    changed = kernel.copy()
    changed[..., :num_passed] = 0.0
    changed[height // 2, width // 2, range(num_passed), range(num_passed)] = 1.0
    return changed


def _build(
    recipe: Recipe, sides: tuple[int | None, ...], num_channels: int, num_classes: int, logit_scale: float | None
) -> keras.Model:
    inputs = keras.Input((*sides, num_channels))
    num_whitened = 2 * _WHITENED_SIZE**2 * num_channels
    features = keras.layers.ReLU()(keras.layers.Conv2D(num_whitened, _WHITENED_SIZE, name=WHITENING)(inputs))
    momentum = recipe.batch_normalization_momentum
    if recipe.block is Block.BASIC:
        features = _normalized(_conv(features, recipe.widths[0]), momentum)
        for place, width in enumerate(recipe.widths):
            features = _basic(features, width, momentum, strides=2 if place else 1)
            features = _basic(features, width, momentum)
        features = keras.layers.GlobalAveragePooling2D()(features)
    else:
        for width in recipe.widths:
            features = _pooled(features, width, momentum, with_shortcut=recipe.block is Block.POOLED_RESIDUAL)
        features = keras.layers.GlobalMaxPooling2D()(features)
    dense = keras.layers.Dense(num_classes, use_bias=False, kernel_initializer=_initializer(), name=_LOGITS)
    logits = dense(features)
    return keras.Model(inputs, logits if logit_scale is None else keras.layers.Rescaling(logit_scale)(logits))


def _pooled(features: keras.KerasTensor, width: int, momentum: float, with_shortcut: bool) -> keras.KerasTensor:
    features = _normalized(keras.layers.MaxPooling2D(2)(_conv(features, width)), momentum)
    changed = _normalized(_conv(features, width), momentum)
    if not with_shortcut:
        return changed
    changed = _normalized(_conv(changed, width), momentum, activated=False)
    return keras.layers.ReLU()(keras.layers.Add()([features, changed]))


def _basic(features: keras.KerasTensor, width: int, momentum: float, strides: int = 1) -> keras.KerasTensor:
    changed = _normalized(_conv(features, width, strides=strides), momentum)
    changed = _normalized(_conv(changed, width), momentum, activated=False)
    if strides > 1:
        # Averages, so that no pixel is left out of the shortcut (arXiv:1812.01187).
        features = keras.layers.AveragePooling2D(strides, padding="same")(features)
    if features.shape[-1] != width:
        features = _normalized(_conv(features, width, size=1), momentum, activated=False)
    return keras.layers.ReLU()(keras.layers.Add()([features, changed]))


def _conv(features: keras.KerasTensor, width: int, size: int = 3, strides: int = 1) -> keras.KerasTensor:
    return keras.layers.Conv2D(width, size, strides, padding="same", use_bias=False, kernel_initializer=_initializer())(
        features
    )


def _normalized(features: keras.KerasTensor, momentum: float, activated: bool = True) -> keras.KerasTensor:
    norm = keras.layers.BatchNormalization(momentum=momentum, epsilon=_NORMALIZATION_EPSILON, scale=False)
    return keras.layers.ReLU()(norm(features)) if activated else norm(features)


def _initializer() -> keras.initializers.Initializer:
    # PyTorch's default, which the recipes' learning rates were chosen with.
    return keras.initializers.VarianceScaling(1.0 / 3.0, "fan_in", "uniform")
