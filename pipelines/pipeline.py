"""The pipeline: one branch per student behind the joint training.

    Ingest -> TeacherLoad -> JointDistillTrainer -> Prune.* -> Quantize.* -> Evaluate.* -> Pusher

Evaluate.teacher measures what students are compared with. A search takes the place of Prune and Quantize. With
`search.family`, FamilyTrainer takes the place of JointDistillTrainer, and each student comes from its Pick.*. A student
that is the teacher's own network comes from TeacherAsStudent; where there are no others, nothing is trained jointly.

The graph knows nothing of what runs it.
"""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent

from components.evaluate.component import Evaluate, EvaluateTeacher
from components.ingest.component import Ingest
from components.pusher.component import Pusher
from components.teacher_load.component import TeacherLoad
from learn2compress.config import CompressionConfig
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings
from pipelines.branches import Branches
from pipelines.networks import Networks
from pipelines.provenance import Provenance


def create_components(config: CompressionConfig, provenance: Provenance, checkpoint_root: str) -> list[BaseComponent]:
    """Creates the components of one compression, in topological order.

    Args:
      config: What to do.
      provenance: Digests of the data, the teacher and the code: a change of
        any of them is a change of the steps that use it.
      checkpoint_root: Folder for training state that survives a kill, and for what the last run counted in its data.

    Returns:
      Components whose inputs are outputs of earlier ones.
    """
    code = provenance.code_digests
    ingest = Ingest(
        data=config.data,
        task=config.task,
        data_fingerprint=provenance.data_fingerprint,
        beam_options=config.beam.arguments_of("Ingest"),
        family_name=config.name,
        checkpoint_root=checkpoint_root,
        code_digest=code["ingest"],
    )
    examples = ingest.outputs["examples"]
    teacher_load = TeacherLoad(
        examples=examples,
        teacher=config.teacher,
        teacher_sha256=provenance.teacher_sha256,
        augment=config.training.augment,
        seed=config.seed,
        beam_options=config.beam.arguments_of("TeacherLoad"),
        task=config.task,
        code_digest=code["teacher_load"],
    )
    teacher_logits = teacher_load.outputs["teacher_logits"]
    teacher = teacher_load.outputs["teacher"]
    evaluate_teacher = EvaluateTeacher(
        examples=examples,
        teacher=teacher,
        evaluate=config.evaluate,
        task=config.task,
        beam_options=config.beam.arguments_of("Evaluate"),
        code_digest=code["evaluate"],
    ).with_id("Evaluate.teacher")
    baseline = evaluate_teacher.outputs["evaluation"]
    settings = TrainingSettings(
        config.task, config.training, TeacherUse.of(config.teacher), config.seed, checkpoint_root
    )
    source = Networks(config, examples, teacher, teacher_logits, settings, provenance, code)
    networks = source.of_students()
    components: list[BaseComponent] = [ingest, teacher_load, evaluate_teacher, *networks.components]
    branches = Branches(config, examples, networks.teacher, teacher_logits, settings, code)
    models, evaluations = {}, {}
    for student in config.students:
        steps, variants = branches.of(student, networks.students[student.name])
        components += steps
        for name, variant in variants.items():
            evaluate = Evaluate(
                examples=examples,
                teacher=teacher,
                baseline=baseline,
                student=variant.student,
                model=variant.model,
                evaluate=config.evaluate,
                report=config.report,
                student_name=name,
                task=config.task,
                seed=config.seed,
                beam_options=config.beam.arguments_of("Evaluate"),
                code_digest=code["evaluate"],
            ).with_id(f"Evaluate.{name}")
            components.append(evaluate)
            models[name] = variant.model
            evaluations[name] = evaluate.outputs["evaluation"]
    pusher = Pusher(
        config=config,
        examples=examples,
        baseline=baseline,
        models=models,
        evaluations=evaluations,
        family=networks.family,
        provenance=provenance.as_dict(),
        code_digest=code["pusher"],
    )
    return [*components, pusher]
