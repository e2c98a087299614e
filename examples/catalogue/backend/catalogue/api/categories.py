from fastapi import APIRouter, HTTPException, Response
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from catalogue.api.dependencies import Admin, Database, Provided, cached
from catalogue.models import Category
from catalogue.schemas import CategoryOut, NewCategory
from catalogue.text import slugify

router = APIRouter()
many = TypeAdapter(list[CategoryOut])


@router.get("/categories", response_model=list[CategoryOut])
def list_categories(provided: Provided, database: Database) -> Response:
    def load() -> bytes:
        found = database.scalars(select(Category).order_by(Category.name)).all()
        return many.dump_json([CategoryOut.model_validate(category) for category in found])

    return cached(provided, "categories", "", load)


@router.post("/categories", status_code=201)
def create_category(
    new: NewCategory, provided: Provided, database: Database, _: Admin
) -> CategoryOut:
    category = Category(slug=slugify(new.name), name=new.name, description=new.description)
    database.add(category)
    try:
        database.commit()
    except IntegrityError as error:
        raise HTTPException(409, f"there is a category “{new.name}” already") from error
    provided.cache.invalidate("categories")
    return CategoryOut.model_validate(category)
