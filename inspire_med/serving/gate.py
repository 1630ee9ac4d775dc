"""Gate: who is let in, before anything of a request is read; and the log-in of MONAI Label."""

import hmac
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request

router = APIRouter()

_OPEN = ("/health", "/auth/", "/auth/token")
_LONGEST_LOGIN = 2**12  # bytes


async def let_in(request: Request) -> None:
    """Let a request in that carries `Authorization: Bearer TOKEN`, where a token is asked for.

    Raises:
        HTTPException: 401 if it carries another or none.
    """
    # Not request.url, which a Host header may bend.
    if request.app.state.token is None or request.scope["path"] in _OPEN:
        return
    kind, _, word = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not _is_token(request, word):
        how = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "send the token as: Authorization: Bearer ...", how)


@router.get("/auth/")
async def auth(request: Request) -> dict[str, bool]:
    """Whether a client must log in."""
    return {"enabled": request.app.state.token is not None}


@router.post("/auth/token")
async def log_in(request: Request) -> dict[str, str]:
    """Take the token as a password, as a person types it into Slicer's window."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_LOGIN:
            raise HTTPException(413, "too long for a name and a password.")
    word = parse_qs(body.decode(errors="replace")).get("password", [""])[0]
    if not _is_token(request, word):
        raise HTTPException(401, "the password is the server's token; any name will do.")
    return {"access_token": word.strip(), "token_type": "bearer"}


@router.get("/auth/token/valid")
async def is_valid() -> dict[str, bool]:
    """Whether the token that was sent is right: who gets here was let in."""
    return {"valid": True}


def _is_token(request: Request, word: str) -> bool:
    """Compare in a time that tells nothing of the token."""
    token = request.app.state.token
    return token is not None and hmac.compare_digest(word.strip().encode(), token.encode())
