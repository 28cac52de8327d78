"""Setting up: settings that are wrong, ports that are taken, leftovers of killed runs, and `make run` itself."""

import os
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest

from liftdtest import BUILD, ROOT, as_user, free_port, liftd_binary, scratch, wait_until
from liftdtest.base import discard

OPS = ROOT / "server/ops"
NOT_ROOT = os.geteuid() != 0


def run(*args, env=None, timeout=120):
    """(exit status, everything said)"""
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **(env or {})}, timeout=timeout, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


@pytest.fixture
def var():
    path = scratch("var")
    yield path
    for script in ("broker.sh", "cluster.sh"):
        run(OPS / script, "drop", path)
    discard(path)


@pytest.fixture
def taken():
    """A port somebody else listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        yield s.getsockname()[1]


# --- settings and the command line ---------------------------------------------------------------------------------

def test_shipped_settings_are_the_manual():
    status, said = run(liftd_binary(), "check", "--print-defaults")
    assert status == 0
    assert said == (OPS / "liftd.ini").read_text()


def test_help_is_a_manual():
    status, said = run(liftd_binary(), "--help")
    assert status == 0
    for word in ("serve", "migrate", "check", "user", "import", "--config", "SIGHUP", "EXIT STATUS"):
        assert word in said
    for command in ("user", "import"):
        status, said = run(liftd_binary(), command, "--help")
        assert status == 0 and "liftd " + command in said


def test_version():
    assert run(liftd_binary(), "--version")[1].startswith("liftd ")


@pytest.mark.parametrize("command", ["serve", "migrate", "check", "user", "import"])
def test_bad_settings_name_file_and_line(var, command):
    ini = var / "bad.ini"
    ini.write_text("[http]\nport = 80\nprot = 81\n")
    status, said = run(liftd_binary(), command, "-c", ini)
    assert status != 0
    assert f"{ini}:3: unknown key \"prot\" in section [http]" in said


@pytest.mark.parametrize("args", [[], ["dance"], ["serve", "-c"], ["serve", "now"], ["check", "--loudly"]])
def test_wrong_command_lines(args, var):
    ini = var / "liftd.ini"
    ini.write_text("")
    status, said = run(liftd_binary(), *args, env={"LIFTD_CONFIG": str(ini)})
    assert status == 2
    assert said.strip()


@pytest.mark.parametrize("conninfo,words", [("host=/nonexistent dbname=x", "No such file"),
                                            ("host=127.0.0.1 port=1", "refused"),
                                            ("hots=/tmp", "invalid connection option")])
def test_bad_conninfo(var, conninfo, words):
    ini = var / "liftd.ini"
    ini.write_text(f"[database]\nconninfo = {conninfo}\n[broker]\nport = 1\n")
    status, said = run(liftd_binary(), "check", "-c", ini)
    assert status == 1 and words in said and "database:" in said and "broker: nobody answers" in said
    status, said = run(liftd_binary(), "migrate", "-c", ini)
    assert status == 1 and words in said


def test_check_of_a_good_house(house):
    status, said = run(liftd_binary(), "check", "-c", house.ini_path)
    for words in ("as liftd_ingest", "as liftd_web", "schema:", "liftd needs it", "something answers"):
        assert words in said, said
    if (ROOT / "build/console/index.html").exists() and BUILD == ROOT / "build":
        assert status == 0, said


def test_check_before_migrate(cluster, var):
    name = cluster.create_database()
    try:
        ini = var / "liftd.ini"
        ini.write_text(f"[database]\nconninfo = {cluster.conninfo(name)}\nadmin_user = postgres\n"
                       f"sql_dir = {ROOT / 'sql'}\n")
        status, said = run(liftd_binary(), "check", "-c", ini)
        assert status == 1 and "run `liftd migrate`" in said
    finally:
        cluster.drop_database(name)


def test_serve_on_a_taken_port(house, taken):
    house.stop()
    house.write_settings(http__port=taken)
    status, said = run(liftd_binary(), "serve", "-c", house.ini_path, timeout=60)
    assert status == 1
    assert f"port {taken}" in said and "taken" in said


# --- the scripts -------------------------------------------------------------------------------------------------

def test_free_port(taken):
    status, said = run(OPS / "free-port", "127.0.0.1", taken, "HTTP_PORT")
    assert status == 1
    assert f"port {taken} on 127.0.0.1 is taken by process {os.getpid()}" in said and "HTTP_PORT=" in said
    assert run(OPS / "free-port", "127.0.0.1", free_port(), "HTTP_PORT") == (0, "")
    status, said = run(OPS / "free-port", "127.0.0.1", "eighty", "HTTP_PORT")
    assert status == 1 and "HTTP_PORT=eighty is not a port" in said


def test_cluster_twice_and_stale_pid(var):
    assert run(OPS / "cluster.sh", "start", var)[0] == 0
    status, said = run(OPS / "cluster.sh", "start", var)
    assert status == 0 and "runs already" in said
    conninfo = (var / "conninfo").read_text().strip()
    assert run("psql", "-XAtd", conninfo, "-c", "show fsync")[1].strip() == "on"
    assert run(OPS / "cluster.sh", "stop", var)[0] == 0
    assert run(OPS / "cluster.sh", "status", var)[0] == 3
    pid_file = var / "pg" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")  # as if another program got the id of a killed server
    assert run(OPS / "cluster.sh", "start", var)[0] == 0
    assert run("psql", "-XAtd", conninfo, "-c", "select 1")[1].strip() == "1"


def test_cluster_in_a_place_that_is_none(var):
    data = var / "data"
    data.mkdir()
    (data / "letter").write_text("not a cluster")
    status, said = run(OPS / "cluster.sh", "start", var, "--data", data)
    assert status == 1 and "is no PostgreSQL cluster" in said
    assert (data / "letter").exists()


def test_cluster_after_an_interrupted_first_start(var):
    data = var / "data"
    half = var / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("15\n")
    assert run(OPS / "cluster.sh", "start", var, "--data", data)[0] == 0
    assert run(OPS / "cluster.sh", "stop", var, "--data", data)[0] == 0


def test_broker_lets_a_device_speak_for_itself_only(var):
    (var / "devices").write_text("g1 lift-a secret-a\ng1 lift-b secret-b\n")
    port = free_port()
    assert run(OPS / "broker.sh", "start", var, port)[0] == 0
    status, said = run(OPS / "broker.sh", "start", var, port)
    assert status == 1 and "runs already" in said
    heard = []
    password = (var / "broker-password").read_text()
    listener = subprocess.Popen(["mosquitto_sub", "-p", str(port), "-u", "liftd", "-P", password, "-v", "-q", "1",
                                 "-t", "lift/v1/+/+/up"], stdout=subprocess.PIPE, text=True)
    threading.Thread(target=lambda: heard.extend(listener.stdout), daemon=True).start()

    def publish(user, password, topic):
        return run("mosquitto_pub", "-p", port, "-u", user, "-P", password, "-q", "1", "-t", topic, "-m", "x")[0]

    try:
        wait_until(lambda: publish("lift-a", "secret-a", "lift/v1/g1/lift-a/up") == 0 and heard, 10, "heard lift-a")
        assert publish("lift-a", "secret-b", "lift/v1/g1/lift-a/up") != 0
        publish("lift-a", "secret-a", "lift/v1/g1/lift-b/up")
        assert publish("lift-b", "secret-b", "lift/v1/g1/lift-b/up") == 0
        wait_until(lambda: any("lift-b" in line for line in heard), 10, "heard lift-b")
        assert sum("lift-b" in line for line in heard) == 1
        (var / "devices").write_text("g1 lift-c secret-c\n")
        assert run(OPS / "broker.sh", "reload", var)[0] == 0
        wait_until(lambda: publish("lift-c", "secret-c", "lift/v1/g1/lift-c/up") == 0, 10, "lift-c is let in")
    finally:
        listener.kill()
        listener.wait()
    (var / "broker.pid").write_text((var / "broker.pid").read_text())
    assert run(OPS / "broker.sh", "stop", var)[0] == 0
    assert run(OPS / "broker.sh", "stop", var)[0] == 0


def test_broker_on_a_taken_port(var, taken):
    status, said = run(OPS / "broker.sh", "start", var, taken)
    assert status == 1 and f"port {taken}" in said and "MQTT_PORT=" in said


def test_broker_with_a_stale_pid_file(var):
    (var / "broker.pid").write_text(f"{os.getpid()}\n")
    assert run(OPS / "broker.sh", "start", var, free_port())[0] == 0


@pytest.mark.skipif(NOT_ROOT, reason="needs another user")
def test_var_of_another_user(var):
    done = subprocess.run([str(OPS / "cluster.sh"), "start", str(var)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd="/", **as_user("nobody"))
    assert done.returncode == 1
    assert "can't be written by nobody" in done.stdout or "Permission denied" in done.stdout


# --- make run ------------------------------------------------------------------------------------------------------

def hear_interrupts():
    """A shell that runs the tests in the background has them ignore SIGINT, and bash can't trap what it ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Run:
    """server/ops/run.sh in a directory of its own; its output is collected."""

    def __init__(self, var):
        self.http, self.mqtt = free_port(), free_port()
        self.said = []
        self.process = subprocess.Popen([str(OPS / "run.sh")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, start_new_session=True, stdin=subprocess.DEVNULL,
                                        preexec_fn=hear_interrupts,
                                        env={**os.environ, "LIFTD_VAR": str(var), "HTTP_PORT": str(self.http),
                                             "MQTT_PORT": str(self.mqtt)})
        threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True).start()

    def text(self):
        return "".join(self.said)

    def ready(self):
        wait_until(lambda: "Ctrl-C stops" in self.text() or self.process.poll() is not None, 120, "make run is up")
        assert self.process.poll() is None, self.text()

    def interrupt(self):
        """Ctrl-C at the terminal reaches the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(90)


@pytest.fixture
def start(var):
    """start() begins a run; those still under way when the test ends are stopped before var goes away."""
    runs = []

    def begin():
        runs.append(Run(var))
        return runs[-1]
    yield begin
    for each in runs:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(90)


def test_make_run_stops_in_order_and_keeps_its_data(var, start):
    first = start()
    first.ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{first.http}/", timeout=10) as page:
        assert page.status == 200
    status, said = run(OPS / "run.sh", env={"LIFTD_VAR": str(var)})
    assert status == 1 and "another 'make run' is under way" in said
    logins = (var / "logins").read_text()
    assert [line.split()[0] for line in logins.splitlines()] == ["admin", "dispatcher", "planner", "technician",
                                                                 "fund", "auditor"]
    devices = (var / "devices").read_text()
    assert all(len(line.split()) == 3 for line in devices.splitlines()) and devices
    conninfo = (var / "conninfo").read_text().strip()

    def landed():
        return int(run("psql", "-XAtd", conninfo, "-c", "select count(*) from telemetry.reading")[1])
    wait_until(lambda: landed() > 0, 60, "readings arrive")
    assert first.interrupt() == 0
    wait_until(lambda: "cluster: stopped" in first.text(), 5, "the last word")
    order = [first.text().index(f"{name}: stopped") for name in ("simulator", "liftd", "broker", "cluster")]
    assert order == sorted(order), first.text()

    second = start()
    second.ready()
    assert (var / "logins").read_text() == logins
    assert (var / "devices").read_text() == devices
    assert landed() > 0
    assert "loading the subdistrict" not in second.text()
    os.killpg(second.process.pid, signal.SIGKILL)  # leaves everything running: the next run clears up
    second.process.wait()

    third = start()
    third.ready()
    assert "left from an earlier run" in third.text()
    assert third.interrupt() == 0


def test_make_run_on_taken_ports(var, taken):
    status, said = run(OPS / "run.sh", env={"LIFTD_VAR": str(var), "HTTP_PORT": str(taken)})
    assert status == 1 and f"port {taken}" in said and "HTTP_PORT=" in said
    status, said = run(OPS / "run.sh", env={"LIFTD_VAR": str(var), "MQTT_PORT": str(taken),
                                            "HTTP_PORT": str(free_port())})
    assert status == 1 and "MQTT_PORT=" in said
