"""A small HTTP client for the API: JSON in and out, one cookie, and the event stream."""

import http.client
import json
import socket
import threading
import time
import urllib.parse

from . import base


class Answer:
    """status, headers (lower-case names), body (bytes), and json for what parses as JSON."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Http:
    """Requests to one liftd. expect= checks the status and shows the answer when it differs."""

    def __init__(self, port, cookie=None, prefix="/api/v1"):
        self.port, self.cookie, self.prefix = port, cookie, prefix

    def request(self, method, path, body=None, headers=None, expect=None, timeout_s=15):
        """A path not beginning with the prefix and not absolute (starting '//' means: as it is) gets the prefix."""
        target = path[1:] if path.startswith("//") else self.prefix + path
        sent = {"Accept": "application/json"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        if expect is not None:
            wanted = expect if isinstance(expect, (tuple, list, set)) else (expect,)
            assert answer.status in wanted, f"{method} {target}: expected {expect}, got {answer}"
        return answer

    def get(self, path, query=None, expect=200, **kwargs):
        if query:
            path += "?" + urllib.parse.urlencode(query, doseq=True)
        return self.request("GET", path, expect=expect, **kwargs)

    def post(self, path, body=None, expect=(200, 201, 202, 204), **kwargs):
        return self.request("POST", path, body={} if body is None else body, expect=expect, **kwargs)

    def patch(self, path, body, expect=200, **kwargs):
        return self.request("PATCH", path, body=body, expect=expect, **kwargs)

    def delete(self, path, expect=(200, 204), **kwargs):
        return self.request("DELETE", path, expect=expect, **kwargs)

    def login(self, name, password, expect=200):
        """Opens a session and returns a client that has it."""
        answer = Http(self.port).post("/session", {"name": name, "password": password}, expect=expect)
        cookie = answer.headers.get("set-cookie", "").split(";")[0]
        return Http(self.port, cookie)

    def events(self):
        return Events(self.port, self.cookie, self.prefix)


class Events:
    """The event stream, read by a thread: .seen is a list of (event, data, when). Use as a context manager."""

    def __init__(self, port, cookie, prefix):
        self.seen = []
        self.closed = False
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Accept": "text/event-stream"}
        if cookie:
            headers["Cookie"] = cookie
        self._connection.request("GET", prefix + "/events", headers=headers)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        if self.status == 200:
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()

    def _read(self):
        event, data = "message", []
        try:
            for raw in self._response:
                line = raw.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].strip())
                elif not line:
                    if data:
                        text = "\n".join(data)
                        try:
                            self.seen.append((event, json.loads(text), time.monotonic()))
                        except ValueError:
                            self.seen.append((event, text, time.monotonic()))
                    event, data = "message", []
        except Exception:  # the stream ends when either side closes it
            pass
        self.closed = True

    def wait(self, event, match=lambda data: True, timeout_s=10, after=0):
        """The first event of that name that matches, among those from index `after` on."""
        def found():
            return next((data for name, data, _ in self.seen[after:] if name == event and match(data)), None)
        return base.wait_until(lambda: (found() is not None) and [found()], timeout_s,
                               f"event {event}; seen: {[s[:2] for s in self.seen[-20:]]}")[0]

    def close(self):
        if self._connection.sock:
            try:  # wakes the reading thread, which else holds the socket open until the next beat
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
