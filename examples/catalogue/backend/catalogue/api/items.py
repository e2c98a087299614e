from fastapi import APIRouter, HTTPException, Response
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from catalogue import jobs
from catalogue.api.dependencies import Admin, Database, Provided, cached
from catalogue.models import Category, Item
from catalogue.schemas import ItemOut, NewItem

NEWEST = 200  # a list has at most so many

router = APIRouter()
many = TypeAdapter(list[ItemOut])


@router.get("/items", response_model=list[ItemOut])
def list_items(provided: Provided, database: Database, category: str = "") -> Response:
    """The newest items first; `category` is a category's slug."""

    def load() -> bytes:
        query = select(Item).order_by(Item.id.desc()).limit(NEWEST)
        if category:
            query = query.where(Item.category.has(Category.slug == category))
        return many.dump_json([ItemOut.of(item) for item in database.scalars(query)])

    return cached(provided, "items", category, load)


@router.post("/items", status_code=201)
def create_item(new: NewItem, provided: Provided, database: Database, _: Admin) -> ItemOut:
    category = database.scalar(select(Category).where(Category.slug == new.category))
    if category is None:
        raise HTTPException(422, f"there is no category “{new.category}”")
    title = category.name  # a failed commit takes the object's values away
    item = Item(category=category, name=new.name, description=new.description)
    database.add(item)
    try:
        database.commit()
    except IntegrityError as error:
        raise HTTPException(409, f"{title} has an item “{new.name}” already") from error
    provided.cache.invalidate("items")
    jobs.enqueue(provided.redis, item.id)
    return ItemOut.of(item)
