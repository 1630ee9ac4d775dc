"""Options of serve."""

from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser
from inspire_med.cli.predictor import PredictorOptions, add_predictor, take_predictor
from inspire_med.errors import InputError

_LEAST_TOKEN = 16  # characters


@dataclass(frozen=True)
class ServeOptions:
    """A model that answers over HTTP, to 3D Slicer too.

    Args:
        predictor: Which models predict, and how.
        host: Address to listen at; any but this machine's own (127.0.0.1) asks for --token_file.
        port: Port to listen at; 0 takes a free one, which is said.
        token_file: Text file of the word that a client must send; none is asked for without it.
        max_upload: Size of the largest upload, all of its files together, as in `500MiB`.
        queue: Requests that may be here at once, the one in work included; others are told to come
            again later.
        timeout_s: Seconds after which a request is given up, from the end of its upload.
        keep: Images that Slicer uploaded before it asks for a mask, kept for it; more replace the
            one that was not used for longest.
        keep_s: Seconds that an image is kept for after its last use.
    """

    predictor: PredictorOptions
    host: str = "127.0.0.1"
    port: int = 8000
    token_file: Path | None = None
    max_upload: str = "2GiB"
    queue: int = 8
    timeout_s: float = 600
    keep: int = 8
    keep_s: float = 3600


def make_parser() -> CommandParser:
    """The command's parser."""
    words = "A model that answers over HTTP, to 3D Slicer too (docs/serving.md)."
    parser = CommandParser(prog="inspire-med serve", description=words)
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    add_predictor(parser)
    parser.add_class_arguments(ServeOptions, as_group=False, skip={"predictor"})
    return parser


def read_options(namespace: Namespace) -> ServeOptions:
    """What was parsed.

    Raises:
        InputError: If a number makes no sense.
    """
    values = vars(namespace)
    values.pop("config")
    options = ServeOptions(predictor=take_predictor(values), **values)
    for name, least in {"queue": 1, "keep": 1, "timeout_s": 1, "keep_s": 1}.items():
        given = getattr(options, name)
        if not least <= given < float("inf"):
            raise InputError(f"--{name}: {given} makes no sense; give at least {least}.")
    if not 0 <= options.port < 2**16:
        raise InputError(f"--port: {options.port} is no port; give one from 1024 to 65535.")
    return options


def read_token(path: Path) -> str:
    """The word in a file that clients must send.

    Raises:
        InputError: If the file cannot be read, or holds no one word that is hard to guess.
    """
    from inspire_med.files import read_text

    token = read_text(path).strip()
    if len(token) < _LEAST_TOKEN or not token.isascii() or len(token.split()) > 1:
        raise InputError(
            f"--token_file: {path} holds no word of {_LEAST_TOKEN} plain characters or more; write "
            "one by: openssl rand -hex 32."
        )
    return token
