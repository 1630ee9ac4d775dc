"""Service: a predictor with all that stands between it and strangers."""

import errno
import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from inspire_med.errors import InputError
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.inference.predictor import Predictor
from inspire_med.serving.answer import WHOLE, Answer, answer_of
from inspire_med.serving.kept import Kept
from inspire_med.serving.turns import Turns
from inspire_med.serving.upload import Limits, Upload, receive

# Of one file each: the others name a second file, which a stranger could choose.
_VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger("uvicorn.error")


class Service:
    """A predictor with all that stands between it and strangers.

    Args:
        predictor: What predicts.
        folder: Temporary, of the server alone; each upload gets a folder in it.
        max_upload: Bytes of the largest upload.
        turns: Who is predicted, and who waits.
        kept: Images that are asked about later.
    """

    def __init__(
        self, predictor: Predictor, folder: Path, max_upload: int, turns: Turns, kept: Kept
    ) -> None:
        card = predictor.card
        self.predictor = predictor
        self.turns = turns
        self.kept = kept
        self._folder = folder
        if card.task.spatial_dims == 2:  # the colours of a picture come together
            self._limits = Limits(max_upload, WHOLE, IMAGE_SUFFIXES)
        else:
            self._limits = Limits(max_upload, (*WHOLE, *card.channels), _VOLUME_SUFFIXES)

    @property
    def name(self) -> str:
        """What the model is asked by: its task's name."""
        return self.predictor.card.task.name

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncGenerator[Upload]:
        """A request's upload, which is gone when the block ends."""
        with self.turns.place():
            upload = await self.stored(request)
            try:
                yield upload
            finally:
                upload.remove()

    async def stored(self, request: Request) -> Upload:
        """A request's upload, in a folder that the caller removes."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            return await receive(request, folder, self._limits)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and error.errno in _FULL:
                raise HTTPException(507, "the server's disk is full; ask again later.") from None
            raise

    async def answer(self, request: Request, upload: Upload) -> Answer:
        """The mask of an upload, when its turn has come.

        Raises:
            HTTPException: 422 with the sentence if a file is at fault; also as `Turns.run`.
        """
        work = partial(answer_of, self.predictor, upload)
        try:
            return await self.turns.run(request, work)
        except InputError as error:
            raise HTTPException(422, str(error)) from None
        except HTTPException:
            raise
        except Exception:
            _log.exception("a case could not be predicted")
            raise HTTPException(500, "the server failed; its log says why.") from None


def _of_app(request: Request) -> Service:
    return request.app.state.service


OwnService = Annotated[Service, Depends(_of_app)]  # how an endpoint asks for it
