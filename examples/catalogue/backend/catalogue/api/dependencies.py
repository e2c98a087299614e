"""Dependencies of endpoints: the services of the process, a database session, an admin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from catalogue.cache import Cache
from catalogue.security import Sessions
from catalogue.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    engine: Engine
    redis: Redis
    cache: Cache
    sessions: Sessions


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Provided = Annotated[Services, Depends(services)]


def database(provided: Provided) -> Iterator[Session]:
    with Session(provided.engine) as session:
        yield session


Database = Annotated[Session, Depends(database)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def admin(provided: Provided, bearer: Bearer) -> str:
    user = provided.sessions.read(bearer.credentials) if bearer else None
    if user is None:
        raise HTTPException(401, "log in as an admin first", {"WWW-Authenticate": "Bearer"})
    return user


Admin = Annotated[str, Depends(admin)]


def cached(provided: Services, collection: str, query: str, load: Callable[[], bytes]) -> Response:
    body, hit = provided.cache.read(collection, query, load)
    headers = {"X-Cache": "hit" if hit else "miss", "Cache-Control": "no-cache"}
    return Response(body, media_type="application/json", headers=headers)
