"""An independent account of what must be in the database, made from the simulator's ledger alone."""

import collections
import datetime
import hashlib

FIELDS = ("mode", "motion", "floor", "flags", "codes", "energy", "trips", "run_time", "door_cycles", "load", "speed",
          "vibration", "temperature", "heard")


def _milliseconds(instant):
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (instant - epoch) // datetime.timedelta(milliseconds=1)


def row_sha(row):
    """The ledger's hash of a row of telemetry.reading."""
    parts = [row["unit"], row["boot"], row["seq"], _milliseconds(row["ts"])]
    for name in FIELDS:
        value = row[name]
        parts.append("" if value is None else "{" + ",".join(map(str, value)) + "}" if name == "codes" else value)
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def lifts(house):
    """{(device, unit): lift_id}"""
    return {(u.device, u.unit): u.lift_id for u in house.units}


def made(ledger, kind="reading"):
    """{(device, unit, boot, seq): ledger line}; fails when the simulator itself used one identity twice."""
    lines = {}
    for line in ledger:
        if line["kind"] == kind:
            key = (line["device"], line["unit"], line["boot"], line["seq"])
            assert kind == "garbage" or key not in lines, f"the simulator made {key} twice"
            lines[key] = line
    return lines


def landed(house):
    """[row of telemetry.reading], all of them."""
    return house.query("select * from telemetry.reading")


def check_readings(house, ledger):
    """Published = landed: none lost, none doubled, none changed. Returns how many."""
    expected = made(ledger)
    rows = landed(house)
    keys = collections.Counter((row["device"], row["unit"], row["boot"], row["seq"]) for row in rows)
    doubled = [key for key, count in keys.items() if count > 1]
    assert not doubled, f"{len(doubled)} readings landed more than once: {doubled[:10]}"
    lost = sorted(set(expected) - set(keys))
    assert not lost, f"{len(lost)} of {len(expected)} readings are lost: {lost[:10]}"
    invented = sorted(set(keys) - set(expected))
    assert not invented, f"{len(invented)} readings nobody made: {invented[:10]}"
    of = lifts(house)
    for row in rows:
        line = expected[row["device"], row["unit"], row["boot"], row["seq"]]
        assert row_sha(row) == line["sha"], f"changed on the way: {row}"
        assert row["lift_id"] == of[row["device"], row["unit"]], f"on another lift: {row}"
    return len(rows)


def check_gaps(house):
    """Everything was accounted for: nothing is waited for, and nothing that a device had made was given up."""
    waiting = house.query("select * from telemetry.gap where ended_at is null")
    assert not waiting, f"{len(waiting)} gaps are still open: {waiting[:5]}"


def runs(ledger, code):
    """{(device, unit): [[ts of the readings of one stretch with the code], ...]} and the stretches without it."""
    on, off = collections.defaultdict(list), collections.defaultdict(list)
    last = {}
    for (device, unit, *_), line in sorted(made(ledger).items()):
        has = str(code) in line["codes"].split("+")
        place = (device, unit)
        stretches = on[place] if has else off[place]
        if last.get(place) is not has:
            stretches.append([])
        stretches[-1].append(line["ts"])
        last[place] = has
    return on, off


def check_alarms(house, ledger, code):
    """Each stretch in which a lift reported the code is one alarm: its onset is a reading of the stretch, its end
    one of the stretch after it. No other alarm of the code exists. Returns how many."""
    on, off = runs(ledger, code)
    of = lifts(house)
    places = {lift: place for place, lift in of.items()}
    alarms = collections.defaultdict(list)
    for row in house.query("select lift_id, raised_at, cleared_at from alert.alarm where code = %s order by raised_at",
                           code):
        alarms[places[row["lift_id"]]].append(row)
    for place in of:
        stretches, found = on[place], alarms[place]
        what = f"{place}: {len(stretches)} stretches with code {code}, {len(found)} alarms: {found}"
        assert len(stretches) == len(found), what
        for stretch, alarm in zip(stretches, found):
            assert _milliseconds(alarm["raised_at"]) in stretch, f"{alarm} began in no reading of {stretch}; {what}"
            after = next((quiet for quiet in off[place] if quiet[0] > stretch[-1]), None)
            if after is None:
                assert alarm["cleared_at"] is None, what
            else:
                assert alarm["cleared_at"] is not None, what
                assert _milliseconds(alarm["cleared_at"]) in after, f"{alarm} ended in no reading of {after}; {what}"
    return sum(map(len, on.values()))


def check_refusals(house, ledger, may_miss):
    """Every refusal is bytes the simulator meant to be refused; all of them are there, except where may_miss(ts)
    says that the broker may have lost them (a device keeps no garbage to send again)."""
    bad = {line["sha"]: line for line in ledger if line["kind"] == "garbage"}
    kept = {}
    for row in house.query("select payload, reason, detail, times from telemetry.refusal"):
        sha = hashlib.sha256(bytes(row["payload"])).hexdigest()[:16]
        assert sha in bad, f"refused though it was good: {row}"
        assert sha not in kept, f"kept twice: {row}"
        kept[sha] = row
    missing = [line for sha, line in bad.items() if sha not in kept and not may_miss(line["ts"])]
    assert not missing, f"{len(missing)} of {len(bad)} bad messages left no refusal: {missing[:5]}"
    return len(kept)
