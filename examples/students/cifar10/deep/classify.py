"""Classifies files with the .tflite model beside this one; it ships as `classify.py` and is meant to be read.

    python classify.py photo.jpg another.png
    python classify.py --text "play some jazz"      (for a model of text)
    python classify.py --all photo.jpg              (every score, as JSON)

It needs numpy, pillow and ai-edge-litert, and beside it `image_pixels.py` and
`image_pixels.json`, or `text_features.py` and `text_features.json` for a model of text:
they say how an example becomes what the model takes. Its scores are those of the report, to the last bit, and so is the
class that it names first: of equal scores, the one that stands first in the labels.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

FOLDER = Path(__file__).parent


class Classifier:
    """Runs a model; `labels` are its classes in the order of its scores.

    Args:
      path: The `.tflite` file, with its labels inside.
    """

    def __init__(self, path: Path) -> None:
        self.interpreter = Interpreter(model_path=str(path))
        self.interpreter.allocate_tensors()
        (self.source,), (self.target,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        # The metadata keep the labels in a ZIP behind the model.
        with zipfile.ZipFile(path) as archive:
            self.labels = archive.read("labels.txt").decode().splitlines()

    def scores(self, values: Any) -> Any:
        """Scores one example.

        Args:
          values: Its bytes, uint8 of the model's shape.

        Returns:
          float32 `[num_classes]`, 0..1.
        """
        self.interpreter.set_tensor(self.source["index"], values[np.newaxis])
        self.interpreter.invoke()
        scale, zero_point = self.target["quantization"]
        raw = self.interpreter.get_tensor(self.target["index"])[0].astype(np.float32)
        return (raw - zero_point) * np.float32(scale) if scale else raw

    def image(self, path: str) -> Any:
        """Reads an image file as the model takes it: turned and resized as the images that it was trained on.

        Args:
          path: Of the file; of an animation, the first frame is read.

        Returns:
          uint8 `[height, width, channels]`.
        """
        import image_pixels  # type: ignore[import-not-found]

        settings = json.loads((FOLDER / "image_pixels.json").read_text(encoding="utf-8"))
        return image_pixels.pixels_of(Image.open(path), tuple(self.source["shape"][1:].tolist()), **settings)

    def text(self, text: str) -> Any:
        """Turns a text into the bytes that the model takes.

        Args:
          text: In UTF-8.

        Returns:
          uint8 `[num_features]`.
        """
        import text_features  # type: ignore[import-not-found]

        kind = json.loads((FOLDER / "text_features.json").read_text(encoding="utf-8"))["text_features"]
        return np.array(getattr(text_features, kind)(text, int(self.source["shape"][1])), np.uint8)


def most_likely(scores: Any, count: int = 3) -> Any:
    """Returns the classes of the highest scores, the highest first; of equal scores the lowest class is first.

    Args:
      scores: `[num_classes]`.
      count: How many, at most.
    """
    return np.argsort(-scores, kind="stable")[:count]


def main() -> None:
    """Prints the most likely classes of each file, or all scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="+", help="image files, or texts")
    parser.add_argument("--model", type=Path, default=next(iter(sorted(FOLDER.glob("*.tflite"))), None))
    parser.add_argument("--text", action="store_true", help="the examples are texts")
    parser.add_argument("--all", action="store_true", help="print every score, as JSON")
    arguments = parser.parse_args()
    classifier = Classifier(arguments.model)
    for example in arguments.examples:
        scores = classifier.scores(classifier.text(example) if arguments.text else classifier.image(example))
        if arguments.all:
            print(
                json.dumps({"example": example, "scores": dict(zip(classifier.labels, scores.tolist(), strict=True))})
            )
        else:
            best = ", ".join(f"{classifier.labels[i]} {scores[i]:.3f}" for i in most_likely(scores))
            print(f"{example}: {best}")


if __name__ == "__main__":
    main()
