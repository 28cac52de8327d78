"""HTTP on a bare socket, for requests that no client library would send."""

import socket
import time


class Wire:
    """One TCP connection to liftd. Use as a context manager."""

    def __init__(self, port, timeout_s=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self.ended = False

    def send(self, data):
        """Sends; a connection that the other side has closed meanwhile is no error."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        except OSError:
            self.ended = True
        return self

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.ended = self.ended or not piece
        self.kept += piece
        return bool(piece)

    def answer(self, head=False):
        """The next response as (status, {lower-case name: value}, body), or None when the connection ended."""
        while b"\r\n\r\n" not in self.kept:
            if not self._more():
                return None
        top, self.kept = self.kept.split(b"\r\n\r\n", 1)
        lines = top.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = 0 if head or status in (204, 304) else int(headers.get("content-length", 0))
        while len(self.kept) < length and self._more():
            pass
        body, self.kept = self.kept[:length], self.kept[length:]
        return status, headers, body

    def answers(self):
        """Every response until liftd closes the connection (fails when it does not within the timeout)."""
        found = []
        while True:
            one = self.answer()
            if one is None:
                return found
            found.append(one)

    def closed_within(self, seconds):
        """Waits for liftd to close; returns how long that took, None when it stayed open."""
        begun = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self._more():
                self.socket.settimeout(max(0.01, seconds - (time.monotonic() - begun)))
        except socket.timeout:
            return None
        return time.monotonic() - begun

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
