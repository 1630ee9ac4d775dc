"""MONAI Label: the part of its protocol that 3D Slicer's plugin and its Python client predict with.

Facts of the protocol: Project-MONAI/MONAILabel at 058ddfc, monailabel/endpoints, client/client.py
and plugins/slicer.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

import inspire_med
from inspire_med.serving.answer import Answer, names_of_values
from inspire_med.serving.replies import form_reply, mask_reply
from inspire_med.serving.service import OwnService, Service
from inspire_med.serving.upload import Upload

router = APIRouter()

_NOTHING = {"total": 0, "completed": 0, "label_tags": {}}
_UNUSED = ("trainers", "strategies", "scoring", "train_stats")


@router.get("/info/")
async def info(service: OwnService) -> dict[str, Any]:
    """The one model that there is."""
    card = service.predictor.card
    labels = names_of_values(card.regions)
    words = f"{', '.join(card.regions)} from {', '.join(card.channels)}"
    model = {
        "type": "segmentation",
        "labels": labels,
        "dimension": card.task.spatial_dims,
        "description": words,
        "config": {},
    }
    return {
        "name": f"inspire_med {service.name}",
        "description": words,
        "version": inspire_med.__version__,
        "labels": [*labels],
        "models": {service.name: model},
        "datastore": _NOTHING,
        **{name: {} for name in _UNUSED},
    }


@router.post("/infer/{model}", response_model=None)
async def infer(
    service: OwnService,
    request: Request,
    model: str,
    image: str = "",
    session_id: str = "",
    output: Literal["all", "image", "json"] = "all",
) -> Response:
    """A mask of the file in the form, or of a session's or an image's that was uploaded before."""
    if model != service.name:
        raise HTTPException(404, f"no such model; there is {service.name}.")
    async with service.received(request) as sent:
        if sent.files:
            return _reply(await service.answer(request, sent), output)
        key = _session(session_id) if session_id else _image(image, sent)
        with service.kept.using(key) as upload:
            return _reply(await service.answer(request, upload), output)


@router.put("/session/")
async def begin_session(service: OwnService, request: Request) -> dict[str, Any]:
    """Keep an image; only who knows the name of its session can ask for it."""
    session_id = secrets.token_hex(16)
    await _keep(service, request, lambda _: _session(session_id))
    return {"session_id": session_id, "session_info": _session_info(session_id)}


@router.get("/session/{session_id}")
async def session(service: OwnService, session_id: str) -> dict[str, str]:
    """Whether its image is still kept."""
    with service.kept.using(_session(session_id)):
        return _session_info(session_id)


@router.delete("/session/{session_id}")
async def end_session(service: OwnService, session_id: str) -> dict[str, str]:
    """Remove its image."""
    with service.kept.using(_session(session_id)):
        service.kept.drop(_session(session_id))
    return _session_info(session_id)


@router.put("/datastore/")
async def add_image(service: OwnService, request: Request, image: str) -> dict[str, str]:
    """Keep an image by a client's name for it."""
    await _keep(service, request, lambda upload: _image(image, upload))
    return {"image": image}


@router.get("/datastore/")
async def datastore(output: str = "stats") -> dict[str, Any]:
    """Nothing: images are kept for who sent them."""
    return {"objects": {}} if output == "all" else _NOTHING


async def _keep(service: Service, request: Request, key_of: Callable[[Upload], str]) -> None:
    with service.turns.place():
        upload = await service.stored(request)
    try:
        if not upload.files:
            raise HTTPException(422, "the form has no file.")
        service.kept.keep(key_of(upload), upload)
    except HTTPException:
        upload.remove()
        raise


def _session(session_id: str) -> str:
    return f"session {session_id}"


def _image(name: str, upload: Upload) -> str:
    """What a client calls an image, and what it calls itself: two may use one name."""
    try:
        client = json.loads(upload.fields.get("params", "{}")).get("client_id")
    except (ValueError, AttributeError, RecursionError):
        raise HTTPException(422, "the field 'params' is no JSON object.") from None
    return f"image {json.dumps([client, name])}"


def _session_info(session_id: str) -> dict[str, str]:
    return {"name": session_id, "path": "", "image": ""}  # paths of the server are its own


def _reply(answer: Answer, output: str) -> Response:
    params = {**answer.summary, "label_names": _by_value(answer.summary["labels"])}
    if output == "json":
        return JSONResponse(params)
    return mask_reply(answer) if output == "image" else form_reply(params, answer)


def _by_value(labels: Mapping[str, int]) -> list[str]:
    """Names in the order of their values from 1 on; "" for a value that no region has.

    Slicer takes the first for what is 1, the second for what is 2, and passes over "".
    """
    names = {value: name for name, value in labels.items()}
    return [names.get(value, "") for value in range(1, max(names, default=0) + 1)]
