"""Networks for any image or text: a small residual one, one over words, and those of `keras.applications`."""

from __future__ import annotations

import keras


def build_residual(
    input_shape: tuple[int, ...], num_classes: int, width: int, num_stages: int = 2, flip: bool = False
) -> keras.Model:
    """Builds a residual network of 3x3 convolutions, or a dense one for text, of scaled inputs; it returns logits.

    Args:
      input_shape: Shape of one example.
      num_classes: Length of the logits.
      width: Channels of the first convolution; each stage doubles them.
      num_stages: Stages, each of which halves the image.
      flip: Mirror half of the images in training.

    Returns:
      A network of float32 `[batch, *input_shape]` that returns float32 `[batch, num_classes]`.
    """
    inputs = keras.Input(input_shape)
    if len(input_shape) == 1:
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(16 * width, activation="relu")(inputs))
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(4 * width, activation="relu")(features))
        return keras.Model(inputs, keras.layers.Dense(num_classes)(features))
    features = _augmented(inputs, flip)
    features = _conv(features, width)
    for stage in range(1, num_stages + 1):
        channels = width * 2**stage
        shortcut = _conv(features, channels, strides=2)
        features = _conv(_conv(shortcut, channels), channels)
        features = keras.layers.Add()([shortcut, features])
    features = keras.layers.GlobalAveragePooling2D()(features)
    features = keras.layers.Dropout(0.3)(features)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(features))


def build_of_words(input_shape: tuple[int, ...], num_classes: int, width: int) -> keras.Model:
    """Builds convolutions over a table of hashed words, for inputs of two bytes a word, scaled to 0..1.

    Args:
      input_shape: Two bytes for each word.
      num_classes: Length of the logits.
      width: Columns of the table for each byte; convolutions have twice as many filters.

    Returns:
      A network of float32 `[batch, *input_shape]` that returns float32 logits `[batch, num_classes]`.
    """
    inputs = keras.Input(input_shape)
    num_words = input_shape[0] // 2
    # Layers that Keras has, so that the file is read without code of ours. A table drops what follows the point.
    rows = keras.layers.Rescaling(255.0, offset=[0.5, 256.5] * num_words)(inputs)
    features = keras.layers.Embedding(512, width)(rows)
    features = keras.layers.Dropout(0.3)(keras.layers.Reshape((num_words, 2 * width))(features))
    pooled = []
    for _ in range(2):
        features = keras.layers.Conv1D(2 * width, 3, padding="same", use_bias=False)(features)
        features = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))
        pooled.append(keras.layers.GlobalMaxPooling1D()(features))
        features = keras.layers.Dropout(0.3)(features)
    features = keras.layers.Dropout(0.5)(keras.layers.Concatenate()(pooled))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(features))


def build_application(
    name: str, input_shape: tuple[int, ...], num_classes: int, image_size: int, flip: bool = False
) -> keras.Model:
    """Builds a network of `keras.applications`, not trained yet, of scaled images; it returns logits.

    Args:
      name: Such as "ResNet50V2"; one that does not scale its input itself.
      input_shape: Shape of one example.
      num_classes: Length of the logits.
      image_size: Height and width that images are enlarged to before the network, which halves them five times.
      flip: Mirror half of the images in training.

    Returns:
      A network of float32 `[batch, *input_shape]` that returns float32 `[batch, num_classes]`.
    """
    inputs = keras.Input(input_shape)
    features = keras.layers.Resizing(image_size, image_size)(_augmented(inputs, flip))
    build = getattr(keras.applications, name)
    body = build(include_top=False, weights=None, input_tensor=features, pooling="avg")
    return keras.Model(inputs, keras.layers.Dense(num_classes)(body.output))


def _augmented(inputs: keras.KerasTensor, flip: bool) -> keras.KerasTensor:
    # Inactive in inference: the saved model computes without them.
    features = keras.layers.RandomFlip("horizontal")(inputs) if flip else inputs
    shift = 0.125 if flip else 0.08
    # By whole pixels: interpolation would blur what the network sees in training, and not what it sees after it.
    return keras.layers.RandomTranslation(shift, shift, fill_mode="constant", interpolation="nearest")(features)


def _conv(features: keras.KerasTensor, channels: int, strides: int = 1) -> keras.KerasTensor:
    features = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False)(features)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))
