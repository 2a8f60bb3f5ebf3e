"""Gets the public data sets that `pipelines/configs/` names, and lays them out as those expect.

    python examples/get_data.py                       # all of them: 200 MB to download
    python examples/get_data.py snips --downloads ~/Downloads

An archive that lies in the folder of downloads already is not downloaded, so that
it may come from anywhere; its content is checked against what was published. A
data set that is there already is left as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datasets.archives import fetch
from datasets.cifar10 import CIFAR10, write_cifar10
from datasets.utterances import CORPORA, write_corpus

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import on_one_line

_ROOT = Path(__file__).parents[1]
NAMES = ("cifar10", *CORPORA)
_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def get_data(name: str, folder: Path, downloads: Path) -> None:
    """Gets one data set, and says what it wrote.

    Args:
      name: One of `NAMES`.
      folder: `build/data`, or another; CIFAR-10 goes into `cifar10` in it, a table of texts into `text/NAME`.
      downloads: Where archives are, or are downloaded to.

    Raises:
      ConfigError: an archive can't be had, or is not what was published.
    """
    place = folder / "cifar10" if name == "cifar10" else folder / "text" / name
    if place.exists():
        print(f"{place}: already there")
    elif name == "cifar10":
        print(f"{place}: {write_cifar10(fetch(CIFAR10, downloads), place):,} images")
    else:
        corpus = CORPORA[name]
        print(f"{place}: {write_corpus(corpus, fetch(corpus.archive, downloads), place):,} texts")


def main() -> None:
    """Gets what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all of them if left out")
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "data", help="where the data sets go")
    parser.add_argument("--downloads", type=Path, help="folder of archives [default: downloads in the folder]")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NAMES:
            raise ConfigError(f"found {name!r}, accepted are {', '.join(NAMES)}")
    for name in arguments.names or NAMES:
        get_data(name, arguments.folder, arguments.downloads or arguments.folder / "downloads")
    if not _FASHION_MNIST.exists():
        print(f"{_FASHION_MNIST} is not there: on Debian, apt-get install dataset-fashion-mnist")


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, OSError) as error:
        print(f"get_data.py: error: {on_one_line(str(error))}", file=sys.stderr)
        sys.exit(ExitCode.REFUSED)
