"""What every mapping of leadtrail.yaml is made of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A mapping of the file: any key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
