"""The broker goes away and comes back: visible everywhere, tried again with growing pauses, and nothing is lost."""

import socket
import threading
import time

import pytest

import liftdtest
from liftdtest import wait_until


@pytest.fixture
def broker():
    made = liftdtest.Broker().start()
    yield made
    made.close()


@pytest.fixture
def house(cluster, broker):
    made = liftdtest.House(cluster, {"broker.reconnect_min_ms": 100, "broker.reconnect_max_ms": 2000}, lifts=5,
                           broker=broker)
    yield made
    broker.running() or broker.start()
    made.close()


def test_away_and_back(house, broker):
    unit = house.units[0]
    device = house.device(unit)
    device.report()
    wait_until(lambda: house.landed(unit), 10)
    with house.login("dispatcher").events() as events:
        wait_until(lambda: [d for n, d, _ in events.seen if n == "status" and d["broker"] == "up"], 10)
        broker.stop()
        wait_until(lambda: [d for n, d, _ in events.seen if n == "status" and d["broker"] == "away"], 10,
                   "the console says so")
        status, body = house.readyz()
        assert status == 503 and "broker" in body.lower(), body
        wait_until(lambda: house.metrics()["liftd_broker_up"] == 0, 5)
        assert house.metrics()['liftd_database_up{role="writer"}'] == 1
        time.sleep(3)
        broker.start()
        wait_until(house.ready, 10, "it connects again by itself, within the longest pause")
        wait_until(lambda: house.metrics()["liftd_broker_up"] == 1, 5)
        assert [d for n, d, _ in events.seen if n == "status"][-1]["broker"] == "up"
    wait_until(lambda: device._connected.is_set(), 20, "the device is back")
    device.report()
    wait_until(lambda: [r["seq"] for r in house.landed(unit)] == [1, 2], 10)


def test_pauses_grow_and_are_jittered(house, broker):
    """Seen from where the broker was: a socket that counts who knocks."""
    broker.stop()
    knocks = []
    listener = socket.create_server(("127.0.0.1", broker.port))

    def count():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            knocks.append(time.monotonic())
            connection.close()
    threading.Thread(target=count, daemon=True).start()
    time.sleep(12)
    listener.close()
    assert 4 <= len(knocks) <= 60, f"{len(knocks)} attempts of all of liftd's connections in 12 s"
    late = [knock for knock in knocks if knock > knocks[-1] - 6]
    assert len(late) <= 24, "the pauses do not grow"
    broker.start()
    wait_until(house.ready, 30)


def test_broker_starts_after_liftd(house, broker):
    house.stop()
    broker.stop()
    house.start(ready=False)
    wait_until(lambda: house.readyz()[0] == 503, 10)
    broker.start()
    wait_until(house.ready, 30)
    device = house.device(house.units[1])
    device.report()
    wait_until(lambda: house.landed(house.units[1]), 10)


def test_wrong_password_is_said(house, broker):
    house.stop()
    (house.dir / "mqtt-password").write_text("wrong\n")
    house.start(ready=False)
    wait_until(lambda: "not authori" in house.log().lower() or "password" in house.log().lower(), 10, "the log says why")
    assert house.readyz()[0] == 503
    (house.dir / "mqtt-password").write_text(broker.passwords["liftd"] + "\n")
    house.restart()
