"""What the command lines of all benchmarks have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "pipelines" / "configs"


def parser_of(description: str | None, config: Path = CONFIGS / "cifar10.yaml") -> argparse.ArgumentParser:
    """Makes a parser of what every benchmark takes: a configuration, and a folder for what later runs find again.

    Args:
      description: The script's docstring.
      config: What is measured by default.

    Returns:
      A parser with the arguments `config` and `--work`, to which a script adds its own.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, nargs="?", default=config, help="names data, teacher and students")
    parser.add_argument(
        "--work",
        type=lambda text: Path(text).resolve(),  # recipes of peers run in a folder of their own
        default=ROOT / "build" / "benchmarks",
        help="folder of examples, logits and trained networks, which a later run finds again",
    )
    return parser
