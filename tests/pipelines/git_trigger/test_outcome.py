"""What became of a push is told in lines and comments that nobody else can give a meaning to."""

from __future__ import annotations

from pipelines.git_trigger.outcome import FileOutcome, FileState, markdown_comment

COMMIT = "0123456789" * 4


def test_a_line_says_what_happened_and_where() -> None:
    started = FileOutcome("l2c.yaml", FileState.STARTED, "little main@01234567", "id", "https://kubeflow/run")
    assert started.line == "l2c.yaml: started: little main@01234567 https://kubeflow/run"
    assert FileOutcome("l2c.yaml", FileState.REFUSED, "no").line == "l2c.yaml: refused: no"


def test_a_comment_is_a_table_without_anybodys_markup() -> None:
    text = markdown_comment(
        [
            FileOutcome("l2c.yaml", FileState.ACCEPTED, "little: large, small"),
            FileOutcome("bad.l2c.yaml", FileState.REFUSED, "found 'b | `c` @everyone <b> [x](y)'"),
        ],
        COMMIT,
    )
    assert "`01234567`" in text
    assert "| `l2c.yaml` | accepted | little: large, small |" in text
    assert "| `bad.l2c.yaml` | refused | found 'b / 'c' (at)everyone (b) (x)(y)' |" in text


def test_without_files_it_says_that_nothing_would_start() -> None:
    assert markdown_comment((), COMMIT) == "Compression: nothing changed at `01234567`, no run would start.\n"
