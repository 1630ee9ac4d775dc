"""Replies: a mask as a file, or as MONAI Label's form."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Response

from inspire_med.serving.answer import Answer

_KINDS = {"png": "image/png", "gz": "application/gzip"}


def mask_reply(answer: Answer) -> Response:
    """A mask as a file to save."""
    kind = _KINDS[answer.name.rpartition(".")[2]]
    headers = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
    return Response(answer.mask, media_type=kind, headers=headers)


def form_reply(params: Mapping[str, Any], answer: Answer) -> Response:
    """A form of two parts, `params` and `image`."""
    bound = secrets.token_hex(16)
    named = 'Content-Disposition: form-data; name="{}"\r\nContent-Type: {}\r\n\r\n'
    first = named.format("params", "application/json") + json.dumps(params)
    second = named.format(f'image"; filename="{answer.name}', "application/octet-stream")
    start = f"--{bound}\r\n{first}\r\n--{bound}\r\n{second}"
    body = b"".join([start.encode(), answer.mask, f"\r\n--{bound}--\r\n".encode()])
    return Response(body, media_type=f"multipart/form-data; boundary={bound}")
