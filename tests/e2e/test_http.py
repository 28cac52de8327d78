"""What liftd does with HTTP as clients, proxies and attackers send it: every limit, on a bare socket."""

import gzip
import json
import os
import random
import socket
import struct
import subprocess
import threading
import time

import pytest

import liftdtest
from liftdtest import wait_until
from liftdtest.wire import Wire

BODY_MAX = 65536
DEADLINE_S = 3
HASHED = "/console-ABCD1234.js"
SCRIPT = b"console.log('" + b"x" * 5000 + b"')\n"


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """A console of our own: what is served does not depend on whether the real one is built."""
    path = tmp_path_factory.mktemp("console")
    (path / "index.html").write_text("<!doctype html><title>liftd</title><script type=module src=/x.js></script>")
    (path / HASHED[1:]).write_bytes(SCRIPT)
    (path / (HASHED[1:] + ".gz")).write_bytes(gzip.compress(SCRIPT))
    (path / "icons").mkdir()
    (path / "icons/lift.svg").write_text("<svg/>")
    (path / ".secret").write_text("not to be seen")
    for each in [path, *path.parents]:
        if str(each).startswith("/tmp/pytest"):
            os.chmod(each, 0o755)
    return path


@pytest.fixture(scope="module")
def house_settings(console):
    return {"http.body_max_bytes": BODY_MAX, "http.request_deadline_s": DEADLINE_S, "http.console_dir": console,
            "database.statement_timeout_ms": 1500, "http.connections_max": 400, "http.streams_max": 300}


@pytest.fixture(scope="module")
def house_lifts():
    return 2


@pytest.fixture
def wire(house):
    opened = []

    def make():
        opened.append(Wire(house.http_port))
        return opened[-1]
    yield make
    for each in opened:
        each.close()


def head(line, *headers, host=True):
    return "\r\n".join([line + " HTTP/1.1", *(["Host: x"] if host else []), *headers, "", ""])


def problem(answer):
    """(status, code) of a problem document, checked to be one."""
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json", answer
    document = json.loads(body)
    assert document["status"] == status and document["title"] and document["detail"], document
    assert document["type"] == "urn:liftd:problem:" + document["code"], document
    return status, document["code"]


# --- requests that two servers could read differently -------------------------------------------------------

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POST = "POST /api/v1/session"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize("name, headers, body", [
    ("two equal lengths", ["Content-Length: 2", "Content-Length: 2"], "{}"),
    ("two lengths", ["Content-Length: 2", "Content-Length: 40"], "{}"),
    ("two lengths, other case", ["Content-Length: 2", "content-LENGTH: 40"], "{}"),
    ("length and chunked", ["Content-Length: 2", "Transfer-Encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("chunked and length", ["Transfer-Encoding: chunked", "Content-Length: 2"], "2\r\n{}\r\n0\r\n\r\n"),
    ("chunked twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("chunked, chunked", ["Transfer-Encoding: chunked, chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("gzip, chunked", ["Transfer-Encoding: gzip, chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("identity", ["Transfer-Encoding: identity"], ""),
    ("xchunked", ["Transfer-Encoding: xchunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("a NUL after the length", ["Content-Length: 2\0"], "{}"),
    ("a NUL in a value", ["X: a\0b"], ""),
    ("a NUL in a name", ["\0X: a"], ""),
    ("a control character in a value", ["X: a\x01b"], ""),
    ("no colon", ["Content-Length 2"], "{}"),
    ("a fold before the first field", [" X: y"], ""),
    ("folded coding", ["Transfer-Encoding:\r\n chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("folded coding, nothing left", ["Transfer-Encoding:\r\n chunked"], ""),
    ("folded length", ["Content-Length:\r\n 2"], "{}"),
    ("folded field", ["X: y\r\n z", "Content-Length: 2"], "{}"),
    ("coding with a blank behind", ["Transfer-Encoding: chunked "], "2\r\n{}\r\n0\r\n\r\n"),
    ("coding with a tab", ["Transfer-Encoding: \x0bchunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("blank before the colon", ["Content-Length : 2"], "{}"),
    ("blank before the colon, coding", ["Transfer-Encoding : chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    ("plus", ["Content-Length: +2"], "{}"),
    ("minus", ["Content-Length: -2"], "{}"),
    ("hexadecimal", ["Content-Length: 0x2"], "{}"),
    ("list", ["Content-Length: 2, 2"], "{}"),
    ("empty length", ["Content-Length:"], "{}"),
    ("more than 64 bits", ["Content-Length: 18446744073709551618"], "{}"),
    ("two hosts", ["Host: y"], ""),
    ("two authorizations", ["Authorization: Bearer " + "a" * 43, "Authorization: Bearer " + "b" * 43], ""),
])
def test_ambiguous_requests_are_refused_and_end_the_connection(wire, name, headers, body):
    answers = wire().send(head(POST, JSON, *headers) + body + SMUGGLED * 2).answers()
    assert len(answers) <= 1, f"{name}: {answers}"
    assert all(a[0] in (400, 413) for a in answers), f"{name}: {answers}"


def test_transfer_encoding_in_http_1_0_is_refused(wire):
    answers = wire().send(f"{POST} HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED).answers()
    assert [a[0] for a in answers] in ([400], []), answers


def test_a_request_without_host_is_refused(wire):
    answers = wire().send(head("GET /healthz", host=False)).answers()
    assert [a[0] for a in answers] == [400]


@pytest.mark.parametrize("chunks", [
    b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"2 \r\n{}XX0\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"2\r\n{}__0\r\n\r\n",
    b"zz\r\n",
    b"7fffffffffffffff\r\n" + b"{" * 1000,
    b"1" * 5000 + b"\r\n",
])
def test_broken_chunks_never_become_a_request(wire, chunks):
    with wire() as w:
        w.send(head(POST, JSON, "Transfer-Encoding: chunked").encode() + chunks + SMUGGLED.encode())
        w.socket.shutdown(socket.SHUT_WR)
        answers = w.answers()
        assert all(a[0] >= 400 for a in answers) and len(answers) <= 1, answers


def test_good_chunks_are_understood(house):
    body = json.dumps({"name": "nobody", "password": "x" * 300, "more": 1}).encode()
    with Wire(house.http_port) as w:
        w.send(head(POST, JSON, "Transfer-Encoding: chunked"))
        for at in range(0, len(body), 7):
            piece = body[at:at + 7]
            w.send(b"%x;extension=1\r\n" % len(piece) + piece + b"\r\n")
        w.send("0\r\n\r\n")
        document = json.loads(w.answer()[2])
        assert [e["field"] for e in document["errors"]] == ["more"]


# --- addresses ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("target", [
    "/api/v1/me%00", "/api/v1/me%00.js", "/%00", "/api/v1/lifts?q=%00", "/a%", "/a%2", "/a%zz", "/a%2fb", "/a%5Cb",
    "/../etc/passwd", "/a/../b", "/%2e%2e/x", "/.", "/a/.", "/%ff%fe", "/%c0%af", "/%ed%a0%80", "/?a=%80", "/a%0d%0aX:y",
    "/a\\b", "/a#b", "*", "api", "/\x7f", "/é"])
def test_bad_targets_are_400(wire, target):
    answers = wire().send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1")).answers()
    assert [a[0] for a in answers] == [400], answers


@pytest.mark.parametrize("request_head", [
    "GET /healthz HTTP/1.1\nHost: x\n\n",
    "GET /healthz HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nX: y\r\n\r",
])
def test_lines_end_in_crlf(wire, request_head):
    answers = wire().send(request_head + SMUGGLED).answers()
    assert [a[0] for a in answers] == [400], answers


def test_blanks_where_they_may_be(wire):
    """The check of the head's layout takes what well-behaved clients send: blanks, empty values, cookies, an empty
    line before the request, pieces arriving one by one."""
    text = ("\r\nGET /healthz?a=b&c HTTP/1.1\r\nHost: x\r\nX:\r\nY:  \r\nZ:a b\tc \t\r\n"
            "Cookie: a=b; c=d;e\r\nV: \xc3\xa9\r\n\r\n").encode("latin-1")
    w = wire()
    assert w.send(text).answer()[2] == b"alive\n"
    for at in range(len(text)):
        w.send(text[at:at + 1])
    assert w.answer()[2] == b"alive\n"


@pytest.mark.parametrize("line", ["GET /healthz\0 HTTP/1.1", "GET /healthz\0x HTTP/1.1", "GET /healthz HTTP/1.1\0",
                                  "GET /healthz HTTP/1.1x", "GET /healthz", "GET /healthz HTTP/2.0", "GET /healthz x HTTP/1.1",
                                  "GET\t/healthz HTTP/1.1", " GET /healthz HTTP/1.1"])
def test_broken_request_lines_are_refused(wire, line):
    answers = wire().send(line + "\r\nHost: x\r\nConnection: close\r\n\r\n").answers()
    assert all(a[0] in (400, 505) for a in answers), answers


def test_long_targets_and_heads_are_refused(house, wire):
    assert [a[0] for a in wire().send(head("GET /" + "a" * 5000, "Connection: close")).answers()] == [414]
    for big in (head("GET /" + "a" * 100_000), head("GET /", "X: " + "a" * 100_000), head("GET /", *["X: a"] * 20_000)):
        with wire() as w:
            w.send(big)
            assert all(a[0] in (400, 414, 431) for a in w.answers())
    assert house.readyz()[0] == 200


def test_many_parameters_are_refused(wire):
    answers = wire().send(head("GET /api/v1/lifts?" + "a=1&" * 33, "Connection: close")).answers()
    assert problem(answers[0]) == (400, "bad_target")


def test_an_idempotency_key_that_is_no_text_is_not_overlooked(wire):
    answer = wire().send(head("DELETE /api/v1/session", "Idempotency-Key: \xff").encode("latin-1")).answer()
    assert problem(answer) == (400, "bad_key")


def test_absolute_targets_are_understood(wire):
    assert wire().send(head("GET http://liftd.example/healthz")).answer()[0] == 200


# --- methods, pipelining, HEAD ------------------------------------------------------------------------------

def test_methods(house, wire):
    w = wire()
    assert problem(w.send(head("BREW /api/v1/me")).answer()) == (501, "method_unknown")
    assert problem(w.send(head("get /healthz")).answer()) == (501, "method_unknown")
    assert problem(w.send(head("TRACE /")).answer()) == (501, "method_unknown")
    status, headers, _ = w.send(head("OPTIONS /")).answer()
    assert status == 204 and headers["allow"] == "GET, HEAD, OPTIONS"
    status, headers, _ = w.send(head("OPTIONS /api/v1/me")).answer()
    assert status == 204 and "PATCH" in headers["allow"]
    for path in ("/", "/healthz", "/metrics", HASHED):
        answer = w.send(head("POST " + path, "Content-Length: 0")).answer()
        assert problem(answer) == (405, "method_not_allowed") and answer[1]["allow"] == "GET, HEAD, OPTIONS"
    answer = w.send(head("DELETE /api/v1/me")).answer()
    assert problem(answer)[0] == 405 and "GET" in answer[1]["allow"]


def test_head_is_get_without_body(house):
    session = house.login("admin")
    for path in ("/", HASHED, "/healthz", "/api/v1/me", "/metrics", "/nowhere.js"):
        with Wire(house.http_port) as w:
            cookie = f"Cookie: {session.cookie}"
            got = w.send(head("GET " + path, cookie)).answer()
            asked = w.send(head("HEAD " + path, cookie)).answer(head=True)
            again = w.send(head("GET /healthz")).answer()
            assert asked[0] == got[0] and again[2] == b"alive\n"
            if path != "/metrics":
                assert asked[1]["content-length"] == str(len(got[2]))


def test_head_of_the_event_stream_opens_none(house):
    session = house.login("admin")
    with Wire(house.http_port) as w:
        status, headers, _ = w.send(head("HEAD /api/v1/events", f"Cookie: {session.cookie}")).answer(head=True)
        assert status == 200 and headers["content-type"] == "text/event-stream"
        assert w.send(head("GET /healthz")).answer()[0] == 200


def test_pipelined_requests_are_answered_in_order(wire):
    paths = ["/healthz", "/api/v1/me", HASHED, "/readyz", "/nothing.txt"] * 10
    w = wire().send("".join(head("GET " + path) for path in paths))
    assert [w.answer()[0] for _ in paths] == [200, 401, 200, 200, 404] * 10


def test_many_clients_at_once(house):
    """More requests than there are connections to the database and places in its queue: each is answered."""
    session = house.login("admin")
    statuses = []

    def ask():
        with Wire(house.http_port, 20) as w:
            for _ in range(20):
                statuses.append(w.send(head("GET /api/v1/me", f"Cookie: {session.cookie}")).answer()[0])
    threads = [threading.Thread(target=ask) for _ in range(60)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(statuses) == 1200 and set(statuses) <= {200, 503} and statuses.count(200) > 1000


def test_http_1_0_closes(wire):
    answers = wire().send("GET /healthz HTTP/1.0\r\n\r\n").answers()
    assert [a[0] for a in answers] == [200]


# --- bodies -------------------------------------------------------------------------------------------------

def post(w, body, *headers, path="/api/v1/session"):
    body = body if isinstance(body, bytes) else body.encode()
    return w.send(head("POST " + path, f"Content-Length: {len(body)}", *(headers or [JSON])).encode() + body).answer()


@pytest.mark.parametrize("body, expected", [
    ('{"name"', (400, "malformed_json")),
    ("", None),
    ("{} {}", (400, "malformed_json")),
    ("[" * 40 + "]" * 40, (400, "too_deep")),
    ('{"a":' * 33 + "1" + "}" * 33, (400, "too_deep")),
    ("[" * 60_000, (400, "too_deep")),
    ('{"name":"a","name":"b"}', (400, "duplicate_name")),
    ('{"x":{"a":1,"a":2}}', (400, "duplicate_name")),
    (b'{"name":"\xff\xfe"}', (400, "not_utf8")),
    (b'{"name":"\xed\xa0\x80"}', (400, "not_utf8")),
    ('{"name":"a\\u0000b"}', (400, "malformed_json")),
    ('{"name":"\\ud800"}', (400, "malformed_json")),
    ('{"name":NaN}', (400, "malformed_json")),
    ('{"name":1e999}', (400, "malformed_json")),
    ('{"name":123456789012345678901234567890}', (400, "malformed_json")),
    ("[]", (422, "not_an_object")),
    ("3", (422, "not_an_object")),
    ('"x"', (422, "not_an_object")),
    ("null", (422, "not_an_object")),
    ('{"name":"a","password":1}', (422, "invalid")),
    ('{"name":"a","password":null}', (422, "invalid")),
    ('{"name":"a","password":["x"]}', (422, "invalid")),
    ('{"name":"a"}', (422, "invalid")),
    ('{"name":"a","password":"b","color":"red"}', (422, "invalid")),
    ('{"name":["a"],"password":"b"}', (422, "invalid")),
])
def test_bad_bodies(wire, body, expected):
    w = wire()
    answer = post(w, body)
    assert problem(answer) == (expected or (422, "invalid")), answer
    assert w.send(head("GET /healthz")).answer()[0] == 200, "the connection goes on"


def test_errors_name_their_fields(wire):
    document = json.loads(post(wire(), '{"name":"a","password":1}')[2])
    assert document["errors"] == [{"field": "password", "detail": document["detail"]}]
    document = json.loads(post(wire(), '{"name":"a","password":"b","color":"red"}')[2])
    assert [e["field"] for e in document["errors"]] == ["color"]


@pytest.mark.parametrize("headers", [
    ["Content-Type: text/plain"], ["Content-Type: application/x-www-form-urlencoded"], ["X: y"],
    ["Content-Type: application/json; charset=gbk"], ["Content-Type: application/jsonx"],
    [JSON, "Content-Encoding: gzip"]])
def test_other_content_types_are_415(wire, headers):
    w = wire()
    assert problem(post(w, '{"name":"a","password":"b"}', *headers))[0] == 415
    assert w.send(head("GET /healthz")).answer()[0] == 200


def test_content_type_with_charset(wire):
    answer = post(wire(), '{"name":"a"}', "Content-Type: Application/JSON; charset=UTF-8")
    assert problem(answer) == (422, "invalid")


def test_a_body_that_is_too_large_is_413_and_heard(house, wire):
    w = wire()
    assert problem(post(w, '{"name":"' + "a" * BODY_MAX + '"}')) == (413, "too_large")
    assert w.send(head("GET /healthz")).answer()[0] == 200, "what is only a little too large is drained"
    w = wire()
    w.send(head(POST, JSON, "Content-Length: 1000000000000"))
    assert problem(w.answer()) == (413, "too_large") and w.closed_within(2) is not None
    w = wire()
    w.send(head(POST, JSON, f"Content-Length: {BODY_MAX + 1}", "Expect: 100-continue"))
    assert problem(w.answer())[0] == 413 and w.closed_within(2) is not None
    w = wire()
    w.send(head(POST, JSON, "Transfer-Encoding: chunked"))
    for _ in range(200):
        w.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
    w.send("0\r\n\r\n")
    assert problem(w.answer()) == (413, "too_large")


def test_an_endless_body_is_cut_off(wire):
    w = wire()
    w.send(head(POST, JSON, "Transfer-Encoding: chunked"))
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    sent = 0
    while not w.ended and sent < 400:
        w.send(piece)
        sent += 1
    assert sent < 400, "26 MB were taken from a client that may send 64 KiB"


def test_expect_continue(wire):
    w = wire()
    w.send(head(POST, JSON, "Content-Length: 12", "Expect: 100-continue"))
    assert w.answer()[0] == 100
    assert problem(w.send('{"name":"a"}').answer()) == (422, "invalid")


def test_no_body_where_none_belongs(wire):
    for line in ("GET /api/v1/me", "GET /healthz", "HEAD /"):
        answer = wire().send(head(line, JSON, "Content-Length: 2") + "{}").answer(head=line.startswith("HEAD"))
        assert answer[0] == 413


def test_bodies_at_once_are_bounded(house):
    """More bodies than may be in memory: the rest hears 503 at once, and the first ones still finish."""
    body = b'{"name":"somebody"}'
    wires = [Wire(house.http_port) for _ in range(40)]
    for w in wires:
        w.send(head(POST, JSON, f"Content-Length: {len(body)}").encode() + body[:5])
    time.sleep(0.3)
    for w in wires:
        w.send(body[5:])
    answers = [w.answer() for w in wires]
    refused = [problem(a) for a in answers if a[0] == 503]
    assert len(refused) == 8 and all(a[0] in (422, 503) for a in answers)
    assert all("retry-after" in a[1] for a in answers if a[0] == 503)
    for w in wires:
        w.close()


# --- time ---------------------------------------------------------------------------------------------------

def trickle(w, text, every_s, limit_s):
    """Sends byte after byte until liftd closes; returns the seconds that took."""
    begun = time.monotonic()
    w.socket.settimeout(every_s)
    for byte in text:
        w.send(bytes([byte]))
        try:
            if not w._more():
                return time.monotonic() - begun
        except socket.timeout:
            pass
        if time.monotonic() - begun > limit_s:
            return None
    return None


@pytest.mark.parametrize("begin, rest", [
    (b"", b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 1000),
    (head(POST, JSON, "Content-Length: 1000").encode(), b"{" + b" " * 1000),
    (head(POST, JSON, "Transfer-Encoding: chunked").encode(), b"1\r\n{\r\n" * 300),
])
def test_a_client_that_trickles_dies_by_the_deadline(house, begin, rest):
    with Wire(house.http_port) as w:
        w.send(begin)
        took = trickle(w, rest, 0.1, DEADLINE_S + 5)
        assert took is not None and took < DEADLINE_S + 2.5, took


def test_a_client_that_does_not_read_dies_by_the_deadline(house):
    before = house.metrics()["liftd_http_deadlines_total"]
    with Wire(house.http_port) as w:
        w.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        w.send(head("GET " + HASHED) * 3000)
        wait_until(lambda: house.metrics()["liftd_http_deadlines_total"] > before, DEADLINE_S + 5)


def test_a_silent_connection_is_closed(house):
    with Wire(house.http_port) as w:
        assert w.closed_within(DEADLINE_S + 3) is not None


def test_keep_alive_outlasts_the_deadline(house):
    with Wire(house.http_port) as w:
        assert w.send(head("GET /healthz")).answer()[0] == 200
        time.sleep(DEADLINE_S + 2)
        assert w.send(head("GET /healthz")).answer()[0] == 200


def test_clients_that_break_off_leave_nothing_behind(house):
    """Connections reset at every stage of a request: all are forgotten, and the server goes on."""
    request = head(POST, JSON, "Content-Length: 27").encode() + b'{"name":"a","password":"b"}'
    for length in range(0, len(request) + 1, 3):
        w = Wire(house.http_port)
        w.send(request[:length])
        w.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        w.close()
    wait_until(lambda: house.metrics()["liftd_http_connections"] <= 2, 10)


def test_mutated_requests(house):
    """Good requests with pieces cut out, doubled, swapped and bent, by a fixed seed: every answer is a status, and
    the server goes on. (The sanitized build would say what a bad read looks like.)"""
    chance = random.Random(20261123)
    good = [head("GET /api/v1/alarms?state=open&limit=5", "Cookie: liftd_session=" + "a" * 43, "Accept: */*"),
            head(POST, JSON, "Content-Length: 13") + '{"name": "a"}',
            head(POST, JSON, "Transfer-Encoding: chunked") + 'd\r\n{"name": "a"}\r\n0\r\n\r\n',
            head("GET " + HASHED, "If-None-Match: *", "Accept-Encoding: gzip") + head("HEAD /") + head("OPTIONS /api")]
    pieces = [b"\r\n", b"\r", b"\n", b"\0", b" ", b":", b"\t", b"%00", b"%", b"\r\n ", b"chunked", b"Content-Length: 4",
              b"\xff", b"Transfer-Encoding", b"HTTP/1.1", b"/../", b"-1", b"99999999999999999999", b"{", b"\x80"]
    for _ in range(3000 if os.environ.get("LIFTD_SOAK") else 600):
        data = bytearray(chance.choice(good).encode() * chance.choice((1, 1, 2)))
        for _ in range(chance.randint(1, 4)):
            at, upto = sorted(chance.randrange(len(data) + 1) for _ in range(2))
            change = chance.randrange(4)
            if change == 0:
                data[at:at] = chance.choice(pieces)
            elif change == 1:
                del data[at:min(upto, at + 9)]
            elif change == 2:
                data[at:at] = data[at:min(upto, at + 30)]
            elif at < len(data):
                data[at] = chance.randrange(256)
        with Wire(house.http_port) as w:
            w.send(bytes(data))
            w.socket.settimeout(0.01)
            try:
                while (answer := w.answer()) is not None:
                    assert 100 <= answer[0] < 600
            except (socket.timeout, ValueError, IndexError):
                pass
    assert house.readyz()[0] == 200


# --- the console's files ------------------------------------------------------------------------------------

def test_pages_are_the_index(wire):
    w = wire()
    index = w.send(head("GET /")).answer()
    assert index[0] == 200 and index[1]["content-type"] == "text/html; charset=utf-8" and b"<!doctype" in index[2]
    assert index[1]["cache-control"] == "no-cache"
    for path in ("/alarms", "/lifts/12", "/wallboard/abc_DEF-123", "/index.html", "/users?x=1"):
        assert w.send(head("GET " + path)).answer()[2] == index[2]
    for path in ("/x.js", "/icons/none.svg", "/.secret", "/icons/.x", "/a/b.php", HASHED + ".gz"):
        assert problem(w.send(head("GET " + path)).answer()) == (404, "not_found")
    assert w.send(head("GET /icons/lift.svg")).answer()[1]["content-type"] == "image/svg+xml"


def test_files_have_tags_and_compressed_forms(wire):
    w = wire()
    status, headers, body = w.send(head("GET " + HASHED)).answer()
    assert status == 200 and body == SCRIPT and "content-encoding" not in headers
    assert headers["cache-control"] == "public, max-age=31536000, immutable" and headers["vary"] == "Accept-Encoding"
    status, packed, body = w.send(head("GET " + HASHED, "Accept-Encoding: br, gzip;q=0.8")).answer()
    assert packed["content-encoding"] == "gzip" and gzip.decompress(body) == SCRIPT
    status, _, body = w.send(head("GET " + HASHED, "Accept-Encoding: gzip;q=0, br")).answer()
    assert body == SCRIPT
    for tag in (headers["etag"], headers["etag"][2:], '"x", ' + headers["etag"], "*"):
        status, again, body = w.send(head("GET " + HASHED, "If-None-Match: " + tag)).answer()
        assert status == 304 and body == b"" and again["etag"] == headers["etag"]
    assert w.send(head("GET " + HASHED, 'If-None-Match: "other"')).answer()[0] == 200


def test_security_headers_are_everywhere(wire):
    w = wire()
    for line in ("GET /", "GET " + HASHED, "GET /api/v1/me", "GET /none.txt", "GET /healthz", "OPTIONS /", "BREW /"):
        headers = w.send(head(line)).answer()[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
    assert "no-store" in w.send(head("GET /none.txt")).answer()[1]["cache-control"]


# --- health, metrics ----------------------------------------------------------------------------------------

def test_metrics_are_understood_by_prometheus(house):
    parser = pytest.importorskip("prometheus_client.parser")
    text = house.http.get("//metrics").body.decode()
    families = {f.name: f for f in parser.text_string_to_metric_families(text)}
    assert all(f.documentation and f.type in ("counter", "gauge", "histogram") for f in families.values())
    assert all(n.startswith(("liftd_", "process_")) for n in families)
    seconds = families["liftd_gateway_call_seconds"]
    count = next(s.value for s in seconds.samples if s.name.endswith("_count"))
    buckets = [s.value for s in seconds.samples if s.name.endswith("_bucket")]
    assert seconds.type == "histogram" and buckets == sorted(buckets) and buckets[-1] == count > 0
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
    assert abs(families["process_start_time_seconds"].samples[0].value - time.time()) < 900
    labels = {s.labels["class"] for s in families["liftd_http_requests"].samples}
    assert labels == {"2xx", "3xx", "4xx", "5xx", "dropped"}


def test_metrics_are_for_this_machine(house):
    assert house.http.get("//metrics", headers={"X-Forwarded-For": "10.0.0.1"}, expect=403).json["code"] == "local_only"


def test_without_a_proxy_nobody_is_believed_about_addresses(house):
    house.login("admin")
    answer = house.http.post("/session", {"name": "admin", "password": "correct horse battery"},
                             headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})
    assert "Secure" not in answer.headers["set-cookie"]
    assert house.value("select remote from auth.session order by created_at desc limit 1").startswith("127.0.0.1")


def test_a_taken_port_is_said(house):
    status, output = house.liftd("serve", ok=False)
    assert status != 0 and f"port {house.http_port} of 127.0.0.1 is taken by another program" in output, output


def test_health_and_unknown_things(house):
    assert house.http.get("//healthz").body == b"alive\n"
    assert house.readyz() == (200, "ready\n")
    assert house.http.get("//api", expect=404).json["code"] == "not_found"
    assert house.http.get("//apix", expect=200).headers["content-type"].startswith("text/html")


def test_curl_agrees(house):
    """An HTTP client we did not write: keep-alive, compressed files, HEAD, a JSON body."""
    base = f"http://127.0.0.1:{house.http_port}"
    out = subprocess.run(["curl", "-sS", "--fail", "--compressed", base + HASHED, base + HASHED], capture_output=True)
    assert out.stdout == SCRIPT * 2, out.stderr
    out = subprocess.run(["curl", "-sSI", base + "/"], capture_output=True, text=True)
    assert out.stdout.startswith("HTTP/1.1 200")
