from fastapi import APIRouter, HTTPException
from sqlalchemy import select

from catalogue.api.dependencies import Database, Provided
from catalogue.models import User
from catalogue.schemas import Credentials, Session
from catalogue.security import SESSION_SECONDS, check_password

router = APIRouter()


@router.post("/admin/login")
def log_in(credentials: Credentials, provided: Provided, database: Database) -> Session:
    user = database.scalar(select(User).where(User.name == credentials.name))
    if not check_password(user.password_hash if user else None, credentials.password):
        raise HTTPException(401, "wrong name or password")
    return Session(token=provided.sessions.issue(credentials.name), expires_in=SESSION_SECONDS)
