"""What liftd does over time: event streams, passwords, a slow database, one that is away, and its own end."""

import concurrent.futures
import hashlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from liftdtest import wait_until
from liftdtest.wire import Wire

STREAMS_MAX = 550
CONNECTIONS = 4
SANITIZED = "san" in os.environ.get("LIFTD_BUILD", "")


@pytest.fixture(scope="module")
def house_settings():
    return {"http.streams_max": STREAMS_MAX, "http.connections_max": 1200, "http.request_deadline_s": 10,
            "http.behind_proxy": True, "database.statement_timeout_ms": 1500, "database.web_connections": CONNECTIONS}


@pytest.fixture(scope="module")
def house_lifts():
    return 3


@pytest.fixture(scope="module")
def admin(house):
    return house.login("admin")


@pytest.fixture(scope="module")
def elsewhere(house):
    """A lift of another area, and a dispatcher who sees that area only."""
    lift = house.register(1, area="far")[0].lift_id
    return lift, house.login("far-dispatcher", "dispatcher", areas=["far"])


def notify(house, **payload):
    house.execute("select pg_notify('liftd', %s)", json.dumps(payload))


def request(path, cookie, method="GET", *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"Cookie: {cookie}", *headers, "", ""])


class Held:
    """A transaction that holds up every API call that looks a session up, until it is left."""

    def __init__(self, house):
        self.connection = house.db()

    def __enter__(self):
        self.connection.cursor().execute("begin; lock table auth.session in access exclusive mode")
        return self

    def __exit__(self, *_):
        self.connection.close()


def wait_held(house, count):
    """Until that many of the gateway's connections wait in PostgreSQL."""
    wait_until(lambda: house.value("select count(*) from pg_stat_activity where datname = current_database() and "
                                   "application_name = 'liftd gateway' and wait_event_type = 'Lock'") >= count)


# --- event streams ------------------------------------------------------------------------------------------

def test_a_stream_begins_with_the_state_of_things_and_beats(admin):
    with admin.events() as stream:
        assert stream.wait("status") == {"database": "up", "broker": "up", "recording": True}
        stream.wait("beat")
        wait_until(lambda: sum(e[0] == "beat" for e in stream.seen) >= 2, 12)
        times = [when for event, _, when in stream.seen if event == "beat"]
        assert 3.5 < times[1] - times[0] < 7.5


def test_a_stream_needs_a_session(house):
    assert house.http.events().status == 401


def test_streams_hear_what_concerns_their_lifts(house, admin, elsewhere):
    here, (there, limited) = house.units[0].lift_id, elsewhere
    with admin.events() as everything, limited.events() as some:
        some.wait("status")
        everything.wait("status")
        notify(house, topic="alarm", id=1, lift_id=here, code=40)
        notify(house, topic="alarm", id=2, lift_id=there, code=40)
        notify(house, topic="refusals")
        notify(house, topic="presence", device="dev00001")
        some.wait("presence")
        everything.wait("presence")
        assert [e[1]["id"] for e in everything.seen if e[0] == "alarm"] == [1, 2]
        assert [e[1]["id"] for e in some.seen if e[0] == "alarm"] == [2]
        assert everything.wait("presence")["device"] == "dev00001"
        assert some.wait("presence") == {"topic": "presence"}, "not for which device: it may be another firm's"


def test_lifts_are_told_once_a_second(house, admin):
    with admin.events() as stream:
        stream.wait("status")
        for _ in range(30):
            notify(house, topic="lifts")
            time.sleep(0.1)
        time.sleep(1.2)
        assert 2 <= sum(e[0] == "lifts" for e in stream.seen) <= 5


def test_ending_a_session_ends_its_streams(house, admin):
    other = house.login("dispatcher")
    with other.events() as leaving, admin.events() as staying:
        leaving.wait("status")
        staying.wait("status")
        other.delete("/session")
        wait_until(lambda: leaving.closed)
        notify(house, topic="alarms")
        staying.wait("alarms")
        assert not staying.closed and other.events().status == 401


def test_a_changed_registry_renews_limited_streams(house, admin, elsewhere):
    lift, limited = elsewhere
    with admin.events() as everything, limited.events() as some:
        everything.wait("status")
        some.wait("status")
        house.execute("update registry.lift set name_en = name_en || '!' where id = %s", lift)
        notify(house, topic="registry")
        wait_until(lambda: some.closed, 10)
        assert not everything.closed
    with limited.events() as again:
        assert again.wait("status")


def open_streams(house, cookie, count):
    wires = []
    for _ in range(count):
        wires.append(Wire(house.http_port, 20))
        wires[-1].send(request("/api/v1/events", cookie))
    return wires


def read_until(wire, text):
    while text not in wire.kept:
        if not wire._more():
            return False
    return True


def test_five_hundred_streams(house, admin):
    wait_until(lambda: house.metrics()["liftd_http_streams"] == 0, 15)
    sessions = [house.login(f"watcher{n}", "dispatcher").cookie for n in range(10)]
    before = house.metrics()
    wires = [w for cookie in sessions for w in open_streams(house, cookie, 50)]
    try:
        assert all(read_until(w, b"event: status") for w in wires)
        after = house.metrics()
        assert after["liftd_http_streams"] == 500
        each = (after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]) / 500 / 1024
        print(f"{each:.1f} KiB resident for each event stream")
        assert SANITIZED or each < 24
        begun = time.monotonic()
        notify(house, topic="alarm", id=77, lift_id=house.units[0].lift_id, code=40)
        assert all(read_until(w, b'"id": 77') for w in wires)
        print(f"{(time.monotonic() - begun) * 1000:.0f} ms until 500 streams had an alarm")
        assert admin.get("/me").status == 200
        one_more = open_streams(house, sessions[0], 15)
        wires += one_more
        answers = [w.answer() for w in one_more]
        assert sorted(a[0] for a in answers) == [200] * 14 + [429], "64 for one session"
        extra = open_streams(house, admin.cookie, STREAMS_MAX - 514 + 5)
        wires += extra
        answers = [w.answer() for w in extra]
        full = [a for a in answers if a[0] == 503]
        assert len(full) == 5 and all(json.loads(a[2])["code"] == "streams_full" for a in full)
        assert all("retry-after" in a[1] for a in full)
    finally:
        for w in wires:
            w.close()
    wait_until(lambda: house.metrics()["liftd_http_streams"] == 0, 15)
    with admin.events() as stream:
        stream.wait("status")


def test_a_stream_that_does_not_keep_up_is_closed(house, admin):
    dropped = house.metrics()["liftd_http_streams_dropped_total"]
    with admin.events() as quick, Wire(house.http_port) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.send(request("/api/v1/events", admin.cookie))
        quick.wait("status")
        for n in range(1, 201, 10):
            house.execute("select pg_notify('liftd', json_build_object('topic', 'alarms', 'n', n, 'pad', "
                          "repeat('x', 7000))::text) from generate_series(%s, %s) n", n, n + 9)
            time.sleep(0.05)
        wait_until(lambda: house.metrics()["liftd_http_streams_dropped_total"] == dropped + 1)
        quick.wait("alarms", lambda data: data["n"] == 200)
        assert [e[1]["n"] for e in quick.seen if e[0] == "alarms"] == list(range(1, 201))
        assert slow.closed_within(5) is not None


def test_a_stream_whose_client_stalls_is_closed(house, admin):
    """A little waits that is never taken: not enough to overflow, but the place is given to others."""
    wait_until(lambda: house.metrics()["liftd_http_streams"] == 0, 15)
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)  # before connecting: the window is small
        stalled.connect(("127.0.0.1", house.http_port))
        stalled.sendall(request("/api/v1/events", admin.cookie).encode())
        wait_until(lambda: house.metrics()["liftd_http_streams"] == 1)
        house.execute("select pg_notify('liftd', json_build_object('topic', 'alarms', 'n', n, 'pad', repeat('x', 7000))"
                      "::text) from generate_series(1, 30) n")
        begun = time.monotonic()
        wait_until(lambda: house.metrics()["liftd_http_streams"] == 0, 60, "the stalled stream is closed")
        assert time.monotonic() - begun > 10, "by its standstill, not because its queue was full"


def test_listening_is_taken_up_again(house, admin):
    with admin.events() as stream:
        stream.wait("status")
        house.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
                      "application_name = 'liftd listen'")
        wait_until(lambda: stream.closed, 10, "streams end, because something may have been missed")
    with admin.events() as stream:
        stream.wait("status")
        notify(house, topic="alarms")
        stream.wait("alarms")


# --- passwords ----------------------------------------------------------------------------------------------

def test_the_cookie_is_kept_as_a_hash(house, admin):
    token = admin.cookie.split("=", 1)[1]
    assert len(token) == 43
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert house.value("select count(*) from auth.session where token_hash = decode(%s, 'hex')", digest) == 1
    bearer = house.http.get("/me", headers={"Authorization": "Bearer " + token})
    assert bearer.json["user"]["name"] == "admin"
    for wrong in ("x" * 43, token[:-1], token + "=", "", token + "a"):
        house.http.get("/me", headers={"Cookie": f"liftd_session={wrong}"}, expect=401)
        house.http.get("/me", headers={"Authorization": f"Bearer {wrong}"}, expect=401)
    house.http.get("/me", headers={"Cookie": f"other=1; liftd_session={token}; more=2"}, expect=200)
    house.http.get("/me", headers={"Cookie": f"xliftd_session={token}"}, expect=401)


def sign_in(house, **headers):
    """The Set-Cookie of a sign-in with those headers (underscores are dashes), and the address it was noted with."""
    answer = house.http.post("/session", {"name": "admin", "password": "correct horse battery"},
                             headers={name.replace("_", "-"): value for name, value in headers.items()})
    return (answer.headers["set-cookie"],
            house.value("select remote from auth.session order by created_at desc limit 1"))


def test_a_proxy_names_the_client(house, admin):
    assert "Secure" not in admin.cookie and sign_in(house)[1].startswith("127.0.0.1")
    cookie, remote = sign_in(house, X_Forwarded_For="6.6.6.6, 203.0.113.7", X_Forwarded_Proto="https")
    assert cookie.endswith("; Secure") and "HttpOnly" in cookie and remote.startswith("203.0.113.7")
    cookie, remote = sign_in(house, X_Forwarded_For="203.0.113.7, nonsense", X_Forwarded_Proto="http")
    assert "Secure" not in cookie and remote.startswith("127.0.0.1")


def test_secrets_never_reach_sql_or_logs(house, admin):
    """With every statement and parameter in PostgreSQL's log, a password is in none of it."""
    secret, new = "Sesame-open-4711", "Sesame-close-0815"
    house.execute(f"alter database {house.dbname} set log_min_duration_statement = 0")
    house.execute(f"alter database {house.dbname} set log_statement = 'all'")
    house.restart()
    session = house.http.login("admin", "correct horse battery")
    session.post("/users", {"name": "sesame", "display_name": "Sesame", "roles": ["dispatcher"], "password": secret,
                            "scope": {"areas": [], "firm": None}})
    sesame = house.http.login("sesame", secret)
    sesame.post("/me/password", {"password": secret, "new_password": new})
    house.http.login("sesame", new)
    house.http.login("sesame", secret, expect=401)
    house.http.request("POST", "/session", b'{"name":"x","password":"%s",}' % secret.encode(),
                       {"Content-Type": "application/json"}, expect=400)
    for name in ("log_min_duration_statement", "log_statement"):
        house.execute(f"alter database {house.dbname} reset {name}")
    said = house.cluster.log_path.read_text(errors="replace")
    assert "api.handle" in said and "$argon2id$" in said, "the log does show parameters"
    for text in (secret, new):
        assert text not in said and text not in house.log()
        assert not house.value("select count(*) from auth.audit where detail::text like '%%' || %s || '%%'", text)
    house.restart()


def test_new_passwords_have_rules(house, admin):
    admin = house.login("admin")
    for password, word in (("short", "10"), ("x" * 300, "256"), ("tab\tin it, isn't it", "control")):
        answer = admin.post("/users", {"name": "rules", "display_name": "R", "roles": ["dispatcher"], "password": password,
                                       "scope": {"areas": [], "firm": None}}, expect=422)
        assert answer.json["errors"][0]["field"] == "password" and word in answer.json["detail"], answer


def test_signing_in_is_throttled(house):
    house.add_user("throttled", "dispatcher")
    for _ in range(40):
        answer = house.http.post("/session", {"name": "throttled", "password": "wrong"}, expect=(401, 429))
        if answer.status == 429:
            break
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0
    house.http.post("/session", {"name": "throttled", "password": "correct horse battery"}, expect=429)
    house.execute("delete from auth.throttle")


def test_passwords_leave_the_api_responsive(house):
    """A rush at the door: two passwords at a time, a bounded queue, and everybody else is served meanwhile."""
    admin = house.login("admin")
    house.execute("delete from auth.throttle")
    stop, slowest = threading.Event(), [0.0]

    def look():
        while not stop.is_set():
            begun = time.monotonic()
            admin.get("/me")
            slowest[0] = max(slowest[0], time.monotonic() - begun)
    watcher = threading.Thread(target=look)
    watcher.start()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda n: house.http.post(
            "/session", {"name": f"nobody{n % 9}", "password": "wrong"}, expect=(401, 429, 503)), range(100)))
    stop.set()
    watcher.join()
    statuses = [a.status for a in answers]
    print(f"{statuses.count(401)} refused, {statuses.count(429)} throttled, {statuses.count(503)} busy; slowest other "
          f"request {slowest[0] * 1000:.0f} ms")
    assert statuses.count(401) >= 2 and slowest[0] < 1.5
    house.execute("delete from auth.throttle")


# --- a slow database, and one that is away ------------------------------------------------------------------

def test_a_slow_call_is_cancelled(house):
    admin = house.login("admin")
    with Held(house):
        begun = time.monotonic()
        answer = admin.get("/me", expect=503)
        assert 1.2 < time.monotonic() - begun < 4 and answer.json["code"] == "too_slow"
        assert answer.headers["retry-after"]
    admin.get("/me")


def test_a_full_queue_answers_at_once(house):
    admin = house.login("admin")
    wires = [Wire(house.http_port, 20) for _ in range(CONNECTIONS + 1000 + 20)]
    with Held(house):
        for w in wires[:CONNECTIONS]:
            w.send(request("/api/v1/me", admin.cookie))
        wait_held(house, CONNECTIONS)
        begun = time.monotonic()
        for w in wires[CONNECTIONS:]:
            w.send(request("/api/v1/me", admin.cookie))
        wait_until(lambda: house.metrics()["liftd_gateway_waiting_requests"] == 1000)
        refused = [w.answer() for w in wires[-20:]]
        took = time.monotonic() - begun
    assert [(a[0], json.loads(a[2])["code"]) for a in refused] == [(503, "busy")] * 20 and took < 1.4
    answers = [w.answer()[0] for w in wires[:-20]]
    assert set(answers) <= {200, 503} and answers.count(200) >= 900
    for w in wires:
        w.close()


def test_clients_that_leave_free_their_places(house):
    admin = house.login("admin")
    wires = [Wire(house.http_port) for _ in range(60)]
    with Held(house):
        for w in wires:
            w.send(request("/api/v1/me", admin.cookie))
        wait_held(house, CONNECTIONS)
        for w in wires:
            w.close()
        time.sleep(0.3)
    wait_until(lambda: house.metrics()["liftd_gateway_waiting_requests"] == 0, 10)
    wait_until(lambda: house.metrics()["liftd_http_connections"] <= 2, 15)
    admin.get("/me")


def test_a_connection_that_breaks_leaves_the_outcome_unknown(house):
    admin = house.login("admin")
    with concurrent.futures.ThreadPoolExecutor(1) as pool, Held(house):
        pending = pool.submit(admin.post, "/alarms/1/acknowledge", {"comment": "x"}, expect=None)
        wait_held(house, 1)
        house.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
                      "application_name = 'liftd gateway' and wait_event_type = 'Lock'")
        answer = pending.result(10)
    assert answer.status == 503 and answer.json["code"] in ("outcome_unknown", "database_away"), answer
    admin.get("/me")


class Away:
    """This house's database refuses everybody."""

    def __init__(self, house):
        self.house = house

    def _do(self, *statements):
        connection = self.house.cluster.connect("postgres", "postgres")
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)
        connection.close()

    def __enter__(self):
        self._do(f"alter database {self.house.dbname} allow_connections false",
                 f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self.house.dbname}'")

    def __exit__(self, *_):
        self._do(f"alter database {self.house.dbname} allow_connections true")


def test_the_database_away_and_back(house):
    admin = house.login("admin")
    with admin.events() as stream:
        stream.wait("status")
        with Away(house):
            gone = stream.wait("status", lambda s: s["database"] == "away")
            assert gone["recording"] in (True, False)
            wait_until(lambda: admin.get("/me", expect=None).status == 503)
            begun = time.monotonic()
            answer = admin.get("/me", expect=503)
            assert answer.json["code"] == "database_away" and time.monotonic() - begun < 1
            assert answer.headers["retry-after"] == "1"
            assert admin.post("/alarms/1/acknowledge", {"comment": "x"}, expect=503).json["code"] == "database_away"
            assert admin.request("GET", "/events").status == 503
            status, body = house.readyz()
            assert status == 503 and "atabase" in json.loads(body)["detail"], body
            assert house.http.get("//healthz").status == 200
            assert house.metrics()['liftd_database_up{role="gateway"}'] == 0
        wait_until(lambda: admin.get("/me", expect=None).status == 200, 20, "the API is back by itself")
        wait_until(lambda: house.readyz()[0] == 200, 20)
    with admin.events() as stream:
        assert stream.wait("status", lambda s: s["database"] == "up", 20)
        wait_until(lambda: house.metrics()['liftd_database_up{role="listen"}'] == 1, 20)
        notify(house, topic="alarms")
        stream.wait("alarms")


# --- the end ------------------------------------------------------------------------------------------------

def test_stopping_lets_requests_end(house):
    admin = house.login("admin")
    with admin.events() as stream, Wire(house.http_port) as running, Wire(house.http_port) as idle:
        stream.wait("status")
        with Held(house):
            running.send(request("/api/v1/me", admin.cookie))
            wait_held(house, 1)
            house.expected_down = True
            house.process.send_signal(signal.SIGTERM)
            wait_until(lambda: stream.closed, 5, "streams end at once")
            assert idle.closed_within(5) is not None
            time.sleep(0.2)
        status, headers, body = running.answer()
        assert status == 200 and b"admin" in body and headers.get("connection", "").lower() == "close"
        begun = time.monotonic()
        assert house.process.wait(10) == 0
        print(f"ended {time.monotonic() - begun:.1f} s after its last request")
    house.start()
