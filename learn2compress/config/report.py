"""What the report shows beside figures."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT


@dataclass(frozen=True, config=STRICT)
class ReportConfig:
    """What the report shows beside figures."""

    images: bool = True
    """Show a few held-out examples with what teacher and student predict: small pictures of images, the beginning of
    texts. They are part of `report.html`, which is pushed. `false` for private data: then none is kept for it."""
