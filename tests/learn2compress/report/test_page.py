"""The page is parsed as a browser would, and held against the report it shows."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress.data.chosen_examples import picture_uri
from learn2compress.report.model_card import render_model_card
from learn2compress.report.page import render_page
from learn2compress.results.latency import MachineLoad
from learn2compress.results.measurements import DeviceLatency
from learn2compress.results.reports import FamilyReport, ModelReport, write_json
from learn2compress.results.shown_examples import ExampleGroup, ShownExample
from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult

HOSTILE = ("<script>alert(1)</script>", '" onmouseover="alert(2)', "</style><b>", "{{ 7 * 7 }}", "ok")
TIMES = "\N{MULTIPLICATION SIGN}"
VOID = {"meta", "br", "link", "img", "input"}


class Page(HTMLParser):
    """Tags, attributes, texts and tables of a page; fails where tags don't match."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.matrices: list[list[list[str]]] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.in_matrix = ("class", "matrix") in attrs
            if self.in_matrix:
                self.matrices.append([])
        if tag == "tr" and self.in_matrix:
            self.matrices[-1].append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.matrices and self.open[-1:] in (["td"], ["a"]) and self.in_matrix:
            self.matrices[-1][-1].append(data)

    def numbers(self, name: str) -> int:
        return self.tags.count(name)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value for attribute, value in self.attributes if attribute == name]


def examples_of(report: FamilyReport, text: str | None = None) -> dict[str, list[ShownExample]]:
    """Of each student an example of each confusion that it has, and a right one."""
    found = {}
    for student in report.students:
        matrix = student.accuracy.confusion_matrix
        cells = [(i, j) for i, row in enumerate(matrix) for j, count in enumerate(row) if count and i != j]
        groups = [(ExampleGroup.MISTAKE if n < 3 else ExampleGroup.CONFUSION, *cell) for n, cell in enumerate(cells)]
        random = np.random.default_rng(len(cells))
        found[student.name] = [
            ShownExample(
                group,
                label,
                predicted,
                0.9764,
                label,
                0.52,
                f"{label}/photo.png",
                None if text else picture_uri(random.integers(0, 256, (8, 8, 1), np.uint8)),
                text,
            )
            for group, label, predicted in [*groups, (ExampleGroup.CORRECT, 0, 0)]
        ]
    return found


@pytest.fixture(scope="module")
def content(family: FamilyReport) -> str:
    """The page of `family`, without examples; drawing its pictures takes seconds."""
    return render_page(family)


def test_examples_are_shown_and_cells_lead_to_them(family: FamilyReport) -> None:
    examples = examples_of(family)
    content = render_page(family, examples)
    page = Page(content)
    pictures = page.values("src")
    assert pictures == [one.picture for shown in examples.values() for one in shown]
    for picture in pictures:
        Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))).verify()
    assert "3, which the student takes for 4 (98%)" in page.values("alt")
    links = [value for value in page.values("href") if value.startswith("#example-")]
    # One example of each confusion, and a right one, with a cell each.
    assert len(links) == len(set(links)) == sum(map(len, examples.values()))
    assert {link.removeprefix("#") for link in links} <= set(page.values("id"))
    assert [[cell for row in matrix[1:] for cell in row] for matrix in page.matrices] == [
        [str(count) for row in student.accuracy.confusion_matrix for count in row] for student in family.students
    ]
    assert "class 3 student 4 98% teacher 3 52%" in page.text
    assert "img-src data:" in page.values("content")[0]


def test_without_examples_nothing_speaks_of_them(family: FamilyReport, content: str) -> None:
    for page in (Page(content), Page(render_page(family, {"large": ()}))):
        assert page.numbers("img") == 0
        assert "Surest mistakes" not in page.text
        assert "leads to an example" not in page.text
        assert [value for value in page.values("href") if value.startswith("#example-")] == []


def test_examples_of_a_list_of_confusions_are_linked_too(family_of: Callable[..., FamilyReport]) -> None:
    report = family_of(labels=tuple(f"class{index}" for index in range(60)))
    links = Page(render_page(report, examples_of(report))).values("href")
    assert len([link for link in links if link.startswith("#example-2-")]) == 20


def test_hostile_examples_stay_text(family_of: Callable[..., FamilyReport]) -> None:
    report = family_of(labels=HOSTILE)
    texts = [*HOSTILE[:4], "</blockquote><img src=x onerror=alert(5)>"]
    turns = itertools.cycle(texts)
    examples = {
        name: [dataclasses.replace(one, source=text, text=text) for one, text in zip(shown, turns, strict=False)]
        for name, shown in examples_of(report, "a text").items()
    }
    num_examples = sum(map(len, examples.values()))
    assert num_examples >= len(texts)
    page = Page(render_page(report, examples))
    assert not {"script", "img", "iframe", "object", "b"} & set(page.tags)
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert page.numbers("blockquote") == num_examples
    for text in texts:
        assert " ".join(text.split()) in page.text
        assert text in page.values("title")
    pictured = Page(render_page(report, examples_of(report)))
    assert {value.partition(";")[0] for value in pictured.values("src")} == {"data:image/png"}
    assert [name for name, _ in pictured.attributes if name.startswith("on")] == []


def test_the_page_names_licence_and_contact(family: FamilyReport, content: str) -> None:
    push = {"license": "Apache-2.0", "contact": "<b>vision</b>@example.org"}
    page = Page(render_page(dataclasses.replace(family, config=family.config | {"push": push})))
    assert "Licence Apache-2.0 Contact <b>vision</b>@example.org" in page.text
    assert "Licence" not in Page(content).text


def test_the_card_of_a_refused_student_says_why(family: FamilyReport, content: str) -> None:
    glance = Page(content).text.partition("Variants against the teacher")[0]
    assert "accuracy drop 9.44 points is above max_accuracy_drop 5 points" in glance
    assert family.verdicts[2].reasons
    assert [verdict.name for verdict in family.verdicts if verdict.reasons] == ["small"]


def test_hostile_labels_and_names_stay_text(family_of: Callable[..., FamilyReport]) -> None:
    names = ("<img src=x onerror=alert(3)>", "$\\frac{1}{0}$", "small")
    report = family_of(labels=HOSTILE, name="</title><script>alert(4)</script>", student_names=names)
    page = Page(render_page(report))
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form", "b"} & set(page.tags)
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    for text in (*HOSTILE, *names, report.name):
        assert " ".join(text.split()) in page.text
    assert set(HOSTILE) <= set(page.values("title"))


def test_the_page_fetches_nothing_and_says_so(content: str) -> None:
    page = Page(content)
    policy = dict(part.strip().partition(" ")[::2] for part in page.values("content")[0].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert re.findall(r"https?:|//[a-z]|@import|javascript:", content) == []
    assert re.findall(r"url\((?!#)", content) == []
    for name in ("src", "href", "srcset", "action", "xmlns"):
        assert [value for value in page.values(name) if not value.startswith("#")] == []


def test_identifiers_are_unique_and_every_reference_is_there(content: str) -> None:
    page = Page(content)
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    references = [reference for value in page.values("aria-labelledby") for reference in value.split()]
    references += [value.removeprefix("#") for value in page.values("href")] + re.findall(r"url\(#([^)]+)\)", content)
    assert len(references) > 20
    assert set(references) <= set(identifiers)


def test_pictures_follow_the_theme_and_have_a_text(family: FamilyReport, content: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", content, re.DOTALL)
    assert len(pictures) == 2 + 2 * len(family.students)
    for picture in pictures:
        assert re.findall(r"#[0-9a-f]{6}\b", picture) == []
        assert "var(--accent)" in picture
        assert 'role="img"' in picture
        assert re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+", picture)
    assert "prefers-color-scheme: dark" in content


def test_the_figures_shown_are_the_reports(family: FamilyReport, content: str) -> None:
    page = Page(content)
    for model in (family.teacher, *family.students):
        assert f"{100 * model.accuracy.top_1:.2f}%" in page.text
        assert f"{100 * model.accuracy.top_1_low:.1f} to {100 * model.accuracy.top_1_high:.1f}%" in page.text
        for size in (model.model_bytes, model.download_bytes, model.peak_memory_bytes):
            assert f"{size:,} bytes" in page.values("title")
        assert f"{model.macs:,}" in page.values("title")
        assert f"{model.num_nonzero_parameters:,}" in page.values("title")
    for student in family.students:
        assert student.model_sha256 in page.text
        assert f"{family.teacher.model_bytes / student.model_bytes:.3g}{TIMES} smaller" in page.text
        assert f"{100 * (student.keras_agreement or 0):.2f}%" in page.text
    assert "2 of 3 students pushed" in page.text
    assert (
        f"The smallest, medium, is 44.6{TIMES} smaller than the teacher, and is 1.39 points less accurate." in page.text
    )
    assert f"5.78{TIMES} faster (5.4 to 6.1)" in page.text
    assert "Ratio of times 0.173 (0.163 to 0.185)" in page.values("title")
    assert f"5.78{TIMES} faster 5.4 to 6.1 ratio 0.173" in page.text
    assert "0.0712 ms to 0.0726" in page.text
    assert "the processor time of the fastest inference of all rounds" in page.text
    for verdict in family.verdicts:
        for sentence in (*verdict.reasons, *verdict.notes):
            assert sentence in page.text
    for key, value in family.provenance.items():
        assert f"{key} {value}" in page.text
    assert "large, medium: made with keras 3.15.1, python 3.11.7, tensorflow 2.21.0" in page.text
    assert "small: made with keras 3.14.0, python 3.11.7, tensorflow 2.20.0" in page.text
    assert "max_accuracy_drop: 0.05" in page.text


def test_what_a_phone_team_asks_is_shown(family: FamilyReport) -> None:
    phone = DeviceLatency("Phone <9>", 2, 50, 12.0, 87.1, 64.5, 51.9, 6_553_600)
    students = (dataclasses.replace(family.students[0], device_latency=phone), *family.students[1:])
    page = Page(render_page(dataclasses.replace(family, students=students)))
    for text in (
        "3.12%",  # calibration error
        "90%",  # of the MACs in int8
        "2.36 ms 1.75 ms, 0.610 ms",  # cold start
        "on 2 processors",
        "4: 0.0178 ms",
        "1.75 \N{MICRO SIGN}J 1.25 \N{MICRO SIGN}J, 0.500 \N{MICRO SIGN}J",
        "51.9 ms on Phone <9> (2 threads), load 12.0 ms, about 6.55 MB of memory",
        "60.00% 1: 80.0%, 3: 60.0%, 5: 40.0%",
        "CONV_2D (7, int8), SOFTMAX (1, float)",
        "graph, scales, labels and metadata 22.5 kB 20.0%",
        "<garden> 260 90.0%",
        "\N{MINUS SIGN}4.19 to +0.31",
    ):
        assert text in page.text
    assert page.text.index("<garden> 260") < page.text.index("kitchen 100")  # the least accurate first


def test_a_report_without_these_figures_is_shown_too(family: FamilyReport) -> None:
    def bare(model: ModelReport) -> ModelReport:
        unknown: dict[str, Any] = {
            "paired_drop": None, "calibration": None, "slices": (), "corruptions": (), "thread_latencies": (),
            "num_cores": None, "cold_start": None, "layers": (), "weight_bytes": None, "operator_uses": (),
            "energy": None,
        }  # fmt: skip
        return dataclasses.replace(model, **unknown)

    report = dataclasses.replace(family, teacher=bare(family.teacher), students=tuple(map(bare, family.students)))
    page = Page(render_page(report))
    assert "not measured" in page.text
    assert "Where the bytes are" not in page.text
    assert "not measured" not in render_model_card(report, "large")


def test_the_confusion_matrices_are_the_reports(family: FamilyReport, content: str) -> None:
    shown = Page(content).matrices
    assert len(shown) == len(family.students)
    for matrix, student in zip(shown, family.students, strict=True):
        rows = [[int(cell) for cell in row] for row in matrix[1:]]
        assert rows == [list(row) for row in student.accuracy.confusion_matrix]


def test_no_speed_is_claimed_where_the_interval_holds_one(family: FamilyReport) -> None:
    undecided = dataclasses.replace(
        family.students[0].latency, teacher_ratio=0.5, teacher_ratio_low=0.4, teacher_ratio_high=1.1
    )
    students = tuple(dataclasses.replace(student, latency=undecided) for student in family.students)
    text = Page(render_page(dataclasses.replace(family, students=students))).text
    assert "no claim" in text
    assert f"{TIMES} faster" not in text


def test_a_busy_machine_is_said_to_have_been_busy(family: FamilyReport, content: str) -> None:
    busy = dataclasses.replace(family.teacher.latency, load=MachineLoad(2.0, 812, 0.62, 0.81, 0.0, 6.1, 2))
    teacher = dataclasses.replace(family.teacher, latency=busy)
    sentence = (
        "The machine was busy while teacher was timed (the measured program waited for a processor 62% of its time; "
        "other programs used 81% of all processors' time; load average 6.1 on 2 processors): its time is that of its "
        "fastest inference without the waiting"
    )
    assert sentence in Page(render_page(dataclasses.replace(family, teacher=teacher))).text
    assert "62% of its time" in render_model_card(dataclasses.replace(family, teacher=teacher), "large")
    assert "was busy" not in Page(content).text
    assert "was busy" not in render_model_card(family, "large")


def test_a_page_has_one_latency_of_the_teacher(family: FamilyReport) -> None:
    latency = dataclasses.replace(family.teacher.latency, median_ms=2.69, p90_ms=7.77, min_ms=0.633)
    text = Page(
        render_page(dataclasses.replace(family, teacher=dataclasses.replace(family.teacher, latency=latency)))
    ).text
    assert "0.412 ms" in text
    assert "1: 0.412 ms" in text
    assert [figure for figure in ("2.69 ms", "7.77 ms", "0.633 ms") if figure in text] == []


def test_several_threads_on_a_busy_machine_have_no_time(family: FamilyReport) -> None:
    busy = MachineLoad(2.0, waiting_ratio=0.62)
    latencies = tuple(dataclasses.replace(one, load=busy) for one in family.teacher.thread_latencies)
    teacher = dataclasses.replace(family.teacher, thread_latencies=latencies)
    text = Page(render_page(dataclasses.replace(family, teacher=teacher))).text
    assert "1: 0.412 ms 2: machine busy 4: machine busy" in text


def test_many_classes_become_lists(family_of: Callable[..., FamilyReport]) -> None:
    report = family_of(labels=tuple(f"class{index}" for index in range(60)))
    page = Page(render_page(report))
    assert page.matrices == []
    accuracy = report.students[2].accuracy
    wrong = [
        (count, f"class{i} class{j} {count}")
        for i, row in enumerate(accuracy.confusion_matrix)
        for j, count in enumerate(row)
        if i != j
    ]
    assert max(wrong, key=lambda pair: pair[0])[1] in page.text
    assert "The 20 classes of lowest recall, of 60." in page.text


def test_nothing_pushed_and_nothing_trained(family: FamilyReport) -> None:
    refused = tuple(dataclasses.replace(verdict, selected=False, satisfied=False) for verdict in family.verdicts)
    text = Page(render_page(dataclasses.replace(family, verdicts=refused, histories={}, version=0, config={}))).text
    assert "None of 3 students pushed" in text
    assert "No epoch was recorded." in text
    assert "none were set" in text


def test_the_same_report_gives_the_same_page_in_another_process(
    family: FamilyReport, content: str, tmp_path: Path
) -> None:
    write_json(tmp_path / "family.json", family)
    script = (
        "import sys, hashlib; from learn2compress.report.page import render_page\n"
        "from learn2compress.results.reports import FamilyReport, read_json\n"
        "print(hashlib.sha256(render_page(read_json(FamilyReport, sys.argv[1])).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "family.json")]
    printed = [
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout.strip()
        for seed in ("1", "2")
    ]
    assert printed == [hashlib.sha256(content.encode()).hexdigest()] * 2


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser: apt-get install chromium")
def test_the_page_never_scrolls_sideways_and_shows_all_columns(
    family_of: Callable[..., FamilyReport], tmp_path: Path
) -> None:
    long_labels = (*(f"a long label number {index} " * 20 for index in range(10)), "x" * 500)
    digits, long, many = (
        family_of(),
        family_of(labels=long_labels, student_names=("a" * 32, "b" * 32, "small")),
        family_of(labels=tuple(f"{index}" * 100 for index in range(30))),
    )
    pages = [
        render_page(digits, examples_of(digits)),
        render_page(long, examples_of(long, "word" * 50)),
        render_page(many, examples_of(many)),
    ]
    widths = (320, 390, 768, 1280, 1400)
    (tmp_path / "measure.html").write_text(_measuring_page(pages, widths), encoding="utf-8")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-quic", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=10000", "--dump-dom", (tmp_path / "measure.html").as_uri(),
    ]  # fmt: skip
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    measured: list[list[Any]] = json.loads(re.findall(r"<pre>(.*?)</pre>", dumped)[0])
    assert len(measured) == len(pages) * len(widths)
    assert [row for row in measured if row[2] > row[1]] == []
    # Where names are short, the tables of models need no scrolling at any width.
    assert [row for row in measured if row[0] == 0 and row[3] > 0] == []


def _measuring_page(pages: list[str], widths: tuple[int, ...]) -> str:
    """A page that shows each page at each width and writes `[page, room, needed, hidden pixels of the tables]`."""
    data = json.dumps([pages, widths]).replace("</", "<\\/")
    return f"""<body><script>
const [pages, widths] = {data}, rows = [];
pages.forEach((page, index) => widths.forEach(width => {{
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${{width}}px;height:800px;border:0`;
  frame.srcdoc = page;
  frame.onload = () => {{
    const root = frame.contentDocument.documentElement;
    const tables = [...frame.contentDocument.querySelectorAll(".variants")].map(table => table.parentElement);
    const hidden = Math.max(...tables.map(scroll => scroll.scrollWidth - scroll.clientWidth));
    rows.push([index, root.clientWidth, root.scrollWidth, hidden, width]);
    if (rows.length === pages.length * widths.length)
      document.body.innerHTML = `<pre>${{JSON.stringify(rows)}}</pre>`;
  }};
  document.body.appendChild(frame);
}}));
</script>"""


def test_the_front_of_a_family_is_behind_the_students_that_were_picked_from_it(family: FamilyReport) -> None:
    best = SubNetworkResult(SubNetwork(0.5, 2, 1, 24), 0.75, 1000, 5000, 3000)
    beaten = SubNetworkResult(SubNetwork(0.5, 1, 1, 24), 0.7, 1000, 5000)
    page = render_page(dataclasses.replace(family, front=FamilyFront(500, (best, beaten))))
    assert "the best 1 of 2 sub-networks" in page
    assert "width 0.5, stage 2 block 1 at 24 pixels: 75.00%, 3.00 kB" in page
    assert "sub-networks" not in render_page(family)
