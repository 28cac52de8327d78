"""A proxy between liftd and PostgreSQL or the broker that cuts connections at a moment of the test's choosing."""

import os
import socket
import struct
import threading

from . import base


class Proxy:
    """Listens (on a free TCP port, or on a unix socket in a directory of its own) and passes bytes to target:
    a port, or the path of a socket. cut() breaks every connection at once."""

    def __init__(self, target, unix=False):
        self.target, self.unix = target, unix
        self.dir = base.scratch("proxy") if unix else None
        self.listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if unix:
            self.path = str(self.dir / os.path.basename(target))
            self.listener.bind(self.path)
            os.chmod(self.path, 0o777)
        else:
            self.port = base.free_port()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(100)
        self.lock = threading.Lock()
        self.pairs = set()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.socket(socket.AF_UNIX if self.unix else socket.AF_INET)
                server.connect(self.target if self.unix else ("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            if not self.unix:
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = Pair(self, client, server)
            with self.lock:
                self.pairs.add(pair)
            for pump in (pair.from_client, pair.from_server):
                threading.Thread(target=pump, daemon=True).start()

    def cut(self):
        """Breaks every connection."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            pair.close()
        self.cuts += len(pairs)

    def on_client_bytes(self, pair, data):
        """May look at what a client sends; what it returns is passed on."""
        return data

    def on_server_bytes(self, pair, data):
        return data

    def close(self):
        self.listener.close()
        self.cut()
        if self.dir:
            base.discard(self.dir)


class Pair:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.state = {}

    def _pump(self, source, target, look):
        try:
            while data := source.recv(262144):
                data = look(self, data)
                if data:
                    target.sendall(data)
        except OSError:
            pass
        self.close()

    def from_client(self):
        self._pump(self.client, self.server, self.proxy.on_client_bytes)

    def from_server(self):
        self._pump(self.server, self.client, self.proxy.on_server_bytes)

    def close(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.proxy.lock:
            self.proxy.pairs.discard(self)
        self.client.close()
        self.server.close()


class DatabaseProxy(Proxy):
    """Understands enough of PostgreSQL's protocol to know when liftd has sent the last byte that makes a batch
    commit: the query with its COMMIT went first, then the rows; the last CopyDone sets it off.

    arm("before")  cuts instead of sending that last message: the batch is not in the database;
    arm("after")   sends it and cuts at once: nobody knows;
    arm("answer")  lets the commit happen and cuts instead of passing on the answer: it is in the database.
    at_commit is called at that moment, before the cut."""

    def __init__(self, target):
        super().__init__(target, unix=True)
        self.mode = None
        self.at_commit = None
        self.fired = threading.Event()

    def arm(self, mode, at_commit=None):
        self.fired.clear()
        self.at_commit = at_commit
        self.mode = mode

    def disarm(self):
        self.mode = None

    def on_client_bytes(self, pair, data):
        state = pair.state
        buffer = state.get("buffer", b"") + data
        passed = 0  # bytes of buffer that belong to messages looked at
        while True:
            typed = 1 if state.get("started") else 0
            if len(buffer) < passed + typed + 4:
                break
            length = struct.unpack_from("!I", buffer, passed + typed)[0] + typed
            kind = buffer[passed:passed + 1] if typed else b""
            if len(buffer) < passed + length:
                break
            if self._last_of_batch(state, kind, buffer[passed:passed + length]) and self.mode in ("before", "after"):
                end = passed if self.mode == "before" else passed + length
                self._fire(pair, buffer[:end])
                return b""
            passed += length
        state["buffer"] = buffer[passed:]
        return buffer[:passed]

    def _last_of_batch(self, state, kind, message):
        if not kind:
            state["started"] = True
        elif kind == b"Q":
            state["copies"] = message.count(b"COPY ") if b"meta.advance" in message else 0
        elif kind == b"c" and state.get("copies"):
            state["copies"] -= 1
            return state["copies"] == 0
        return False

    def _fire(self, pair, data):
        self.mode = None
        if data:
            pair.server.sendall(data)
        try:
            if self.at_commit:
                self.at_commit()
        finally:
            pair.close()
            self.cuts += 1
            self.fired.set()

    def on_server_bytes(self, pair, data):
        if self.mode == "answer" and b"COMMIT\0" in data and "copies" in pair.state:
            self._fire(pair, b"")
            return b""
        return data
