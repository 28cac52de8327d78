"""The console in a real Chromium on a real liftd: one test per file in scenarios/.

A scenario is JavaScript (see harness.mjs); whatever it needs from the world outside the browser - a lift that reports,
liftd stopped, the database away - it asks for by a line on its standard output, answered here.
LIFTD_SHOTS=DIR keeps a screenshot of every page a scenario ends on.
"""

import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

import liftdtest

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.mjs"))
LIMIT_S = 180
CHROMIUM = shutil.which("chromium")


class Gate(liftdtest.Proxy):
    """Stands between liftd and PostgreSQL; while shut, every connection breaks at its first byte."""

    shut = False

    def on_client_bytes(self, pair, data):
        if self.shut:
            raise OSError("shut")
        return data

    def set(self, shut):
        self.shut = shut
        if shut:
            self.cut()


class World:
    """What scenarios may ask for; each method is one question, its arguments and answer are JSON."""

    def __init__(self, house, gate):
        self.house, self.gate = house, gate
        self.devices = {}

    def lift(self, index):
        """The lift behind unit `index`: its number and code."""
        unit = self.house.units[index]
        return {"id": unit.lift_id, "code": unit.code, "device": unit.device}

    def report(self, index, **fields):
        """The lift behind unit `index` publishes a reading."""
        if index not in self.devices:
            self.devices[index] = self.house.device(index)
        self.devices[index].report(**fields)

    def stranger(self, name, messages):
        """A device nobody registered publishes."""
        device = self.house.device(name)
        for _ in range(messages):
            device.report(mode=1)

    def garbage(self, index):
        """A known device publishes bytes that nobody can read."""
        if index not in self.devices:
            self.devices[index] = self.house.device(index)
        self.devices[index].up(b"\xc1 not msgpack")

    def user(self, name, roles, **kwargs):
        """Makes sure of a user; answers the password."""
        if not self.house.value("select count(*) from auth.user_account where name = %s", name):
            self.house.add_user(name, *roles, **kwargs)
        return liftdtest.house.PASSWORD

    def sql(self, text):
        return self.house.query(text)

    def run(self, text):
        return self.house.execute(text)

    def stop(self):
        self.house.stop()

    def start(self):
        self.house.start()

    def database(self, away):
        self.gate.set(away)

    def mend(self):
        """What a scenario that failed half-way may have left broken."""
        self.gate.set(False)
        if not self.house.alive():
            self.house.start()
        liftdtest.wait_until(self.house.ready, 60, "liftd is ready again")

    def answer(self, question):
        name = question.pop("do")
        return getattr(self, name)(**question)


def play(name, world, tmp_path):
    """Runs one scenario to its end; fails with what it said."""
    env = dict(os.environ, LIFTD_URL=f"http://127.0.0.1:{world.house.http_port}", LIFTD_SCRATCH=str(tmp_path),
               LIFTD_CHROMIUM=CHROMIUM)
    node = subprocess.Popen(["node", str(HERE / "run.mjs"), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=env, cwd=HERE)
    timer = threading.Timer(LIMIT_S, node.kill)
    timer.start()
    said = []
    try:
        for line in node.stdout:
            if not line.startswith("@"):
                said.append(line)
                continue
            try:
                reply = {"ok": world.answer(json.loads(line[1:]))}
            except Exception as error:  # the scenario is told, and fails with it
                reply = {"error": f"{type(error).__name__}: {error}"}
            node.stdin.write(json.dumps(reply, default=str) + "\n")
            node.stdin.flush()
        status = node.wait()
    finally:
        timer.cancel()
        node.kill()
        node.wait()
    assert status == 0, "".join(said)[-6000:] or f"node ended with {status}"


@pytest.fixture(scope="module")
def world(cluster):
    """A liftd with twenty lifts, behind a gate to its database."""
    gate = Gate(f"{cluster.socket_dir}/.s.PGSQL.5432", unix=True)
    house = liftdtest.House(cluster, {"http.console_dir": liftdtest.ROOT / "build/console"}, lifts=20,
                            database_host=gate.dir)
    yield World(house, gate)
    gate.set(False)
    house.close()
    gate.close()


@pytest.fixture
def empty_world(cluster):
    """A liftd that knows no lift."""
    house = liftdtest.House(cluster, {"http.console_dir": liftdtest.ROOT / "build/console"}, lifts=0)
    yield World(house, None)
    house.close()


def test_what_is_needed_is_here():
    assert CHROMIUM, "chromium is not installed: server/ops/deps.sh installs it"
    assert (HERE / "node_modules/playwright-core").is_dir(), "npm ci --prefix tests/browser has not been run"
    assert (liftdtest.ROOT / "build/console/index.html").exists(), "the console is not built: make console"


def test_pure_parts():
    """The console's pure parts, without a browser."""
    done = subprocess.run(["node", str(HERE / "pure.mjs")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", [name for name in SCENARIOS if not name.startswith("empty")])
def test_console(name, world, tmp_path):
    try:
        play(name, world, tmp_path)
    finally:
        world.mend()
    world.house.check()


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.startswith("empty")])
def test_console_without_anything(name, empty_world, tmp_path):
    play(name, empty_world, tmp_path)
