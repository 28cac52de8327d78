"""What readings that arrived late would have said: judged afterwards, recorded as history, never rung."""

import liftdtest
from liftdtest import wait_until

import pytest


@pytest.fixture(scope="module")
def house_lifts():
    return 3


def sent(device, seq, ts_ms, codes=()):
    return device.reading(boot=1, seq=seq, ts=ts_ms, mode=1, motion=0, floor=2, codes=list(codes))


def test_a_fault_inside_a_gap_becomes_history(house):
    unit = house.units[0]
    device = house.device(unit)
    start_ms = liftdtest.now_ms() - 3_600_000
    device.up(sent(device, 1, start_ms))
    device.up(sent(device, 31, start_ms + 1_800_000))
    # Fault 1 from the 5th to the 20th minute, while the device had no network.
    device.up([sent(device, seq, start_ms + (seq - 1) * 60_000, [1] if 6 <= seq <= 20 else []) for seq in range(2, 31)])
    alarm = wait_until(lambda: house.alarms(unit, 1), 40, "the fault is recorded")
    assert len(alarm) == 1
    alarm = alarm[0]
    assert alarm["origin"] == "history" and alarm["state"] == "cleared"
    assert alarm["raised_at"].timestamp() * 1000 == pytest.approx(start_ms + 5 * 60_000, abs=1)
    assert alarm["cleared_at"].timestamp() * 1000 == pytest.approx(start_ms + 20 * 60_000, abs=1)
    assert house.query("select kind, to_state from alert.transition where alarm_id = %s", alarm["id"]) == \
        [{"kind": "record", "to_state": "cleared"}]
    assert house.value("select count(*) from telemetry.stretch") == 0
    items = house.login("dispatcher").get("/alarms?state=open").json["items"]
    assert [item for item in items if item["lift_id"] == unit.lift_id and item["code"] == 1] == [], "it never rang"


def test_what_rang_live_is_not_history_too(house):
    unit = house.units[1]
    device = house.device(unit)
    start_ms = liftdtest.now_ms() - 1_200_000
    device.up(sent(device, 1, start_ms, [1]))
    wait_until(lambda: house.alarms(unit, 1), 10, "the fault rings live")
    device.up(sent(device, 11, start_ms + 600_000, [1]))
    device.up([sent(device, seq, start_ms + (seq - 1) * 60_000, [1]) for seq in range(2, 11)])
    wait_until(lambda: house.value("select count(*) from telemetry.stretch") == 1, 10, "late readings wait to be judged")
    wait_until(lambda: house.value("select count(*) from telemetry.stretch") == 0, 40, "they are judged")
    assert [alarm["origin"] for alarm in house.alarms(unit, 1)] == ["live"]


def test_one_fault_that_began_in_the_gap_and_rang_after_it_is_one_alarm(house):
    unit = house.register(1)[0]
    device = house.device(unit)
    start_ms = liftdtest.now_ms() - 1_200_000
    wait_until(lambda: device.up(sent(device, 1, start_ms)) and house.landed(unit), 10, "it is known", every_s=0.3)
    device.up(sent(device, 11, start_ms + 600_000, [1]))
    wait_until(lambda: house.alarms(unit, 1), 10, "the fault rings live")
    device.up([sent(device, seq, start_ms + (seq - 1) * 60_000, [1] if seq >= 6 else []) for seq in range(2, 11)])
    wait_until(lambda: house.value("select count(*) from telemetry.stretch where lift_id = %s", unit.lift_id), 10)
    wait_until(lambda: not house.value("select count(*) from telemetry.stretch where lift_id = %s", unit.lift_id), 40,
               "they are judged")
    assert [alarm["origin"] for alarm in house.alarms(unit, 1)] == ["live"]


def test_late_readings_never_change_live_state(house):
    unit = house.units[2]
    device = house.device(unit)
    start_ms = liftdtest.now_ms() - 600_000
    device.up(sent(device, 1, start_ms))
    device.up(sent(device, 5, start_ms + 300_000))
    wait_until(lambda: house.query("select seq from telemetry.lift_now where lift_id = %s and seq = 5", unit.lift_id), 10)
    device.up(device.reading(boot=1, seq=3, ts=start_ms + 60_000, mode=0, floor=7, codes=[93]))
    wait_until(lambda: len(house.landed(unit)) == 3, 10)
    device.up(sent(device, 6, start_ms + 310_000))
    wait_until(lambda: house.query("select seq from telemetry.lift_now where lift_id = %s and seq = 6", unit.lift_id), 10)
    now = house.query("select mode, floor from telemetry.lift_now where lift_id = %s", unit.lift_id)[0]
    assert (now["mode"], now["floor"]) == (1, 2)
    assert house.alarms(unit, 93) == [] and house.alarms(unit, 200) == []
