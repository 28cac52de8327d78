"""Every way a reading can arrive: it lands exactly once, or is refused by name with its bytes kept."""

import datetime
import itertools
import time

import msgpack
import pytest

import liftdtest
from liftdtest import wait_until
from liftdtest.device import flags

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture(scope="module")
def house(cluster):
    """Lifts behind plain devices, and one gateway of three (the last units). The broker lets oversized messages
    through, so that liftd has to deal with them."""
    broker = liftdtest.Broker(size_limit=400_000).start()
    made = liftdtest.House(cluster, {"ingest.retention_days": 10}, lifts=45, broker=broker, start=False)
    made.gateway = made.register(3, units=3)
    made.start()
    yield made
    made.close()
    broker.close()


_next = itertools.count()


@pytest.fixture
def unit(house):
    """A lift that no other test has used."""
    return house.units[next(_next)]


def instant(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)


def lands(house, unit, *positions):
    """Waits until exactly these (boot, seq) have landed, each once."""
    wait_until(lambda: len(house.landed(unit)) >= len(positions), 10,
               f"{positions} land; there are {house.positions(unit)}")
    assert house.positions(unit) == sorted(positions)


def open_gaps(house, unit):
    """The open gaps behind the first reading, as ((boot, seq), (boot, seq)), both ends inclusive."""
    return [((g["from_boot"], g["from_seq"]), (g["to_boot"], g["to_seq"])) for g in house.gaps(unit)]


def settle(house, unit, device, **fields):
    """Sends one more reading and waits for it: everything sent before has then been dealt with."""
    sent = device.report(**fields)
    wait_until(lambda: (sent[1], sent[0]) in house.positions(unit), 10, f"reading {sent[0]} lands")
    return sent[0]


# --- order ------------------------------------------------------------------------------------------------------

def test_in_order_with_every_field(house, unit):
    device = house.device(unit)
    sent_ms = liftdtest.now_ms()
    full = dict(mode=2, motion=1, floor=-2, flags=0x1F1B, codes=[1, 90], energy=123456789012, trips=99999,
                run_time=8_000_000, door_cycles=70_000, load=450, speed=-1750, vibration=180, temperature=-55, heard=7)
    device.report(ts=sent_ms, **full)
    device.up({0: 2, 1: 1, 2: sent_ms + 1, 99: {"newer": [1, 2, 3]}})
    lands(house, unit, (1, 1), (1, 2))
    first, second = house.landed(unit)
    for name, value in full.items():
        assert first[name] == value, name
        assert second[name] is None, f"{name} is absent, not zero"
    assert first["ts"] == first["filed_at"] == instant(sent_ms)
    assert first["device"] == unit.device and first["unit"] == 0 and first["epoch"] == unit.epoch
    assert not first["suspect"] and abs(first["received_at"] - instant(sent_ms)) < datetime.timedelta(seconds=10)


def test_one_message_many_readings(house, unit):
    device = house.device(unit)
    device.up([device.reading() for _ in range(512)])
    lands(house, unit, *[(1, seq) for seq in range(1, 513)])


def test_the_same_message_again(house, unit):
    device = house.device(unit)
    reading = device.report()
    for _ in range(5):
        device.up(reading)
    device.up([reading, device.reading(), reading])
    settle(house, unit, device)
    lands(house, unit, (1, 1), (1, 2), (1, 3))


def test_redelivered_by_the_broker(house, unit):
    """liftd is killed while its commit waits: nothing was acknowledged, so the broker sends it all again."""
    device = house.device(unit)
    settle(house, unit, device)
    blocker = house.db()
    blocker.autocommit = False
    blocker.cursor().execute("lock table telemetry.reading in share mode")
    for _ in range(30):
        device.report()
    time.sleep(0.5)
    house.kill()
    blocker.rollback()
    blocker.close()
    house.start()
    settle(house, unit, device)
    lands(house, unit, *[(1, seq) for seq in range(1, 33)])


def test_out_of_order(house, unit):
    device = house.device(unit)
    device.marker(held=[])
    readings = [device.reading() for _ in range(6)]
    for index in (0, 2, 1, 5, 3, 4):
        device.up(readings[index])
    lands(house, unit, *[(1, seq) for seq in range(1, 7)])
    assert all(to[0] < 1 or to == (1, 0) for _, to in open_gaps(house, unit))


def test_gap_filled_piece_by_piece(house, unit):
    device = house.device(unit)
    device.report()
    device.report(seq=10)
    wait_until(lambda: len(house.landed(unit)) == 2, 10, "both land")

    def inner():
        return [gap for gap in open_gaps(house, unit) if gap[0] >= (1, 1)]
    assert inner() == [((1, 2), (1, 9))]
    device.up([device.reading(seq=seq) for seq in (4, 5, 6)])
    wait_until(lambda: len(house.landed(unit)) == 5, 10, "the middle lands")
    assert inner() == [((1, 2), (1, 3)), ((1, 7), (1, 9))]
    device.up([device.reading(seq=seq) for seq in (9, 2, 5, 3)])
    wait_until(lambda: len(house.landed(unit)) == 8, 10, "the edges land")
    assert inner() == [((1, 7), (1, 8))]
    device.up([device.reading(seq=seq) for seq in (8, 7, 7, 1, 10)])
    wait_until(lambda: len(house.landed(unit)) == 10, 10, "the rest lands")
    assert inner() == []
    lands(house, unit, *[(1, seq) for seq in range(1, 11)])
    filled = [gap for gap in house.gaps(unit, open_only=False) if gap["ended_at"] and gap["outcome"] == "filled"]
    assert filled, "a gap that was filled says so"


def test_late_does_not_change_what_is_now(house, unit):
    device = house.device(unit)
    device.report(floor=3)
    device.report(seq=5, floor=6)
    device.report(seq=3, floor=2, codes=[42], mode=0)
    settle(house, unit, device, floor=6)
    wait_until(lambda: house.value("select seq from telemetry.lift_now where lift_id = %s", unit.lift_id) == 6, 10)
    now = house.query("select floor, mode from telemetry.lift_now where lift_id = %s", unit.lift_id)[0]
    assert (now["floor"], now["mode"]) == (6, 1)
    assert house.alarms(unit, 42) == [], "what happened then is history and does not ring"
    assert (1, 3) in house.positions(unit)


# --- clocks -----------------------------------------------------------------------------------------------------

def test_very_late_is_filed_where_it_belongs(house, unit):
    device = house.device(unit)
    then = liftdtest.now_ms() - 3 * DAY
    device.report(ts=then)
    device.report(seq=4)
    device.report(seq=2, ts=then + MINUTE)
    lands(house, unit, (1, 1), (1, 2), (1, 4))
    second = house.landed(unit)[1]
    assert second["filed_at"] == second["ts"] == instant(then + MINUTE) and not second["suspect"]
    assert house.value("select count(*) from only telemetry.reading_default where lift_id = %s", unit.lift_id) == 0


@pytest.mark.parametrize("off_ms", [11 * MINUTE, 2 * HOUR, 400 * DAY, -11 * DAY, -9000 * DAY],
                         ids=["11min", "2h", "next year", "11 days ago", "1990s"])
def test_clock_not_believed(house, unit, off_ms):
    """Ahead of its arrival by more than 10 min, or older than the retention: kept, marked, filed by arrival."""
    device = house.device(unit)
    device.report(ts=liftdtest.now_ms() + off_ms)
    device.report()
    lands(house, unit, (1, 1), (1, 2))
    wrong, right = house.landed(unit)
    assert wrong["suspect"] and wrong["filed_at"] == wrong["received_at"]
    assert abs((wrong["ts"] - wrong["received_at"]).total_seconds() * 1000 - off_ms) < 10_000
    assert not right["suspect"]


def test_clock_a_little_ahead_is_believed(house, unit):
    device = house.device(unit)
    device.report(ts=liftdtest.now_ms() + 9 * MINUTE)
    lands(house, unit, (1, 1))
    assert not house.landed(unit)[0]["suspect"]


# --- boots and terminals ----------------------------------------------------------------------------------------

def test_reboot_opens_a_gap_across_boots(house, unit):
    device = house.device(unit, boot=7)
    began_ms = liftdtest.now_ms() - MINUTE
    for _ in range(3):
        device.report(ts=began_ms)
    device.boot, device.seq[0] = 9, 0
    device.report()
    wait_until(lambda: len(house.landed(unit)) == 4, 10, "the new boot lands")
    assert [gap for gap in open_gaps(house, unit) if gap[0] >= (7, 1)] == [((7, 4), (9, 0))]
    device.up([device.reading(boot=8, seq=2, ts=began_ms + 2), device.reading(boot=7, seq=4, ts=began_ms + 1)])
    lands(house, unit, (7, 1), (7, 2), (7, 3), (7, 4), (8, 2), (9, 1))
    device.marker(held=[(7, 1, 4), (8, 1, 2), (9, 1, 1)])
    wait_until(lambda: [gap for gap in open_gaps(house, unit) if gap[0] >= (7, 1)] == [((8, 1), (8, 1))], 10,
               "the marker says how far each boot went")


def test_boot_that_fell(house, unit):
    device = house.device(unit, boot=5)
    device.report()
    wait_until(lambda: house.landed(unit), 10)
    fallen = device.reading(boot=4, seq=1, ts=liftdtest.now_ms() + 1000)
    device.up(fallen)
    kept = wait_until(lambda: [row for row in house.refusals("boot_fell") if row["device"] == unit.device], 10,
                      "the reading is refused")
    assert bytes(kept[0]["payload"]) == msgpack.packb(fallen)
    alarm = wait_until(lambda: house.alarms(unit, 205), 10, "an alarm says so")
    assert len(alarm) == 1
    device.up(fallen)
    wait_until(lambda: [row for row in house.refusals("boot_fell") if row["device"] == unit.device][0]["times"] == 2)
    device.boot, device.seq[0] = 6, 0
    settle(house, unit, device)
    assert house.positions(unit) == [(5, 1), (6, 1)]
    assert len(house.alarms(unit, 205)) == 1


def test_restarted_while_offline(house, unit):
    """The backlog of the boot before is newer than what was heard live: late, and no boot has fallen."""
    device = house.device(unit, boot=4)
    began_ms = liftdtest.now_ms() - MINUTE
    device.report(ts=began_ms)
    lands(house, unit, (4, 1))
    device.marker(held=[(4, 1, 3), (5, 1, 2)])
    device.up([device.reading(seq=2, ts=began_ms + 1000), device.reading(seq=3, ts=began_ms + 2000)])
    device.boot, device.seq[0] = 5, 0
    device.up([device.reading(ts=began_ms + 3000), device.reading(ts=began_ms + 4000)])
    device.report()
    lands(house, unit, (4, 1), (4, 2), (4, 3), (5, 1), (5, 2), (5, 3))
    assert not [row for row in house.refusals("boot_fell") if row["device"] == unit.device]
    assert house.alarms(unit) == [] and open_gaps(house, unit) == []


def test_replaced_terminal_starts_a_new_epoch(house, unit):
    old = house.device(unit)
    old.report()
    old.report()
    lands(house, unit, (1, 1), (1, 2))
    epoch = house.value("select registry.replace_terminal(%s, %s, %s::smallint)", unit.lift_id, unit.device, 0)
    assert epoch != unit.epoch
    old.close()
    new = house.device(unit)

    def both():
        new.up(new.reading(seq=1))
        return len(house.landed(unit)) > 2
    wait_until(both, 10, "the new terminal's first reading lands", every_s=0.3)
    new.up(new.reading(seq=2))
    wait_until(lambda: len(house.landed(unit)) == 4, 10, "its second one too")
    assert [(r["epoch"], r["boot"], r["seq"]) for r in house.landed(unit)] == \
        [(unit.epoch, 1, 1), (unit.epoch, 1, 2), (epoch, 1, 1), (epoch, 1, 2)]


def test_gateway_with_several_units(house):
    units = house.gateway
    assert len({u.device for u in units}) == 1 and [u.unit for u in units] == [0, 1, 2]
    device = house.device(units[0])
    for round_ in range(20):
        device.up([device.reading(unit=u, floor=u + 1) for u in (0, 1, 2)])
    device.up([device.reading(unit=1), device.reading(unit=1), device.reading(unit=2)])
    for unit, count in zip(units, (20, 22, 21)):
        lands(house, unit, *[(1, seq) for seq in range(1, count + 1)])
        assert {row["floor"] for row in house.landed(unit)[:20]} == {unit.unit + 1}
        assert {row["unit"] for row in house.landed(unit)} == {unit.unit}


# --- who is known -----------------------------------------------------------------------------------------------

def test_unknown_device_lands_after_registration(house, unit):
    device = house.device("newcomer", area="dpq")
    sent = [device.report() for _ in range(5)]
    device.up([device.reading(), device.reading()])
    refused = wait_until(lambda: len(rows := [r for r in house.refusals("unknown_device")
                                              if r["device"] == "newcomer" and "/up" in r["topic"]]) == 6 and rows, 10,
                         "six messages are refused")
    assert {msgpack.packb(reading) for reading in sent} <= {bytes(row["payload"]) for row in refused}
    assert {row["area"] for row in refused} == {"dpq"}
    lift = house.value("select id from registry.lift where code = 'L-newcomer'") or house.value(
        "insert into registry.lift (code, building_id, name_zh, name_en, stage, floors) select 'L-newcomer', "
        "building_id, 'x', 'x', 'in_service', 6 from registry.lift where id = %s returning id", unit.lift_id)
    admin = house.login("admin")
    admin.post("/devices", {"device": "newcomer", "area": "dpq", "units": [{"unit": 0, "lift_id": lift}]})

    def count():
        return house.value("select count(*) from telemetry.reading where lift_id = %s", lift)
    wait_until(lambda: device.up([device.reading()]) and count() >= 1, 10,
               "new readings land soon after it is registered", every_s=0.2)
    admin.post("/unknown-devices/newcomer/land")
    total = device.seq[0]
    wait_until(lambda: count() == total, 15, "what was kept lands by one action")
    assert house.value("select array_agg(seq order by seq) from telemetry.reading where lift_id = %s", lift) == \
        list(range(1, total + 1))
    assert house.value("select count(*) from telemetry.refusal where device = 'newcomer' and topic like '%%/up' "
                       "and landed_at is null") == 0
    admin.post("/unknown-devices/newcomer/land", expect=404)  # nothing waits any more
    time.sleep(1)
    assert count() == total, "landing again adds none"


def test_known_device_of_another_area_is_refused(house, unit):
    device = house.device(unit)
    device.publish(f"lift/v1/elsewhere/{unit.device}/up", msgpack.packb(device.reading()))
    wait_until(lambda: [r for r in house.refusals("unknown_device") if r["area"] == "elsewhere"], 10)
    assert house.landed(unit) == []


def test_unknown_unit(house):
    device = house.device(house.gateway[0], boot=50)
    before = len(house.landed(house.gateway[0]))
    device.up([device.reading(unit=0), device.reading(unit=9)])
    refused = wait_until(lambda: house.refusals("unknown_unit"), 10, "unit 9 is refused")
    assert "9" in refused[0]["detail"] and msgpack.unpackb(bytes(refused[0]["payload"]), strict_map_key=False)
    wait_until(lambda: len(house.landed(house.gateway[0])) == before + 1, 10, "unit 0 of the same message lands")


# --- presence and resume ----------------------------------------------------------------------------------------

def test_presence_and_last_will(house, unit):
    device = house.device(unit)

    def online():
        return house.value("select online from telemetry.presence where device = %s", unit.device)
    wait_until(lambda: online() is True, 10, "it is online")
    device.drop()
    wait_until(lambda: online() is False, 10, "its last will says it is not")
    device.connect()
    device.presence(True)
    wait_until(lambda: online() is True, 10, "it is online again")


def test_resume_of_a_new_device_is_zeros(house, unit):
    device = house.device(unit)
    answer = device.answer()
    assert (answer.type, answer.boot, answer.seq, answer.unit) == (2, 0, 0, 0)
    assert answer.number >= 1


def test_resume_says_up_to_where_nothing_is_missing(house, unit):
    device = house.device(unit)
    first = device.answer()
    for _ in range(4):
        device.report()
    device.marker(held=[(1, 1, 4)])
    lands(house, unit, *[(1, seq) for seq in range(1, 5)])
    wait_until(lambda: open_gaps(house, unit) == [], 10, "nothing is missing")
    device.presence(True)
    answer = device.answer()
    assert (answer.boot, answer.seq) == (1, 4)
    assert answer.number > first.number, "every down message has a number of its own"
    device.report(seq=9)
    wait_until(lambda: len(house.landed(unit)) == 5, 10)
    device.presence(True)
    answer = device.answer()
    assert (answer.boot, answer.seq) == (1, 4), "5 to 8 are missing"
    device.report(heard=answer.number)
    wait_until(lambda: house.landed(unit)[-1]["heard"] == answer.number, 10, "it is known that it was heard")


def test_resume_for_every_unit(house):
    device = house.device(house.gateway[0], boot=60)
    answers = [device.answer() for _ in range(3)]
    assert sorted(a.unit for a in answers) == [0, 1, 2] and len({a.number for a in answers}) == 3
    device.up([device.reading(unit=u) for u in (0, 1, 2)])
    device.up([device.reading(unit=1)])
    for unit in range(3):
        device.marker(unit, held=[(60, 1, device.seq[unit])])
    wait_until(lambda: house.positions(house.gateway[1])[-1:] == [(60, 2)], 10)
    wait_until(lambda: not any(open_gaps(house, unit) for unit in house.gateway), 10, "nothing is missing")
    device.presence(True)
    answers = {a.unit: (a.boot, a.seq) for a in (device.answer() for _ in range(3))}
    assert answers == {0: (60, 1), 1: (60, 2), 2: (60, 1)}


def test_resume_after_a_restart_for_who_is_present(house, unit):
    device = house.device(unit)
    device.answer()
    settle(house, unit, device)
    device.marker(held=[(1, 1, 1)])
    wait_until(lambda: open_gaps(house, unit) == [], 10)
    house.restart()
    answer = device.answer()
    assert (answer.boot, answer.seq, answer.unit) == (1, 1, 0)


def test_marker_trims_gaps(house, unit):
    device = house.device(unit, boot=3)
    device.report(seq=1)
    device.report(seq=20)
    wait_until(lambda: len(house.landed(unit)) == 2, 10)
    device.marker(held=[(3, 10, 20)])
    wait_until(lambda: open_gaps(house, unit) == [((3, 10), (3, 19))], 10,
               "what the device no longer holds is given up")
    given_up = [g for g in house.gaps(unit, open_only=False) if g["outcome"] == "given_up"]
    assert ((3, 2), (3, 9)) in [((g["from_boot"], g["from_seq"]), (g["to_boot"], g["to_seq"])) for g in given_up]
    device.up([device.reading(seq=seq) for seq in (5, 12)])
    wait_until(lambda: len(house.landed(unit)) == 3, 10)
    settle(house, unit, device)
    assert (3, 12) in house.positions(unit) and (3, 5) not in house.positions(unit), "given up is given up"
    device.marker(held=[])
    wait_until(lambda: open_gaps(house, unit) == [], 10, "a device that holds nothing gives up all")


# --- bad input --------------------------------------------------------------------------------------------------

def good(**changes):
    fields = {0: 1, 1: 1, 2: liftdtest.now_ms()}
    fields.update(changes.pop("keys", {}))
    return fields


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


BAD = {
    "oversized": ("oversized", lambda: msgpack.packb([good(keys={99: "x" * 200}) for _ in range(700)])),
    "deep nesting": ("too_deep", lambda: msgpack.packb(good(keys={99: nested(60)}))),
    "deeper than any stack": ("too_deep", lambda: b"\x82\x00\x01\xcc\x63" + b"\x91" * 100_000),
    "seq is text": ("wrong_type", lambda: msgpack.packb(good(keys={0: "1"}))),
    "codes is a number": ("wrong_type", lambda: msgpack.packb(good(keys={8: 42}))),
    "load is NaN": ("wrong_type", lambda: msgpack.packb(good(keys={13: float("nan")}))),
    "energy is a float": ("wrong_type", lambda: msgpack.packb(good(keys={9: 1.5}))),
    "negative load": ("impossible", lambda: msgpack.packb(good(keys={13: -1}))),
    "negative seq": ("impossible", lambda: msgpack.packb(good(keys={0: -5}))),
    "boot beyond 32 bits": ("impossible", lambda: msgpack.packb(good(keys={1: 2 ** 32}))),
    "mode 8": ("impossible", lambda: msgpack.packb(good(keys={4: 8}))),
    "million elements in ten bytes": ("truncated", lambda: b"\xdd\x00\x0f\x42\x40\x83\x00\x01\x01\x01"),
    "map of four billion": ("truncated", lambda: b"\xdf\xff\xff\xff\xff\x00\x01"),
    "codes of four billion": ("truncated", lambda: b"\x84\x00\x01\x01\x01\x02\x01\x08\xdd\xff\xff\xff\xff"),
    "half a message": ("truncated", lambda: msgpack.packb(good(keys={9: 2 ** 40}))[:-4]),
    "one byte": ("truncated", lambda: b"\x83"),
    "no bytes": ("empty", lambda: b""),
    "empty array": ("empty", lambda: b"\x90"),
    "bytes after it": ("trailing", lambda: msgpack.packb(good()) + b"\x00"),
    "never used byte": ("malformed", lambda: b"\xc1"),
    "a number": ("shape", lambda: b"\x05"),
    "array of numbers": ("shape", lambda: msgpack.packb([1, 2])),
    "513 readings": ("too_many", lambda: msgpack.packb([good(keys={0: n + 1}) for n in range(513)])),
    "no ts": ("missing_key", lambda: msgpack.packb({0: 1, 1: 1})),
    "seq twice": ("duplicate_key", lambda: b"\x84\x00\x01\x01\x01\x02\x01\x00\x01"),
    "one bad among good": ("wrong_type", lambda: msgpack.packb([good(), good(keys={0: 2, 4: "x"})])),
}


@pytest.fixture(scope="module")
def bad_device(house):
    return house.device(house.units[-4])


@pytest.mark.parametrize("name", BAD)
def test_bad_payload_is_refused_by_name_and_kept(house, bad_device, name):
    reason, payload = BAD[name]
    payload = payload()
    bad_device.up(payload)
    row = wait_until(lambda: house.query("select * from telemetry.refusal where payload = %s", payload), 10,
                     f"the refusal of: {name}")[0]
    assert row["reason"] == reason, row["detail"]
    assert row["device"] == bad_device.name and row["area"] == "dpq" and row["times"] == 1
    assert row["topic"] == bad_device.topic("up")
    bad_device.up(payload)
    wait_until(lambda: house.value("select times from telemetry.refusal where id = %s", row["id"]) == 2, 10,
               "the same bytes again count up")


def test_nothing_of_the_bad_landed_and_the_good_still_does(house, bad_device):
    unit = house.units[-4]
    assert house.landed(unit) == []
    bad_device.report()
    lands(house, unit, (1, 1))


def test_unknown_topics(house):
    """A name outside the alphabet can log in at a broker that lets it; its message is refused by topic."""
    device = house.device("dotted.name", area="dpq", presence=False)
    payload = msgpack.packb(device.reading())
    device.up(payload)
    row = wait_until(lambda: house.refusals("topic"), 10, "a topic outside the contract is refused")[0]
    assert row["topic"] == "lift/v1/dpq/dotted.name/up" and bytes(row["payload"]) == payload


def test_bad_presence(house, unit):
    device = house.device(unit)
    device.publish(device.topic("presence"), msgpack.packb("yes"))
    wait_until(lambda: [r for r in house.refusals("wrong_type") + house.refusals("shape")
                        if r["topic"] == device.topic("presence")], 10, "a presence that is no boolean is refused")


def test_a_device_speaks_for_itself_alone(house, unit):
    thief, victim = house.device(house.units[0], client_id="thief"), house.device(unit)
    victim.answer()
    before = len(house.refusals())
    thief.client.subscribe(victim.topic("down"), 1)
    thief.client.subscribe("#", 1)
    for leaf, payload in (("up", msgpack.packb(victim.reading())), ("presence", msgpack.packb(False)),
                          ("down", msgpack.packb({0: 2, 1: 9, 2: 9, 3: 0, 4: 9}))):
        thief.publish(victim.topic(leaf), payload, wait=False)
    heard = len(thief.down)
    victim.presence(True)
    victim.answer()
    time.sleep(1)
    assert house.landed(unit) == [] and len(house.refusals()) == before
    assert house.value("select online from telemetry.presence where device = %s", unit.device) is True
    assert len(thief.down) == heard, "nobody else's down is heard"
    thief.close()


# --- the database refuses ---------------------------------------------------------------------------------------

def test_a_row_the_database_refuses(house):
    """Data it will not take is bisected out of its batch; the rest lands."""
    units = [house.units[next(_next)] for _ in range(3)]
    devices = [house.device(u) for u in units]
    for device in devices:
        device.answer()
    house.execute("alter table telemetry.reading add constraint not_77 check (floor is distinct from 77)")
    blocker = house.db()
    blocker.autocommit = False
    blocker.cursor().execute("lock table telemetry.reading in share mode")
    bad = []
    try:
        for number in range(1, 31):
            for index, device in enumerate(devices):
                fields = device.reading(floor=77 if number == 10 + index else 3)
                device.up(fields)
                if number == 10 + index:
                    bad.append(msgpack.packb(fields))
        blocker.rollback()
        for index, unit in enumerate(units):
            expected = [(1, n) for n in range(1, 31) if n != 10 + index]
            wait_until(lambda: house.positions(unit) == expected, 30, "all but the bad one land")
        rows = wait_until(lambda: len(rows := house.refusals("database")) == 3 and rows, 10, "three refusals")
        assert {bytes(row["payload"]) for row in rows} == set(bad)
        assert all("23514" in row["detail"] and "not_77" in row["detail"] for row in rows)
        for device in devices:
            device.report()
        for unit in units:
            wait_until(lambda: (1, 31) in house.positions(unit), 10, "and it goes on")
    finally:
        blocker.close()
        house.execute("alter table telemetry.reading drop constraint not_77")


# --- stop, reload, restart --------------------------------------------------------------------------------------

def test_sigterm_commits_what_was_read(house, unit):
    device = house.device(unit)
    settle(house, unit, device)
    blocker = house.db()
    blocker.autocommit = False
    blocker.cursor().execute("lock table telemetry.reading in share mode")
    for _ in range(40):
        device.report()
    time.sleep(0.5)
    house.expected_down = True
    house.process.terminate()
    time.sleep(0.3)
    blocker.rollback()
    blocker.close()
    assert house.process.wait(20) == 0
    lands(house, unit, *[(1, seq) for seq in range(1, 42)])
    house.start()
    settle(house, unit, device)
    lands(house, unit, *[(1, seq) for seq in range(1, 43)])


def test_sighup_takes_a_good_file_and_keeps_the_old_for_a_bad_one(house, unit):
    device = house.device(unit)
    said = len(house.log())
    house.write_settings(**{"alerts__silent_after_s": 301})
    house.reload()
    wait_until(lambda: "silent_after_s" in house.log()[said:], 10, "it says what changed")
    said = len(house.log())
    house.write_settings(**{"alerts__no_such_key": 1})
    house.reload()
    wait_until(lambda: "no_such_key" in house.log()[said:], 10, "it says what is wrong")
    house.write_settings(**{"alerts__no_such_key": None})
    settle(house, unit, device)
    assert house.alive()


def test_an_alarm_outlives_a_restart_and_then_clears(house, unit):
    device = house.device(unit)
    raised_ms = liftdtest.now_ms()
    device.report(ts=raised_ms, mode=0, codes=[42])
    alarm = wait_until(lambda: house.alarms(unit, 42), 10, "the alarm is raised")[0]
    assert alarm["raised_at"] == instant(raised_ms) and alarm["cleared_at"] is None
    house.stop()
    cleared_ms = liftdtest.now_ms()
    device.report(ts=cleared_ms)
    house.start()
    wait_until(lambda: house.alarms(unit, 42)[0]["cleared_at"] == instant(cleared_ms), 10, "it clears")
    assert len(house.alarms(unit, 42)) == 1


def test_a_hold_time_goes_on_over_a_restart(house, unit):
    """Nobody says anything after the condition began: the timer of the restarted liftd raises the alarm."""
    house.write_settings(**{"alerts__trapped_hold_s": 6})
    house.restart()
    device = house.device(unit)
    began_ms = liftdtest.now_ms()
    device.report(ts=began_ms, floor=3, flags=flags(in_door_zone=False, front_door_closed=True, car_occupied=True))
    wait_until(lambda: house.landed(unit), 10)
    house.restart()
    assert house.alarms(unit, 200) == [], "not before its time"
    alarm = wait_until(lambda: house.alarms(unit, 200), 15, "people trapped")[0]
    assert alarm["raised_at"] == instant(began_ms) and alarm["priority"] == 1
    house.write_settings(**{"alerts__trapped_hold_s": None})
    house.restart()
