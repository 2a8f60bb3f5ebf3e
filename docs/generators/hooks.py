"""What MkDocs calls while it builds the site: adds pages that are made from the code, and mends links out of `docs/`.

On the repository's pages a link such as `../../CONTRIBUTING.md` leads to the file itself. The site has a copy of each
file that is linked so, and the link leads there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from command_page import command_page
from configuration_page import configuration_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from python_page import python_page

ROOT = Path(__file__).parents[2]
PAGES: Mapping[str, Callable[[], str]] = {
    "reference/configuration.md": configuration_page,
    "reference/command-line.md": command_page,
    "reference/python.md": python_page,
}
"""Pages that are made from the code, by their place on the site."""
FROM_ROOT = {"CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
"""Pages that stand at the repository's root, and their places on the site."""
_COPIES = "repository"
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds generated pages, pages of the repository's root, and files elsewhere that pages link to."""
    for place, make in PAGES.items():
        files.append(File.generated(config, place, content=make()))
    for origin, place in FROM_ROOT.items():
        files.append(File.generated(config, place, content=(ROOT / origin).read_text(encoding="utf-8")))
    linked = {
        target
        for page in files.documentation_pages()
        for target in _repository_links(page.content_string, _origin(page.src_uri))
        if _place(target).startswith(f"{_COPIES}/")
    }
    for target in sorted(linked):
        files.append(File.generated(config, _place(target), abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Returns a page's text with links as the site has them."""
    return site_links(markdown, page.file.src_uri)


def site_links(markdown: str, place: str) -> str:
    """Returns a page's text with links to files of the repository turned into links of the site.

    Args:
      markdown: As it stands in the repository.
      place: Of the page on the site, such as "how-to/images.md".

    Raises:
      PluginError: a link leads to a file that is not in the repository.
    """

    def mended(link: re.Match[str]) -> str:
        if _is_elsewhere(link[2]):
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(_origin(place)), link[2]))
        if not target.startswith("docs/") and not (ROOT / target).is_file():
            raise PluginError(f"{place}: a link leads to {target}, which is no file of the repository")
        return f"{link[1]}{posixpath.relpath(_place(target), posixpath.dirname(place) or '.')}{link[3] or ''}{link[4]}"

    return _LINK.sub(mended, markdown)


def _repository_links(markdown: str, origin: str) -> set[str]:
    """Returns what a file of the repository links to, as paths from the root."""
    links = (link[2] for link in _LINK.finditer(markdown) if not _is_elsewhere(link[2]))
    return {posixpath.normpath(posixpath.join(posixpath.dirname(origin), link)) for link in links}


def _is_elsewhere(target: str) -> bool:
    return "://" in target or target.startswith(("mailto:", "/", "<"))


def _origin(place: str) -> str:
    """Returns where a page of the site stands in the repository."""
    for origin, own in FROM_ROOT.items():
        if own == place:
            return origin
    return place.removeprefix(f"{_COPIES}/") if place.startswith(f"{_COPIES}/") else f"docs/{place}"


def _place(target: str) -> str:
    """Returns where a file of the repository stands on the site."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return FROM_ROOT.get(target, f"{_COPIES}/{target}")
