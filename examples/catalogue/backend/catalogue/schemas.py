"""Requests and responses of the API."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from catalogue.models import Item
from catalogue.text import slugify


def has_a_slug(name: str) -> str:
    if not slugify(name):
        raise ValueError("needs at least one latin letter or digit")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(has_a_slug),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class NewCategory(BaseModel):
    name: Name
    description: Description = ""


class CategoryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    slug: str
    name: str
    description: str


class NewItem(BaseModel):
    category: str  # the category's slug
    name: Name
    description: Description = ""


class ItemOut(BaseModel):
    id: int
    category: str
    name: str
    description: str
    created_at: datetime
    search_slug: str | None
    word_count: int | None

    @classmethod
    def of(cls, item: Item) -> "ItemOut":
        return cls(
            id=item.id,
            category=item.category.slug,
            name=item.name,
            description=item.description,
            created_at=item.created_at,
            search_slug=item.search_slug,
            word_count=item.word_count,
        )


class Credentials(BaseModel):
    name: str
    password: str


class Session(BaseModel):
    token: str
    expires_in: int  # seconds


class Version(BaseModel):
    version: str
    revision: str
    schema_revision: str | None  # null: the database was never migrated


class Health(BaseModel):
    status: str
    checks: dict[str, str]
