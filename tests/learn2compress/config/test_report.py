from __future__ import annotations

import pytest

from learn2compress.config import CompressionConfig, ReportConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict


def test_examples_are_shown_unless_they_are_private() -> None:
    config = CompressionConfig("pets", TeacherConfig("t.keras"), (StudentConfig("small"),))
    assert config.report == ReportConfig(images=True)
    private = parse(CompressionConfig, to_dict(config) | {"report": {"images": False}})
    assert not private.report.images
    with pytest.raises(ConfigError, match=r"report\.images"):
        parse(CompressionConfig, to_dict(config) | {"report": {"images": "never"}})
