"""The page is parsed as a browser would, and held against the report it shows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from learn2compress.report.model_card import render_model_card
from learn2compress.report.page import render_page
from learn2compress.results.latency import MachineLoad
from learn2compress.results.measurements import DeviceLatency
from learn2compress.results.reports import FamilyReport, ModelReport, write_json

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
        if self.matrices and self.open[-1:] == ["td"] and self.in_matrix:
            self.matrices[-1][-1].append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value for attribute, value in self.attributes if attribute == name]


def test_hostile_labels_and_names_stay_text(family_of: Callable[..., FamilyReport]) -> None:
    names = ("<img src=x onerror=alert(3)>", "$\\frac{1}{0}$", "small")
    report = family_of(labels=HOSTILE, name="</title><script>alert(4)</script>", student_names=names)
    page = Page(render_page(report))
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form", "b"} & set(page.tags)
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    for text in (*HOSTILE, *names, report.name):
        assert " ".join(text.split()) in page.text
    assert set(HOSTILE) <= set(page.values("title"))


def test_the_page_fetches_nothing_and_says_so(family: FamilyReport) -> None:
    content = render_page(family)
    page = Page(content)
    policy = dict(part.strip().partition(" ")[::2] for part in page.values("content")[0].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert re.findall(r"https?:|//[a-z]|@import|javascript:", content) == []
    assert re.findall(r"url\((?!#)", content) == []
    for name in ("src", "href", "srcset", "action", "xmlns"):
        assert [value for value in page.values(name) if not value.startswith("#")] == []


def test_identifiers_are_unique_and_every_reference_is_there(family: FamilyReport) -> None:
    content = render_page(family)
    page = Page(content)
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    references = [reference for value in page.values("aria-labelledby") for reference in value.split()]
    references += [value.removeprefix("#") for value in page.values("href")] + re.findall(r"url\(#([^)]+)\)", content)
    assert len(references) > 20
    assert set(references) <= set(identifiers)


def test_pictures_follow_the_theme_and_have_a_text(family: FamilyReport) -> None:
    content = render_page(family)
    pictures = re.findall(r"<svg.*?</svg>", content, re.DOTALL)
    assert len(pictures) == 2 + 2 * len(family.students)
    for picture in pictures:
        assert re.findall(r"#[0-9a-f]{6}\b", picture) == []
        assert "var(--accent)" in picture
        assert 'role="img"' in picture
        assert re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+", picture)
    assert "prefers-color-scheme: dark" in content


def test_the_figures_shown_are_the_reports(family: FamilyReport) -> None:
    page = Page(render_page(family))
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
    assert "0.173 (0.163 to 0.185)" in page.text
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


def test_the_confusion_matrices_are_the_reports(family: FamilyReport) -> None:
    shown = Page(render_page(family)).matrices
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


def test_a_busy_machine_is_said_to_have_been_busy(family: FamilyReport) -> None:
    busy = dataclasses.replace(family.teacher.latency, load=MachineLoad(2.0, 812, 0.62, 0.81, 0.0, 6.1, 2))
    teacher = dataclasses.replace(family.teacher, latency=busy)
    sentence = (
        "The machine was busy while teacher was timed (the measured program waited for a processor 62% of its time; "
        "other programs used 81% of all processors' time; load average 6.1 on 2 processors): its time is that of its "
        "fastest inference without the waiting"
    )
    assert sentence in Page(render_page(dataclasses.replace(family, teacher=teacher))).text
    assert "62% of its time" in render_model_card(dataclasses.replace(family, teacher=teacher), "large")
    assert "was busy" not in Page(render_page(family)).text
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


def test_the_same_report_gives_the_same_page_in_another_process(family: FamilyReport, tmp_path: Path) -> None:
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
    assert printed == [hashlib.sha256(render_page(family).encode()).hexdigest()] * 2


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser: apt-get install chromium")
def test_the_page_never_scrolls_sideways(family_of: Callable[..., FamilyReport], tmp_path: Path) -> None:
    long_labels = (*(f"a long label number {index} " * 20 for index in range(10)), "x" * 500)
    pages = [
        render_page(family_of()),
        render_page(family_of(labels=long_labels, student_names=("a" * 32, "b" * 32, "small"))),
        render_page(family_of(labels=tuple(f"{index}" * 100 for index in range(30)))),
    ]
    widths = (320, 390, 768, 1400)
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


def _measuring_page(pages: list[str], widths: tuple[int, ...]) -> str:
    """A page that shows each page at each width and writes `[page, room, needed]` for each."""
    data = json.dumps([pages, widths]).replace("</", "<\\/")
    return f"""<body><script>
const [pages, widths] = {data}, rows = [];
pages.forEach((page, index) => widths.forEach(width => {{
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${{width}}px;height:800px;border:0`;
  frame.srcdoc = page;
  frame.onload = () => {{
    const root = frame.contentDocument.documentElement;
    rows.push([index, root.clientWidth, root.scrollWidth]);
    if (rows.length === pages.length * widths.length)
      document.body.innerHTML = `<pre>${{JSON.stringify(rows)}}</pre>`;
  }};
  document.body.appendChild(frame);
}}));
</script>"""
