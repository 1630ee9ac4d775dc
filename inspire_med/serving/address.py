"""Address: where a server listens, taken before anything slow is done."""

import ipaddress
import socket

from inspire_med.errors import InputError


def take_address(host: str, port: int) -> socket.socket:
    """A socket that nobody else can have; it does not listen yet.

    Raises:
        InputError: If the port is taken or not allowed, or if the host is not this machine's.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InputError(
            f"--host: {host} is no address ({error.strerror}); give one of this machine."
        ) from None
    own = socket.socket(family, kind)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a server that has ended
    try:
        own.bind(place)
        own.listen()
    except OSError as error:
        own.close()
        raise InputError(
            f"--port: cannot listen at {host} port {port} ({error.strerror}); choose another, or "
            "--port 0 for a free one."
        ) from None
    return own


def is_loopback(taken: socket.socket) -> bool:
    """Whether this machine alone reaches a socket."""
    return ipaddress.ip_address(taken.getsockname()[0]).is_loopback


def url_of(taken: socket.socket, host: str) -> str:
    """The address as a client writes it."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{taken.getsockname()[1]}"
