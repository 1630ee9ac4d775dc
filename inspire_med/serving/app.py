"""App: what is asked for where."""

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from inspire_med.serving import gate, monai_label
from inspire_med.serving.replies import mask_reply
from inspire_med.serving.service import OwnService, Service

router = APIRouter()


def make_app(service: Service, token: str | None, own_names: Sequence[str]) -> FastAPI:
    """The endpoints of docs/serving.md.

    Args:
        service: What answers.
        token: What clients must send; None asks for nothing.
        own_names: What clients may call the server, or "*": a page of a stranger's can send a
            browser here by a name of its own, and would read the answer.
    """
    # No pages of FastAPI's own: they load scripts from elsewhere.
    app = FastAPI(openapi_url=None, dependencies=[Depends(gate.let_in)])
    app.state.service, app.state.token = service, token
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=own_names, www_redirect=False)
    for own in (router, gate.router, monai_label.router):
        app.include_router(own)
    return app


@router.get("/health")
async def health() -> dict[str, str]:
    """There it is."""
    return {"status": "ready"}


@router.get("/card")
async def card(service: OwnService) -> dict[str, Any]:
    """The model's card, and how it predicts here."""
    predictor = service.predictor
    return {**predictor.card.to_json(), "settings": predictor.settings}


@router.post("/predict", response_model=None)
async def predict(
    service: OwnService, request: Request, output: Literal["mask", "json"] = "mask"
) -> Response:
    """A mask of one file of all channels, or of one for each, by their names."""
    async with service.received(request) as upload:
        answer = await service.answer(request, upload)
    return JSONResponse(answer.summary) if output == "json" else mask_reply(answer)
