"""What `l2c init` says of images: their size and classes, how the teacher takes them, and stages within the budgets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from learn2compress.config import TaskConfig
from learn2compress.config.parsing import ConfigError, about, parse
from learn2compress.data.image_survey import ImageSurvey, survey_images
from learn2compress.search.stages_for_budget import ResNetFamily, resnet_family
from learn2compress.students.resnet_cost import first_stage_size
from pipelines.starter.request import StarterRequest
from pipelines.starter.writing import StarterStudent, StarterValues, class_names

if TYPE_CHECKING:
    from pipelines.starter.teacher import TeacherFacts, TeacherLook

_DEFAULT_SHAPE = (32, 32, 3)
# A float32 file has 4 bytes for each parameter of the teacher; the largest student has at most a quarter of it, and of
# a teacher that is far larger than the usual students it may have a fortieth.
_STUDENT_BYTES_PER_PARAMETER, _FAR_BYTES_PER_PARAMETER = 1.0, 0.1
_SHAPE = re.compile(r"(\d+)x(\d+)(?:x(\d+))?")

Shape = tuple[int, int, int]


def image_values(request: StarterRequest, look: TeacherLook | None) -> StarterValues:
    """Looks at images and a teacher of images, and chooses students for them.

    Args:
      request: What is known.
      look: The teacher; `None` where it is to be filled in later.

    Returns:
      What the configuration says.

    Raises:
      ConfigError: the data or the teacher can't be used, their size is not clear, or the smallest students break a
        budget.
    """
    survey = _survey(request)
    shape = _shape(request.input_shape, survey, look)
    labels = class_names(request.num_classes, None if survey is None else survey.labels, look)
    resize = survey is not None and any(found[:2] != shape[:2] for found in survey.shapes)
    facts = None
    if look is not None and survey is not None and look.fits(len(labels)):
        from pipelines.starter.teacher import read_teacher

        task = parse(TaskConfig, {"kind": "image", "input_shape": list(shape)})
        facts = read_teacher(look, request.data_config(resize), task, labels)
    family = _family(request, shape, labels, look)
    students = tuple(
        StarterStudent(
            student.name, student.cost.num_parameters, student.cost.macs, student.cost.model_bytes, student.stage
        )
        for student in family.students
    )
    return StarterValues(
        input_shape=shape,
        labels=labels,
        has_guessed_classes=request.num_classes is None and look is None and (survey is None or survey.labels is None),
        students=students,
        stages=family.stages,
        architecture="resnet",
        look=look,
        facts=facts,
        notes=_notes(look, facts, family),
        resize=resize,
        orientation_comment=_orientation_comment(survey),
        first_size=first_stage_size(*shape[:2]),
    )


def _survey(request: StarterRequest) -> ImageSurvey | None:
    if not request.has_data:
        return None
    with about("--data"):
        return survey_images(request.data_config())


def _family(request: StarterRequest, shape: Shape, labels: tuple[str, ...], look: TeacherLook | None) -> ResNetFamily:
    """Chooses students by the budgets that were named, and else by the teacher's size, where it is known."""
    most_bytes, most_macs = request.max_model_bytes, request.max_macs
    family = resnet_family(shape, labels, max_model_bytes=most_bytes, max_macs=most_macs)
    if look is None:
        return family
    usual_bytes = family.students[0].cost.model_bytes
    if most_bytes is None:
        quarter, fortieth = (
            int(share * look.num_parameters) for share in (_STUDENT_BYTES_PER_PARAMETER, _FAR_BYTES_PER_PARAMETER)
        )
        if usual_bytes > quarter or usual_bytes < fortieth:
            most_bytes = quarter if usual_bytes > quarter else fortieth
            family = _family_within(shape, labels, most_bytes, most_macs) or family
    if most_macs is None and look.macs is not None and family.students[0].cost.macs > look.macs // 2:
        family = _family_within(shape, labels, most_bytes, look.macs // 2) or family
    return family


def _family_within(
    shape: Shape, labels: tuple[str, ...], most_bytes: int | None, most_macs: int | None
) -> ResNetFamily | None:
    """Returns students within budgets; `None` where even the smallest break one, beside a teacher that is small."""
    try:
        return resnet_family(shape, labels, max_model_bytes=most_bytes, max_macs=most_macs)
    except ConfigError:
        return None


def _notes(look: TeacherLook | None, facts: TeacherFacts | None, family: ResNetFamily) -> tuple[str, ...]:
    """Returns what was found out about the teacher, a sentence each."""
    notes = [] if facts is None else [f"teacher: input_scaling {facts.sentence}"]
    largest = family.students[0]
    if look is not None and look.macs is not None and largest.cost.macs > look.macs:
        notes.append(
            f"teacher: it has {look.macs / 1e6:.1f} million MACs, fewer than {largest.name}'s "
            f"{largest.cost.macs / 1e6:.1f} million: take fewer channels, or students are smaller and not faster"
        )
    return tuple(notes)


def _shape(said: str | None, survey: ImageSurvey | None, look: TeacherLook | None) -> Shape:
    """Returns the input: what was said, what the teacher takes, or what all images have."""
    found = survey.shapes if survey else (_DEFAULT_SHAPE,)
    taken = (None, None, None) if look is None else look.input_shape
    height, width, channels = taken[0], taken[1], taken[2] or max(shape[2] for shape in found)
    if said is not None:
        shape = _parsed_shape(said, channels)
    elif height and width:
        shape = (height, width, channels)
    else:
        sizes = sorted({shape[:2] for shape in found})
        if len(sizes) > 1:
            (low_height, low_width), (high_height, high_width) = sizes[0], sizes[-1]
            raise ConfigError(
                f"--data: found images of different sizes, {low_height}x{low_width} and {high_height}x{high_width} "
                "pixels among them (height x width), accepted is --input-shape beside them, such as "
                f"{low_height}x{low_width}, to which all are resized"
            )
        shape = (*sizes[0], channels)
    if any(size not in (None, wanted) for size, wanted in zip(taken, shape, strict=True)):
        takes = "x".join("any" if size is None else str(size) for size in taken)
        raise ConfigError(f"--input-shape: found {said}, accepted is {takes}: what the teacher takes")
    return shape


def _parsed_shape(said: str, channels: int) -> Shape:
    match = _SHAPE.fullmatch(said)
    if match is None:
        raise ConfigError(f"--input-shape: found {said!r}, accepted is HEIGHTxWIDTHxCHANNELS, such as 32x32x3")
    height, width = int(match[1]), int(match[2])
    shape = (height, width, int(match[3]) if match[3] else channels)
    with about("--input-shape"):
        parse(TaskConfig, {"kind": "image", "input_shape": list(shape)})
    return shape


def _orientation_comment(survey: ImageSurvey | None) -> str:
    if survey is None or not survey.num_with_orientation:
        return ""
    return f" ({survey.num_with_orientation} of {survey.num_images} looked at lie otherwise)"
