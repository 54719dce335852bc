"""The bodies of requests, checked.

Source: IBM's OpenAPI document (limits) and the client (what it really sends).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from ..world.jobs import Submission
from ..world.world import Refusal
from .message import Request

MAX_COST = 10800
MAX_TAGS = 8
MAX_TAG_LENGTH = 86

Model = TypeVar("Model", bound=BaseModel)


class JobBody(BaseModel):
    """``POST /jobs``. Keys that the service does not know are ignored."""

    model_config = ConfigDict(strict=True)

    program_id: Annotated[str, Field(min_length=1, max_length=10000)]
    backend: Annotated[str, Field(min_length=1, max_length=255)]
    params: dict[str, Any] = {}
    session_id: Annotated[str, Field(min_length=1, max_length=36)] | None = None
    tags: list[str] = []
    cost: Annotated[int, Field(ge=0)] | None = None
    private: bool = False
    calibration_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    runtime: str | None = None
    log_level: str | None = None

    def submission(self) -> Submission:
        """The body as the service keeps it; a ``cost`` above the maximum is capped."""
        check_tags(self.tags)
        values = self.model_dump()
        cost = None if self.cost is None else min(self.cost, MAX_COST)
        return Submission(**{**values, "tags": tuple(self.tags), "cost": cost})


class SearchBody(BaseModel):
    """``POST /v3/resources/search``. The query is not interpreted."""

    search_cursor: str | None = None


class TagsBody(BaseModel):
    """``PUT /jobs/{id}/tags``. An empty list takes all tags away."""

    model_config = ConfigDict(strict=True)

    tags: list[str]


class SessionBody(BaseModel):
    """``POST /sessions``. ``instance``, which the client sends, is not in the schema."""

    model_config = ConfigDict(strict=True)

    mode: Literal["dedicated", "batch"]
    backend: str | None = Field(
        default=None, validation_alias=AliasChoices("backend", "backend_name")
    )
    max_ttl: Annotated[int, Field(gt=0)] | None = None


class SessionPatch(BaseModel):
    """``PATCH /sessions/{id}``."""

    model_config = ConfigDict(strict=True)

    accepting_jobs: bool


def read(model: type[Model], request: Request) -> Model:
    """The body of a request.

    Raises:
        Refusal: If it is not JSON, or not what the operation takes.
    """
    try:
        return model.model_validate(request.json)
    except ValidationError as error:
        why = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
            for problem in error.errors()
        )
    except ValueError as error:
        why = f"the body is not JSON ({error})"
    raise Refusal("validation", why=why)


def check_tags(tags: list[str]) -> None:
    """Check the number and the length of tags.

    Raises:
        Refusal: If there are too many, or one is too long.
    """
    if len(tags) > MAX_TAGS:
        raise Refusal("too_many_tags", why=f"Too many tags: {len(tags)} > {MAX_TAGS}.")
    longest = max((len(tag) for tag in tags), default=0)
    if longest > MAX_TAG_LENGTH:
        raise Refusal("tag_too_long", why=f"A tag is too long: {longest} > {MAX_TAG_LENGTH}.")
