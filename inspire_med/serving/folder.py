"""Folder: the pages below a folder, read-only, for who sits at another screen and has the token."""

import hmac
import os
import secrets
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from inspire_med.reports.page import render
from inspire_med.serving.address import take_address

LOOPBACK = "127.0.0.1"
_OWN_NAMES = ("localhost", LOOPBACK)  # a page elsewhere cannot come under another name


class FolderServer(ThreadingHTTPServer):
    """Serves the `.html` files below a folder at this machine's loopback address alone.

    Args:
        folder: Nothing outside it is read, whatever a path or a link says.
        port: 0 takes a free one.

    Raises:
        InputError: If the port is taken or not allowed.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.resolve()
        self.token = secrets.token_urlsafe(24)
        super().__init__((LOOPBACK, port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = take_address(LOOPBACK, port)
        self.server_name, self.server_port = self.server_address = self.socket.getsockname()

    @property
    def url(self) -> str:
        """What opens the list of pages; it holds the token."""
        return f"http://localhost:{self.server_port}/?token={self.token}"

    def pages(self) -> Iterator[Path]:
        """The pages that can be opened, relative to the folder."""
        for place, folders, names in os.walk(self.folder):
            folders.sort()
            for name in sorted(names):
                relative = (Path(place) / name).relative_to(self.folder)
                if self.page(relative) is not None:
                    yield relative

    def page(self, relative: Path) -> Path | None:
        """The file behind a path, or None where there is no page inside the folder."""
        try:
            file = (self.folder / relative).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # none, a zero byte, a ring of links
            return None
        inside = file.is_relative_to(self.folder)
        return file if inside and file.suffix == ".html" and file.is_file() else None

    def knows(self, token: str) -> bool:
        """Whether it is the token, found in a time that does not tell how much of it is right."""
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; the base class refuses all else."""

    server: FolderServer  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = 60  # else who connects and says nothing keeps a thread
    server_version = "inspire-med"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, or the list of pages."""
        if content := self._answered():
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        """What GET says of the page."""
        self._answered()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep no log: a path may hold a patient's name."""

    def _answered(self) -> bytes | None:
        """Send status and headers; the content, where there is any to send."""
        try:
            asked = urlsplit(self.path)
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:  # as of an opened bracket
            return self.send_error(400)
        if name not in _OWN_NAMES:
            return self.send_error(403, "Come by localhost")
        given = parse_qs(asked.query).get("token", [""])[0]
        if self.server.knows(given):  # moved into a cookie, so that it leaves the address bar
            return self._redirect(asked.path)
        if not self.server.knows(self._cookie()):
            return self.send_error(403, "Open the address that inspire-med view printed")
        relative = unquote(asked.path, errors="surrogateescape").lstrip("/")
        if not relative:
            return self._send(_listed(self.server))
        file = self.server.page(Path(relative))
        return self.send_error(404) if file is None else self._send(file.read_bytes())

    def _redirect(self, path: str) -> None:
        self.send_response(303)
        self.send_header("Location", "/" + path.lstrip("/\\"))  # `//name` would be another host
        kept = f"{self._cookie_name()}={self.server.token}"
        self.send_header("Set-Cookie", f"{kept}; Path=/; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes) -> bytes:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return content

    def end_headers(self) -> None:
        """With what keeps a page to itself."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        super().end_headers()

    def _cookie(self) -> str:
        try:
            held = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie_name())
        except CookieError:
            return ""
        return "" if held is None else held.value

    def _cookie_name(self) -> str:
        """Of this server's own: browsers keep one jar for all ports of a host."""
        return f"inspire_med_{self.server.server_port}"


def _listed(server: FolderServer) -> bytes:
    pages = [(quote(os.fsencode(page)), str(page)) for page in server.pages()]
    page = render("folder.html.j2", folder=str(server.folder), pages=pages)
    return page.encode(errors="replace")  # a name need not be text
