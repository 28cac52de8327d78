"""PostgreSQL goes away under load, longer than the window lasts: people still hear of people, and nothing is lost."""

import datetime
import time

import pytest

import liftdtest
from liftdtest import now_ms, wait_until
from liftdtest.device import flags

WINDOW = 200
STUCK = dict(floor=3, flags=flags(in_door_zone=False, front_door_closed=True, car_occupied=True))


@pytest.fixture(scope="module")
def own_cluster():
    made = liftdtest.Cluster({"fsync": "on"}).start()
    yield made
    made.start()
    made.close()


@pytest.fixture
def house(own_cluster):
    made = liftdtest.House(own_cluster, {"ingest.window_max_messages": WINDOW, "ingest.batch_max_messages": 50}, lifts=6,
                           start=False)
    made.others = made.register(3, area="xhd")
    made.start()
    yield made
    own_cluster.start()
    made.close()


def status(events):
    """The last `status` event."""
    return next((data for name, data, _ in reversed(events.seen) if name == "status"), None)


def provisional(events, unit):
    return [data for name, data, _ in events.seen if name == "provisional" and data["lift_id"] == unit.lift_id]


def test_longer_than_the_window(house, own_cluster):
    unit, other = house.units[0], house.others[0]
    device, elsewhere = house.device(unit), house.device(other)
    all_, here, there = (house.login(name, role, areas=areas) for name, role, areas in
                         (("all", "dispatcher", ()), ("here", "dispatcher", ("dpq",)),
                          ("there", "dispatcher", ("xhd",))))
    device.report()
    elsewhere.report()
    wait_until(lambda: house.landed(unit) and house.landed(other), 10)
    device.report(codes=[8])
    old = wait_until(lambda: house.alarms(unit, 8), 10, "an alarm from before")[0]

    with all_.events() as everybody, here.events() as ours, there.events() as theirs:
        wait_until(lambda: status(ours) and status(ours)["recording"], 10, "the console knows that all is recorded")
        own_cluster.stop()
        wait_until(lambda: status(ours)["database"] == "away" and not status(ours)["recording"], 10,
                   "the console says that recording has stopped")
        assert house.readyz()[0] == 503
        assert house.metrics()['liftd_database_up{role="writer"}'] == 0

        # Within the window: the rules still run on what is read.
        began_ms = now_ms()
        device.report(ts=began_ms, codes=[8, 90])
        told = wait_until(lambda: provisional(ours, unit), 5, "a button is told though nothing is recorded")[0]
        assert told["provisional"] is True and told["code"] == 90 and told["priority"] == 1
        assert told["text_zh"] and told["text_en"]

        # Past the window: unrelated lifts fill it, then somebody is trapped.
        filler = house.device(house.units[1])
        for _ in range(WINDOW * 3):
            filler.report()
        trapped = house.device(house.units[2])
        sent = time.monotonic()
        trapped.report(codes=[90], **STUCK)
        wait_until(lambda: provisional(ours, house.units[2]), 5, "past the window too")
        print(f"past the window a provisional alarm took {time.monotonic() - sent:.2f} s")
        elsewhere.report(codes=[5])
        wait_until(lambda: provisional(theirs, other), 5, "and elsewhere")
        wait_until(lambda: provisional(everybody, other) and provisional(everybody, house.units[2]), 5)
        assert not provisional(ours, other) and not provisional(theirs, unit), "only to streams whose scope has the lift"
        assert not [data for name, data, _ in ours.seen if name == "provisional" and data["priority"] != 1]

        # What people do now is refused and stays pending on their screens.
        answer = here.post(f"/alarms/{old['id']}/acknowledge", {"comment": "x"}, expect=503)
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert house.alive()

        own_cluster.start()
        wait_until(lambda: ours.closed or (status(ours)["recording"] and status(ours)["database"] == "up"), 30,
                   "recording again, or the stream asks its console to come back and read anew")

    count = WINDOW * 3
    wait_until(lambda: len(house.landed(house.units[1])) == count, 30, "everything lands by itself")
    rows = house.query("select seq from telemetry.reading where lift_id = %s order by received_at, seq",
                       house.units[1].lift_id)
    assert [row["seq"] for row in rows] == list(range(1, count + 1)), "in order, each once"
    wait_until(lambda: house.alarms(house.units[2], 90) and house.alarms(other, 5), 10, "the alarms are recorded")
    button = house.alarms(unit, 90)
    assert len(button) == 1 and len(house.alarms(house.units[2], 90)) == 1 and len(house.alarms(other, 5)) == 1
    assert int(button[0]["raised_at"].timestamp() * 1000) == began_ms
    assert instant(told["raised_at"]) == button[0]["raised_at"], "the later record is the same alarm"
    wait_until(house.ready, 10, "ready again")
    house.login("here").post(f"/alarms/{old['id']}/acknowledge", {"comment": "x"})
    for u in (unit, other, house.units[2]):
        seqs = [row["seq"] for row in house.landed(u)]
        assert seqs == list(range(1, len(seqs) + 1))


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_starts_without_a_database(house, own_cluster):
    """liftd waits for PostgreSQL, says so, and begins by itself."""
    device = house.device(house.units[3])
    device.report()
    wait_until(lambda: house.landed(house.units[3]), 10)
    house.stop()
    own_cluster.stop()
    house.start(ready=False)
    wait_until(lambda: house.readyz()[0] == 503, 10, "it answers, and is not ready")
    for _ in range(20):
        device.report()
    own_cluster.start()
    wait_until(house.ready, 20, "ready when the database is there")
    wait_until(lambda: [r["seq"] for r in house.landed(house.units[3])] == list(range(1, 22)), 10, "all landed")


def test_sigterm_while_the_database_is_away(house, own_cluster):
    """It ends in bounded time and acknowledges nothing that is not committed."""
    unit = house.units[4]
    device = house.device(unit)
    device.report()
    wait_until(lambda: house.landed(unit), 10)
    own_cluster.stop()
    for _ in range(30):
        device.report()
    time.sleep(0.5)
    house.stop(timeout_s=25)
    own_cluster.start()
    house.start()
    wait_until(lambda: house.positions(unit) == [(1, n) for n in range(1, 32)], 15, "the broker sends it all again")
