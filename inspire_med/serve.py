"""Command: a model that answers over HTTP (`python -m inspire_med.serve ...`)."""

import logging
import signal
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import run_command, say
from inspire_med.errors import InputError
from inspire_med.memory import bytes_of
from inspire_med.serving.address import is_loopback, take_address, url_of
from inspire_med.serving.options import ServeOptions, make_parser, read_options, read_token

if TYPE_CHECKING:
    from inspire_med.inference import Predictor

_NEEDED = ("fastapi", "uvicorn", "python_multipart")
_LAST_S = 5  # for what is in work when the server is told to end
_MOST_CONNECTIONS = 256
_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, serve until told to end, and answer with the exit status."""
    return run_command(make_parser(), _serve, arguments)


def _serve(namespace: Namespace) -> None:
    options = read_options(namespace)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"serve needs {', '.join(missing)}, not installed here; pip install "
            "'inspire-med[serve]'."
        )
    limit = bytes_of(options.max_upload, "--max_upload")
    token = None if options.token_file is None else read_token(options.token_file)
    with take_address(options.host, options.port) as taken:
        closed = is_loopback(taken)
        url = url_of(taken, options.host)
        if not closed:
            _warn(url, token)
        predictor = options.predictor.load()
        from inspire_med.inference.memory import temporary_folder

        with tempfile.TemporaryDirectory(prefix="inspire-med-", dir=temporary_folder()) as folder:
            say(f"serving {predictor.card.task.name} at {url}; Ctrl-C ends it")
            names = [*_OWN_NAMES, options.host] if closed else ["*"]
            _run(predictor, Path(folder).resolve(), limit, options, token, names, taken)


def _warn(url: str, token: str | None) -> None:
    if token is None:
        raise InputError(
            f"--host: whoever reaches {url} could send files; give --token_file too, or leave "
            "--host and come by: ssh -L 8000:localhost:8000."
        )
    say(
        f"warning: {url} is open to other machines; whoever has the token can send files, and "
        "nothing is encrypted on the way: put it behind a proxy that does (docs/serving.md)"
    )


def _run(
    predictor: "Predictor",
    folder: Path,
    limit: int,
    options: ServeOptions,
    token: str | None,
    own_names: Sequence[str],
    taken: socket,
) -> None:
    import uvicorn

    from inspire_med.serving.app import make_app
    from inspire_med.serving.kept import Kept
    from inspire_med.serving.service import Service
    from inspire_med.serving.turns import Turns

    # A form that cannot be read is told to who sent it, not to who watches.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    turns = Turns(options.queue, options.timeout_s)
    service = Service(predictor, folder, limit, turns, Kept(options.keep, options.keep_s))
    config = uvicorn.Config(
        make_app(service, token, own_names),
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,  # a path may hold what a client calls its image: a patient's name
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LAST_S,
    )
    try:
        with _signals_end_it():
            uvicorn.Server(config).run([taken])
    finally:
        turns.close()


@contextmanager
def _signals_end_it() -> Generator[None]:
    """Let SIGTERM and Ctrl-C be how a server is meant to end.

    uvicorn hears them while it serves, and raises them again afterwards.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


if __name__ == "__main__":
    raise SystemExit(main())
