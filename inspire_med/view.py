"""Command: a folder's pages in a browser, here or by ssh (`python -m inspire_med.view DIR`)."""

import getpass
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from inspire_med.cli.command import run_command, say
from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError


@dataclass(frozen=True)
class ViewOptions:
    """A folder's pages in a browser.

    Args:
        port: Where this machine's browser, or an ssh tunnel, finds them; 0 takes a free one.
    """

    port: int = 8765


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, serve until Ctrl-C, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med view",
        description="Serve a folder's pages (reports, doubt, comparisons) to this machine's "
        "browser, or through ssh to another's; read-only.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="Of predictions, or a run.")
    parser.add_class_arguments(ViewOptions, as_group=False)
    return run_command(parser, _view, arguments)


def _view(options: Namespace) -> None:
    if not options.folder.is_dir():
        raise InputError(f"DIR: {options.folder} is no folder; give one that holds pages.")
    if not 0 <= options.port < 2**16:
        raise InputError(f"--port: {options.port} is no port; give one from 1024 to 65535.")

    from inspire_med.serving.folder import FolderServer

    with FolderServer(options.folder, options.port) as server:
        port = server.server_port
        try:
            say(f"{server.url}\nfrom another machine: ssh -L {port}:localhost:{port} {_here()}")
            say("Ctrl-C ends it")
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")


def _here() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


if __name__ == "__main__":
    raise SystemExit(main())
