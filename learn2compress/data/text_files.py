"""What ships with a text student so that a phone can compute its input: definition and test vectors."""

from __future__ import annotations

import inspect
import json

from learn2compress.config import TaskConfig
from learn2compress.data import text_reference
from learn2compress.data.text_features import text_input

DEFINITION_FILE = "text_features.py"
VECTORS_FILE = "text_features.json"

# What ports get wrong: case, composed and wide characters, white space, punctuation, the apostrophe, characters
# beyond 16 bits, repetition, length, and no word at all.
_TEXTS = (
    "play some jazz",
    "  Play\tSOME\njazz  ",
    "Okay. Well, isn't that what you-all meant?!",
    "Stra\u00dfe, CAFE\u0301, \u0130stanbul, \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "\uff30\uff4c\uff41\uff59 \ufb01ne\u00a0music\u3000\u300c\u97f3\u697d\u300d",
    "\U0001f3b5 \U0001f469\u200d\U0001f3a4!",
    "no no no no no no no no no no no no no no no no no no no no no no no no",
    "remind me on the 3rd of may at 10:45 to send $20.50 (or so) to a_b@c.org & cc the others #later",
    "x",
    "",
)


def text_files(task: TaskConfig) -> dict[str, bytes]:
    """Makes the files that ship with a text student.

    Args:
      task: A text task.

    Returns:
      Content by file name: the definition as a Python file of its own, and texts with the bytes that they become.
    """
    (length,) = task.input_shape
    vectors = {
        "text_features": task.text_features.value,
        "length": length,
        "examples": [{"text": text, "bytes_hex": text_input(text, task).tobytes().hex()} for text in _TEXTS],
    }
    return {
        DEFINITION_FILE: inspect.getsource(text_reference).encode(),
        VECTORS_FILE: (json.dumps(vectors, indent=2) + "\n").encode(),
    }
