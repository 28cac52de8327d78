"""Rows that the database refuses, in the middle of a batch far larger than what a socket takes at once."""

import pytest

from liftdtest import now_ms, wait_until


@pytest.fixture(scope="module")
def house_lifts():
    return 2


def test_a_flood_with_refused_rows(house):
    unit = house.units[0]
    device = house.device(unit)
    device.report()
    wait_until(lambda: house.landed(unit), 10)
    house.stop()
    house.execute("alter table telemetry.reading add constraint no_4242 check (load is distinct from 4242)")
    start_ms, count = now_ms(), 100
    for message in range(count):
        device.up([device.reading(ts=start_ms + message, load=4242 if message in (17, 60) and n == 200 else 100, floor=1)
                   for n in range(400)])
    house.start()
    wait_until(lambda: house.value("select count(*) from telemetry.reading where lift_id = %s", unit.lift_id)
               == 1 + count * 400 - 2, 20, "all but the two refused rows land")
    kept = house.refusals("database")
    assert len(kept) == 2 and all("23514" in row["detail"] for row in kept)
    house.execute("alter table telemetry.reading drop constraint no_4242")
    assert house.alive()
