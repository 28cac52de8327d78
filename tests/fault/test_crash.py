"""The crash test: liftd, PostgreSQL, the broker and the connections between them are killed at random moments
under load; afterwards published = landed + refused, none lost, none doubled, no alarm twice, none missing."""

import os
import random
import signal
import sys
import time

import pytest

import liftdtest
from liftdtest import now_ms, wait_until

sys.path.insert(0, os.path.dirname(__file__))
import truth  # noqa: E402

SOAK = bool(os.environ.get("LIFTD_SOAK"))
SEED = int(os.environ.get("LIFTD_SEED", "20261123"))
KILLS = 36 if SOAK else 12
RATE = 3000 if SOAK else 600
RATE_MIN = 2000 if SOAK else 0
"""Readings a second, one message each: made on average over the whole test, kills included."""
PLAIN, GATEWAYS = (220, 10) if SOAK else (50, 5)
PERIOD_S, ON_S = 24, 9
"""Each lift goes out of service every PERIOD_S seconds for ON_S: longer than any outage below, so that some live
reading always tells."""


class Crash:
    """The house under load, and the ways to kill a part of it. Every way returns with the part running again."""

    def __init__(self, cluster, broker, house, database, mqtt, dice):
        self.cluster, self.broker, self.house = cluster, broker, house
        self.database, self.mqtt, self.dice = database, mqtt, dice
        self.broker_killed_ms = []

    def pause(self, most_s):
        time.sleep(self.dice.uniform(0, most_s))

    def liftd(self):
        self.house.kill()
        self.pause(1.5)
        self.house.start(ready=False)

    def liftd_twice(self):
        """Again while it is still starting."""
        self.liftd()
        self.pause(0.4)
        self.liftd()

    def postgres_immediate(self):
        self.cluster.stop_immediate()
        self.pause(1.0)
        self.cluster.start()

    def postgres_killed(self):
        self.cluster.kill()
        self.pause(1.0)
        self.cluster.start()

    def _writers(self):
        return self.house.query("select pid from pg_stat_activity where usename = 'liftd_ingest' and query like "
                                "'%%meta.advance%%'")

    def writer_terminated(self):
        for row in self._writers():
            self.house.query("select pg_terminate_backend(%s)", row["pid"])

    def _cut_at_commit(self, mode, at_commit=None):
        self.database.arm(mode, at_commit)
        if not self.database.fired.wait(10):
            self.database.disarm()
            raise AssertionError("no batch was committed within 10 s")

    def cut_before_commit(self):
        self._cut_at_commit("before")

    def cut_after_commit_was_sent(self):
        self._cut_at_commit("after")

    def cut_before_the_answer(self):
        self._cut_at_commit("answer")

    def writer_terminated_in_commit(self):
        self._cut_at_commit("after", self.writer_terminated)

    def writer_stopped_in_commit(self):
        """The old backend sleeps over the cut and commits later: the new connection has to wait for it."""
        pids = [row["pid"] for row in self._writers()]
        self._cut_at_commit("after", lambda: [os.kill(pid, signal.SIGSTOP) for pid in pids])
        time.sleep(self.dice.uniform(0.3, 1.2))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def liftd_in_commit(self):
        """liftd dies with its commit on the way; the next one must find out."""
        self._cut_at_commit("after", self.house.kill)
        self.house.start(ready=False)

    def broker_connection(self):
        self.mqtt.cut()

    def broker_restarted(self):
        self.broker.stop()
        self.pause(0.5)
        self.broker.start()

    def broker_killed(self):
        self.broker.kill()
        self.broker_killed_ms.append(now_ms())
        self.pause(0.5)
        self.broker.start()

    def everything(self):
        """A power cut: all at once."""
        self.house.kill()
        self.broker.kill()
        self.broker_killed_ms.append(now_ms())
        self.cluster.kill()
        self.cluster.start()
        self.broker.start()
        self.house.start(ready=False)

    def well(self):
        wait_until(self.house.ready, 40, "liftd is ready again")


WAYS = ["liftd", "broker_killed", "writer_stopped_in_commit", "postgres_killed", "cut_after_commit_was_sent",
        "broker_connection", "liftd_in_commit", "cut_before_the_answer", "everything", "writer_terminated_in_commit",
        "postgres_immediate", "broker_restarted", "cut_before_commit", "writer_terminated", "liftd_twice"]


def plan(dice):
    """KILLS ways: each once while they last, in a random order, then random ones."""
    first = WAYS[:]
    dice.shuffle(first)
    chosen = first[:KILLS] + [dice.choice(WAYS) for _ in range(KILLS - len(first))]
    if "broker_killed" not in chosen:
        chosen[-1] = "broker_killed"
    return chosen


def write_script(path, lifts, seconds, dice):
    """Lifts go out of service and come back, devices lose their network or start again, and send garbage."""
    lines = []
    for lift in range(1, lifts + 1):
        at = dice.uniform(3, PERIOD_S)
        while at + ON_S + 6 < seconds:
            lines.append((at, f"lift={lift} code 42 {ON_S}"))
            at += PERIOD_S
    for _ in range(seconds):
        lines.append((dice.uniform(2, seconds - 8), f"lift={dice.randint(1, lifts)} garbage"))
        lines.append((dice.uniform(2, seconds - 8), f"lift={dice.randint(1, lifts)} duplicate"))
    for _ in range(seconds // 3):
        lines.append((dice.uniform(2, seconds - 8), f"lift={dice.randint(1, lifts)} offline {dice.uniform(0.5, 2):.1f}"))
        lines.append((dice.uniform(2, seconds - 8), f"lift={dice.randint(1, lifts)} reboot"))
    path.write_text("".join(f"t={at:.2f} {what}\n" for at, what in sorted(lines)))


@pytest.fixture
def crash():
    dice = random.Random(SEED)
    cluster = liftdtest.Cluster({"fsync": "on"}).start()
    broker = liftdtest.Broker().start()
    database = liftdtest.DatabaseProxy(f"{cluster.socket_dir}/.s.PGSQL.5432")
    mqtt = liftdtest.Proxy(broker.port)
    house = liftdtest.House(cluster, {"broker.port": mqtt.port, "broker.reconnect_max_ms": 1000}, lifts=PLAIN,
                            broker=broker, database_host=str(database.dir), start=False)
    house.register(GATEWAYS * 3, units=3)
    house.start()
    yield Crash(cluster, broker, house, database, mqtt, dice)
    try:
        cluster.start()
        house.close()
    finally:
        mqtt.close()
        database.close()
        broker.close()
        cluster.close()


def test_none_lost_none_doubled(crash, tmp_path):
    ways = plan(crash.dice)
    between_s = (1.5, 4.0) if SOAK else (1.0, 3.0)
    seconds = KILLS * 20 + 60  # of faults in the script; the load ends after the last kill
    lifts = len(crash.house.units)
    write_script(tmp_path / "script", lifts, seconds, crash.dice)
    simulator = crash.house.simulate("--total-rate", RATE, "--linger", 3600, "--seed", SEED,
                                     "--script", tmp_path / "script", "--reconnect-max", 500, "--report", 5,
                                     "--store", 20000, "--backlog-every", 50)
    time.sleep(4)
    started = time.monotonic()
    for number, way in enumerate(ways, 1):
        print(f"{time.monotonic() - started:6.1f} s  kill {number}/{len(ways)}: {way}", flush=True)
        getattr(crash, way)()
        crash.well()
        time.sleep(crash.dice.uniform(*between_s))
        assert simulator.running(), liftdtest.log_tail(simulator.log_path)
    time.sleep(PERIOD_S / 4)
    made_s = time.monotonic() - started + 4
    simulator.stop_making(120)
    ledger = simulator.ledger()
    readings = len(truth.made(ledger))
    settle(crash, readings)
    simulator.finish()
    ledger = simulator.ledger()

    assert readings / made_s >= RATE_MIN, f"only {readings / made_s:.0f} readings a second were made"
    count = truth.check_readings(crash.house, ledger)
    truth.check_gaps(crash.house)
    alarms = truth.check_alarms(crash.house, ledger, 42)
    refused = truth.check_refusals(crash.house, ledger, lambda ts: any(-3000 < killed - ts < 5000
                                                                       for killed in crash.broker_killed_ms))
    others = crash.house.query("select code, count(*) from alert.alarm where code <> 42 group by code")
    assert not others, f"alarms of codes nobody reported: {others}"
    print(f"{len(ways)} kills; {count} readings ({readings / made_s:.0f}/s) and {refused} refusals landed, {alarms} alarms: none "
          f"lost, none doubled")


def settle(crash, readings):
    """Waits until all is there, no gap is open and late readings are judged, or until nothing changes any more."""
    house, last, since = crash.house, None, time.monotonic()
    while True:
        now = (house.value("select count(*) from telemetry.reading"),
               house.value("select count(*) from telemetry.gap where ended_at is null"),
               house.value("select count(*) from telemetry.stretch"))
        if now[0] >= readings and now[1:] == (0, 0):
            return
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > 25:
            return  # the checks say what is missing
        time.sleep(0.5)
