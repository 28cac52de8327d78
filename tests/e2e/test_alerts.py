"""From a fault on a lift to an alarm that a dispatcher acknowledges, and to its end."""

import time

import pytest

import liftdtest
from liftdtest import wait_until
from liftdtest.device import flags


@pytest.fixture(scope="module")
def house_settings():
    return {"alerts.silent_after_s": 5, "alerts.trapped_hold_s": 6}


STUCK = dict(floor=3, flags=flags(in_door_zone=False, front_door_closed=True, car_occupied=True))


def only(house, unit, code, **fields):
    """The one alarm of that code on that lift, once its fields are these."""
    def found():
        alarms = house.alarms(unit, code)
        assert len(alarms) <= 1, alarms
        return alarms and all(alarms[0][name] == value for name, value in fields.items()) and alarms[0]
    return wait_until(found, 15, f"alarm {code} with {fields}; there is {house.alarms(unit, code)}")


def transitions(house, alarm):
    return [row["kind"] for row in house.query("select kind from alert.transition where alarm_id = %s order by id",
                                               alarm["id"])]


def test_fault_acknowledged_and_ended(house):
    unit = house.units[0]
    device, dispatcher = house.device(unit), house.login("dispatcher")
    with dispatcher.events() as events:
        assert events.status == 200
        device.report(codes=[42], mode=0)
        alarm = only(house, unit, 42, state="unacknowledged")
        told = events.wait("alarm", lambda data: data["lift_id"] == unit.lift_id)
        assert (told["id"], told["code"], told["state"]) == (alarm["id"], 42, "unacknowledged")
        listed = [item for item in dispatcher.get("/alarms", {"state": "open"}).json["items"]
                  if item["lift_id"] == unit.lift_id]
        assert [(item["id"], item["code"]) for item in listed] == [(alarm["id"], 42)]
        dispatcher.post(f"/alarms/{alarm['id']}/acknowledge", {"comment": "正在查看"})
        acknowledged = only(house, unit, 42, state="acknowledged")
        assert acknowledged["acknowledged_by"] is not None
        events.wait("alarm", lambda data: data["id"] == alarm["id"] and data["state"] == "acknowledged")
        device.report()
        cleared = only(house, unit, 42, state="cleared")
        assert cleared["cleared_at"] > cleared["raised_at"]
    assert transitions(house, alarm) == ["raise", "acknowledge", "clear"]


def test_ended_before_it_was_acknowledged_and_then_again(house):
    unit = house.units[1]
    device, dispatcher = house.device(unit), house.login("dispatcher")
    device.report(codes=[42], mode=0)
    device.report()
    alarm = only(house, unit, 42, state="returned_unacknowledged")
    dispatcher.post(f"/alarms/{alarm['id']}/acknowledge", {"comment": ""})
    only(house, unit, 42, state="cleared")
    again = dispatcher.post(f"/alarms/{alarm['id']}/acknowledge", {"comment": "twice"})
    assert again.status == 200
    assert transitions(house, alarm) == ["raise", "clear", "acknowledge"]
    device.report(codes=[42], mode=0)
    wait_until(lambda: len(house.alarms(unit, 42)) == 2, 10, "a new occurrence is a new alarm")


def test_the_car_learns_that_help_is_coming(house):
    """Acknowledging a passenger's alarm is told to the car on `down`; the device repeats the number it heard."""
    unit = house.units[2]
    device, dispatcher = house.device(unit), house.login("dispatcher")
    device.report(codes=[90], **STUCK)
    alarm = only(house, unit, 90)
    assert alarm["priority"] == 1
    dispatcher.post(f"/alarms/{alarm['id']}/acknowledge", {"comment": "马上到"})
    told = device.answer(kind=1)
    assert (told.unit, told.boot, told.seq) == (0, 1, 1) and told.minutes > 0


def test_people_trapped(house):
    unit = house.units[3]
    device, dispatcher = house.device(unit), house.login("dispatcher")
    began = device.report(**STUCK)[2]
    assert house.alarms(unit, 200) == []
    with dispatcher.events() as events:
        alarm = only(house, unit, 200, priority=1)
        assert int(alarm["raised_at"].timestamp() * 1000) == began, "it began when the car stopped, not when it rang"
        events.wait("alarm", lambda data: data["lift_id"] == unit.lift_id and data["code"] == 200)
    item = dispatcher.get(f"/alarms/{alarm['id']}").json
    assert item["people_trapped"] is True and item["lift"]["id"] == unit.lift_id and item["text_zh"] and item["text_en"]
    device.report(floor=3, flags=flags(in_door_zone=True, front_door_closed=False, car_occupied=True))
    device.report(floor=3, flags=flags(in_door_zone=True, front_door_closed=False, car_occupied=False))
    wait_until(lambda: house.alarms(unit, 200)[0]["cleared_at"], 90, "they got out")


def test_inspection_suppresses_what_it_brings_about(house):
    unit = house.units[4]
    device = house.device(unit)
    device.report(mode=2, codes=[1, 43], **STUCK)
    only(house, unit, 43)
    for _ in range(4):
        time.sleep(2)
        device.report(mode=2, codes=[1, 43], **STUCK)
    assert house.alarms(unit, 1) == [] and house.alarms(unit, 200) == []


def test_device_silent_and_heard_again(house):
    unit = house.units[5]
    device = house.device(unit)
    device.report()
    wait_until(lambda: house.landed(unit), 10)
    alarm = only(house, unit, 203, state="unacknowledged")
    assert house.value("select silent from telemetry.lift_now where lift_id = %s", unit.lift_id) in (True, False)
    wait_until(lambda: house.value("select silent from telemetry.lift_now where lift_id = %s", unit.lift_id), 10,
               "the overview knows")
    device.report()
    only(house, unit, 203, state="returned_unacknowledged")
    wait_until(lambda: house.value("select not silent from telemetry.lift_now where lift_id = %s", unit.lift_id), 10)
    assert alarm["priority"] == 3


def test_a_lift_that_never_spoke_is_not_silent(house):
    assert house.alarms(house.units[9]) == []


def test_the_same_reading_again_rings_once(house):
    unit = house.units[6]
    device = house.device(unit)
    reading = device.reading(codes=[8])
    for _ in range(10):
        device.up(reading)
    only(house, unit, 8)
    assert house.value("select count(*) from alert.transition t join alert.alarm a on a.id = t.alarm_id "
                       "where a.lift_id = %s", unit.lift_id) == 1
