"""What every model of the API shares."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

GROUP: Final = "spark.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "SparkDeployment"
PLURAL: Final = "sparkdeployments"
SINGULAR: Final = "sparkdeployment"
SHORT_NAME: Final = "sdep"
CATEGORY: Final = "spark"
MAX_NAME_LENGTH: Final = 40
"""So that NAME-candidate and NAME-HASH fit a Service's and a label's 63 characters."""


class Model(BaseModel):
    """An immutable object of the API, camelCase on the wire.

    Fields that a newer schema has and this code has not are ignored here: strictness is the API
    server's, which knows the schema that was installed.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the object as JSON values under its wire names, absent members left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
