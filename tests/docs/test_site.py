"""The site is built without a warning and without the network, and its pages fetch nothing from elsewhere."""

from __future__ import annotations

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from learn2compress.config.file import json_schema

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself when it shows a page; links that a person clicks are another matter.
FETCHED = {
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}
NOT_FETCHED_LINKS = {"canonical", "prev", "next", "alternate"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    no_network = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, **no_network, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


class Fetches(html.parser.HTMLParser):
    """Addresses that a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in FETCHED and values.get("rel") not in NOT_FETCHED_LINKS:
            self.found.append(values.get(FETCHED[tag]) or "")


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    assert len(pages(site)) > 25
    for page in pages(site):
        parser = Fetches()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.found
        assert [address for address in parser.found if re.match(r"(\w+:)?//", address)] == [], page


def test_style_sheets_fetch_nothing_from_elsewhere(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")) == [], sheet


def test_every_key_of_the_schema_is_on_the_page(site: Path) -> None:
    page = (site / "reference" / "configuration.html").read_text(encoding="utf-8")
    definitions = {name: one for name, one in json_schema()["$defs"].items() if "properties" in one}
    assert len(definitions) > 20
    for name, one in definitions.items():
        for key in one["properties"]:
            assert re.search(rf'id="key-[\w.]*\b{key}"', page), f"{name}.{key}"


def test_every_key_says_what_it_does(site: Path) -> None:
    page = (site / "reference" / "configuration.html").read_text(encoding="utf-8")
    rows = re.findall(r'id="key-([\w.]+)">.*?</tr>', page, re.DOTALL)
    empty = re.findall(r'id="key-([\w.]+)">[^<]*</code></td>\s*<td>.*?</td>\s*<td>.*?</td>\s*<td></td>', page)
    assert len(rows) > 200
    assert empty == []


def test_the_api_has_signatures_and_examples(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert 'id="learn2compress.config.file.load_config"' in page
    assert page.count("doc-signature") > 20
    assert "&gt;&gt;&gt;" in page or "gp" in page


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    """The checks above would hold nothing if `--strict` let such a page pass."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Home\n\n[gone](gone.md)\n\n[no part](index.md#nowhere)\n")
    _, heading, validation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nvalidation:")
    (tmp_path / "mkdocs.yml").write_text(f"site_name: try{heading}{validation}")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "nowhere" in done.stderr
