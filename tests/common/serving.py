"""A server on this machine that serves one file as real servers do: well, badly, or not at all."""

import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What is served and how.

    Args:
        content: The file.
        ranges: Whether it goes on where it is asked to.
        cut_after: Bytes after which each of the first connections is closed, one a connection.
        errors: Status codes that the first requests get instead.
        shift: Added to where a part is said to begin.
        silent_s: How long it says nothing before it answers.
    """

    content: bytes
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    shift: int = 0
    silent_s: float = 0
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(content, **how):
    """Serve a file; what was asked for is kept in `asked`."""
    served = Served(content, **how)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            served.asked.append(asked)
            time.sleep(served.silent_s)
            if served.errors:
                self.send_error(served.errors.pop(0))
                return
            begin = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and served.ranges else 0
            total = len(served.content)
            if begin >= total and begin:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return
            self.send_response(206 if begin else 200)
            if begin:
                where = f"bytes {begin + served.shift}-{total - 1}/{total}"
                self.send_header("Content-Range", where)
            self.send_header("Content-Length", str(total - begin))
            self.end_headers()
            rest = served.content[begin:]
            if served.cut_after:
                rest = rest[: served.cut_after.pop(0)]
            with suppress(ConnectionError):  # a client that has seen enough
                self.wfile.write(rest)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
