"""Field types that several parts of the configuration use."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, ConfigDict, Field

from learn2compress.config.parsing import clipped

# Infinities and NaN, which YAML has, satisfy a lower bound or no comparison at all.
STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
# A loss of more than half of everything is a ratio that was written in points.
SmallRatio = Annotated[float, Field(ge=0.0, le=0.5)]
PositiveInt = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=4096)]


# Parameters by which signed addresses of S3, of Google's and of Azure's stores, and many servers let anyone in; they
# are compared in small letters and digits alone: `api-key`, `api_key` and `apiKey` are one.
_CREDENTIAL = re.compile(
    r"x(amz|goog).*|awsaccesskeyid|googleaccessid|keypairid|policy|sig|sv|sas|signature|sharedaccesssignature"
    r"|(access|api|auth|id|private|refresh|sas|session)?token|(access|api|auth|private|secret|secretaccess)?key"
    r"|auth|authorization|bearer|jwt|credentials?|pass|passwd|password|pwd|(client)?secret"
)
_INSTEAD = (
    "accepted is a URI without them, which lineage would show: they belong into the environment, such as "
    "AWS_ACCESS_KEY_ID for s3://, or into the service account"
)


def _without_credentials(uri: str) -> str:
    if any("@" in part.partition("/")[0] for part in uri.split("://")[1:]):
        raise ValueError(f"found credentials in the URI, {_INSTEAD}")
    parameters = parse_qsl(re.sub(r"[#;?]", "&", uri.partition("?")[2]), keep_blank_values=True)
    for name, _ in parameters:
        if _CREDENTIAL.fullmatch("".join(letter for letter in name.lower() if letter.isalnum())):
            raise ValueError(f"found the credential {clipped(name)!r} in the URI, {_INSTEAD}")
    return uri


Uri = Annotated[
    str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(_without_credentials)
]
LearningRate = Annotated[float, Field(gt=0.0, le=1.0)]
