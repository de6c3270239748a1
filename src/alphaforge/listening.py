"""Where clients connect: the listening socket of one process, or those of several on one address."""

import resource
import socket
import sys

from alphaforge.core.errors import InvalidSetting

BACKLOG = 2048
_MOST_FILES = 1 << 20
"""Open files to ask for where the machine sets no limit."""

SPREADS = sys.platform == "linux"
"""Whether the kernel spreads connections evenly over the sockets of one address; elsewhere the last one gets all."""


def listen(host: str, port: int) -> socket.socket:
    """The listening socket of one process; raises InvalidSetting where the address cannot be had."""
    listener = _bound(host, port)
    listener.listen(BACKLOG)
    return listener


class Address:
    """One address for several processes: each is given a listener of its own, and the kernel chooses among them.

    Of one socket for all the first to wake takes what comes: with two processes up to nine of ten connections.
    Raises InvalidSetting where the address cannot be had.
    """

    def __init__(self, host: str, port: int) -> None:
        # bound without sharing, so that another server's address is refused; and kept, so that none can take it
        self._holder = _bound(host, port)
        self._place = self._holder.getsockname()
        if SPREADS:
            self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            self._holder.listen(BACKLOG)

    @property
    def url(self) -> str:
        """As clients write it."""
        return url_of(self._holder)

    def listener(self) -> socket.socket:
        """Another listener; what waits at it waits until somebody accepts or it is closed everywhere."""
        if not SPREADS:
            return self._holder.dup()
        listener = socket.socket(self._holder.family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(self._place)
        listener.listen(BACKLOG)
        return listener

    def close(self) -> None:
        """Let the address go."""
        self._holder.close()


def url_of(listener: socket.socket) -> str:
    """The address of a listener as clients write it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def allow_many_files() -> tuple[int, int]:
    """Let this process open as many files as it may, for each connection is one; answers before and after."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft, soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return soft, wanted


def _bound(host: str, port: int) -> socket.socket:
    """A bound socket, made first of all: an address in use is the cheapest of all failures to find."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise InvalidSetting(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            advice="Another server may run there already; choose another with PORT=5001 or --port 5001.",
        ) from None
    return taken
