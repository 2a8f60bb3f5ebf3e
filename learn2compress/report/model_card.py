"""A student's model card in Markdown, after Mitchell et al., arXiv:1810.03993."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from learn2compress.config import TaskConfig, TaskKind
from learn2compress.config.parsing import parse
from learn2compress.data.text_features import input_description
from learn2compress.report import formatting, phone
from learn2compress.report.classes import lowest_recall
from learn2compress.report.headline import constraint_sentences
from learn2compress.report.image_input import image_sentences
from learn2compress.report.phone_code import PhoneCode, phone_code
from learn2compress.report.quantization import quantization_sentences
from learn2compress.results.data_words import data_sentences, held_out_sentence
from learn2compress.results.reports import FamilyReport, returned_epoch
from learn2compress.selection.guessing import is_yardstick, yardstick_sentence

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$]|:(?=//))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_MAX_CLASSES = 50


def render_model_card(report: FamilyReport, name: str) -> str:
    """Writes the card of one student.

    Args:
      report: The family it belongs to; `config` must hold `task`.
      name: The student's name.

    Returns:
      Markdown. Labels and names appear as plain text whatever they contain.

    Raises:
      ValueError: the report knows no such student.
    """
    student = next((student for student in report.students if student.name == name), None)
    if student is None:
        accepted = ", ".join(student.name for student in report.students)
        raise ValueError(f"name: found {name!r}, accepted are {accepted}")
    environment = Environment(
        loader=PackageLoader("learn2compress.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escape_markdown
    environment.globals["fmt"], environment.globals["phone"] = formatting, phone
    task = parse(TaskConfig, report.config["task"], "task")
    is_image = task.kind is TaskKind.IMAGE
    records = report.histories.get(name, ())
    groups = [list(group) for _, group in itertools.groupby(records, key=lambda record: record.phase)]
    return environment.get_template("model_card.md.j2").render(
        report=report,
        student=student,
        teacher=report.teacher,
        is_image=is_image,
        push=report.config.get("push", {}),
        held_out=held_out_sentence(report.data, student.accuracy.num_examples),
        data_sentences=data_sentences(report.data),
        input_shape=list(task.input_shape),
        text_features=None if is_image else task.text_features.value,
        image_sentences=image_sentences(report.config.get("data", {})) if is_image else [],
        input_description=None if is_image else input_description(task),
        code=_as_it_is(phone_code(student, task, report.config.get("data", {}))),
        classes=lowest_recall(student.accuracy, _MAX_CLASSES),
        slices=phone.slice_rows(student, report.teacher),
        corruptions=phone.corruptions_of([student]),
        records=records,
        quantization=quantization_sentences(report.quantizations[name]) if name in report.quantizations else None,
        phases=[{"name": group[0].phase, "epochs": len(group), "last": returned_epoch(group)} for group in groups],
        verdict=next(verdict for verdict in report.verdicts if verdict.name == name),
        constraints=constraint_sentences(report.config.get("constraints", {})),
        yardstick=None if is_yardstick(report.teacher) else yardstick_sentence(report.teacher),
    )


def escape_markdown(text: object) -> Markup:
    """Returns text that Markdown shows as it is: one line, no markup, no HTML, no link."""
    one_line = _CONTROL.sub(" ", str(text))
    return Markup(_MARKDOWN.sub(r"\\\1", html.escape(one_line, quote=False)))  # noqa: S704 - escaped here


def _as_it_is(code: PhoneCode | None) -> PhoneCode | None:
    """Returns code that the template does not escape: it stands in a block, and no name in it can end one."""
    if code is None:
        return None
    kotlin, swift = (Markup(text) for text in (code.kotlin, code.swift))  # noqa: S704 - numbers and words of ours
    return dataclasses.replace(code, kotlin=kotlin, swift=swift)
