"""Real histories of real lifts through the real path, and the outages found held against the file itself.

The file: 223,771 state changes of 2,317 station lifts, polled every few minutes for sixteen months (tests/data/
PROVENANCE.md). What is done with it:

- Ten gateways stand for the poller that saw all lifts at once: up to 256 lifts are units of one device, and the
  changes a gateway saw in one poll are one message. A device for each lift would add 2,317 connections and say
  nothing more about liftd, which meets thousands of connections in the bench; units and arrays it meets here.
- ACTIVE becomes mode 1 with code 40, INACTIVE mode 0 with code 42. UNKNOWN and NOT_LISTED mean that nobody knew:
  nothing is sent, and an outage goes on. 'device silent' counts arrival time, and sixteen months arrive within a
  minute, so it has nothing to say here; its threshold is set to a week.
- All times are shifted by whole days so that the history ends yesterday; the retention covers all of it.
- The outages in alert.alarm (code 42) are held against outages that SQL computes from the raw file.
"""

import csv
import datetime
import gzip
import io
import pathlib
import struct
import subprocess
import sys
import time

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import liftdtest  # noqa: E402  (needs the path above)

FILE = liftdtest.ROOT / "tests/data/db_elevator_state_changes_2018-2019.csv.gz"
AREA = "db"
UNITS = 232
"""Lifts behind one gateway: ten gateways for all of them."""
WINDOW = 2000
DAY_S = 86400

SQL_REGISTER = """
with area as (insert into registry.area (code, kind, name_zh, name_en)
        values (%(area)s, 'subdistrict', '德国铁路车站', 'Railway stations') returning id),
    compound as (insert into registry.compound (code, area_id, name_zh, name_en, address)
        select 'stations', id, '车站', 'Stations', '' from area returning id),
    given as (select code, gateway, unit from unnest(%(codes)s::text[], %(gateways)s::text[], %(units)s::int[])
        as g (code, gateway, unit)),
    building as (insert into registry.building (code, compound_id, name_zh, name_en)
        select 'b' || given.code, compound.id, '车站电梯 ' || given.code, 'Station lift ' || given.code
        from given, compound returning id, code),
    lift as (insert into registry.lift (code, building_id, name_zh, name_en, stage)
        select substr(code, 2), id, '电梯 ' || substr(code, 2), 'Lift ' || substr(code, 2), 'in_service'
        from building returning id, code),
    device as (insert into registry.device (device, area_id)
        select distinct gateway, area.id from given, area returning id, device)
insert into registry.device_unit (lift_id, device_id, unit)
select lift.id, device.id, given.unit from given join lift using (code) join device on device.device = given.gateway
"""

SQL_SCRATCH = """
drop schema if exists replay cascade;
create schema replay;
create table replay.state_change (snapshot_utc timestamptz, equipmentnumber text, state text);
"""

# From the raw file to outages: of the states that anybody knew, an outage begins with an INACTIVE that follows
# no INACTIVE, and ends with the next ACTIVE.
SQL_EXPECTED = """
create table replay.expected as
with known as (
    select equipmentnumber, snapshot_utc, state,
        lag(state) over (partition by equipmentnumber order by snapshot_utc) as before
    from replay.state_change where state in ('ACTIVE', 'INACTIVE')),
changed as (
    select equipmentnumber, state, snapshot_utc,
        lead(snapshot_utc) over (partition by equipmentnumber order by snapshot_utc) as next
    from known where state is distinct from before)
select equipmentnumber as code, snapshot_utc + %(shift)s * interval '1 second' as began,
    next + %(shift)s * interval '1 second' as ended
from changed where state = 'INACTIVE';
"""

SQL_FOUND = """
create table replay.found as
select l.code, a.raised_at as began, a.cleared_at as ended
from alert.alarm a join registry.lift l on l.id = a.lift_id where a.code = 42;
"""

SQL_DIFFERENCES = """
select e.code, e.began as expected_began, e.ended as expected_ended, f.code as found_code, f.began as found_began,
    f.ended as found_ended
from replay.expected e full join replay.found f
    on (f.code, f.began) = (e.code, e.began) and f.ended is not distinct from e.ended
where e.code is null or f.code is null
order by coalesce(e.code, f.code), coalesce(e.began, f.began)
"""

# A terminal that is heard for the first time may have older boots: that gap is there before the first reading.
SQL_FIGURES = """
select (select count(*) from replay.expected) as expected, (select count(*) from replay.found) as found,
    (select count(*) from replay.found where ended is not null) as closed,
    (select count(*) from replay.found where ended is null) as still_open,
    (select count(distinct code) from replay.found) as lifts,
    (select count(*) from telemetry.reading) as readings,
    (select count(*) from (select distinct lift_id, epoch, boot, seq from telemetry.reading) d) as distinct_readings,
    (select count(*) from telemetry.reading where suspect) as suspect,
    (select count(*) from telemetry.refusal) as refusals, (select count(*) from telemetry.gap where (from_boot, from_seq, to_boot, to_seq) <> (0, 1, 1, 0)) as gaps,
    (select count(*) from alert.alarm where code <> 42) as other_alarms,
    (select count(*) from alert.transition where kind = 'raise') as raises,
    (select count(*) from alert.transition where kind = 'clear') as clears
"""


def parse_utc(text):
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())


class Replay:
    """One run. lifts: only so many of them, spread over the file; kills: liftd is killed so often on the way."""

    def __init__(self, cluster, lifts=None, kills=0, window=WINDOW, units=UNITS, say=print):
        self.kills, self.window, self.lifts_per_gateway, self.say = kills, window, units, say
        self._read(lifts)
        self.house = liftdtest.House(cluster, lifts=0, start=False, settings={
            "ingest.retention_days": self.days, "alerts.silent_after_s": 7 * DAY_S})

    def _read(self, lifts):
        with gzip.open(FILE, "rt", newline="") as file:
            rows = list(csv.reader(file))[1:]
        codes = sorted({row[1] for row in rows})
        if lifts:
            codes = codes[::max(1, len(codes) // lifts)][:lifts]
        chosen = set(codes)
        self.codes, self.rows = codes, [row for row in rows if row[1] in chosen]
        first, last = parse_utc(self.rows[0][0]), parse_utc(self.rows[-1][0])
        now = int(time.time())
        self.shift_s = (now // DAY_S - 1 - last // DAY_S) * DAY_S
        self.days = (now - (first + self.shift_s)) // DAY_S + 2
        self.gateways = [f"gw{i // self.lifts_per_gateway:02d}" for i in range(len(codes))]
        self.units = [i % self.lifts_per_gateway for i in range(len(codes))]

    def _execute(self, sql, named=None):
        connection = self.house.db()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, named)
        finally:
            connection.close()

    def _register(self):
        self._execute(SQL_REGISTER, {"area": AREA, "codes": self.codes, "gateways": self.gateways,
                                     "units": self.units})
        self.house.broker.add({gateway: "replay-" + gateway for gateway in set(self.gateways)})

    def _write_messages(self, path):
        """One message for what a gateway saw in one poll. Returns the number of readings and messages."""
        seqs = dict.fromkeys(self.codes, 0)
        place = {code: (int(gateway[2:]), unit)
                 for code, gateway, unit in zip(self.codes, self.gateways, self.units)}
        readings = messages = 0
        with open(path, "wb") as file:
            def flush(pending):
                for number, maps in pending.items():
                    payload = msgpack.packb(maps if len(maps) > 1 else maps[0])
                    file.write(struct.pack("<HI", number, len(payload)) + payload)
                return len(pending)
            poll, pending = None, {}
            for at, code, state in self.rows:
                if at != poll:
                    messages += flush(pending)
                    poll, pending = at, {}
                if state not in ("ACTIVE", "INACTIVE"):
                    continue
                number, unit = place[code]
                seqs[code] += 1
                readings += 1
                pending.setdefault(number, []).append({
                    0: seqs[code], 1: 1, 2: (parse_utc(at) + self.shift_s) * 1000, 3: unit,
                    4: 1 if state == "ACTIVE" else 0, 8: [40 if state == "ACTIVE" else 42]})
            messages += flush(pending)
        return readings, messages

    def _landed(self, readings):
        self.house.check()
        return self.house.value("select count(*) >= %s from telemetry.reading", readings)

    def _kill_now_and_then(self, readings):
        """Kills liftd with SIGKILL as the readings land; its broker session keeps what it misses."""
        for kill in range(self.kills):
            part = readings * (kill + 1) // (self.kills + 1)
            # Counting takes time from what is counted: the more there is, the less often.
            liftdtest.wait_until(lambda: self._landed(part), 900, f"{part} readings landed", every_s=readings / 4e5)
            self.house.kill()
            self.house.start()

    def _send(self):
        directory = self.house.dir
        readings, messages = self._write_messages(directory / "messages")
        (directory / "devices").write_text("".join(f"{AREA} {gateway} replay-{gateway}\n"
                                                   for gateway in sorted(set(self.gateways))))
        sender = subprocess.Popen([str(liftdtest.BUILD / "liftplay"), "127.0.0.1", str(self.house.broker.port),
                                   str(directory / "devices"), str(directory / "messages"), str(self.window)],
                                  stdout=subprocess.PIPE, text=True)
        self._kill_now_and_then(readings)
        out, _ = sender.communicate(timeout=1800)
        assert sender.returncode == 0, f"liftplay ended with {sender.returncode}"
        sent, self.sending_s, self.began = int(out.split()[0]), *map(float, out.split()[1:])
        assert sent == messages, f"{sent} messages sent, {messages} written"
        return readings, messages

    def _wait_landed(self, readings):
        liftdtest.wait_until(lambda: self._landed(readings), 1800, f"{readings} readings landed", every_s=0.5)
        ended = self.house.value("select extract(epoch from max(pg_xact_commit_timestamp(xmin))) from telemetry.reading")
        return float(ended) - self.began

    def check(self):
        """Differences between the outages in the database and those in the file, and the figures."""
        self._execute(SQL_SCRATCH)
        connection = self.house.db()
        try:
            with connection.cursor() as cursor:
                text = io.StringIO("".join(",".join(row) + "\n" for row in self.rows))
                cursor.copy_expert("copy replay.state_change from stdin with (format csv)", text)
        finally:
            connection.close()
        self._execute(SQL_EXPECTED, {"shift": self.shift_s})
        self._execute(SQL_FOUND)
        return self.house.query(SQL_DIFFERENCES), self.house.query(SQL_FIGURES)[0]

    def run(self):
        """Does it all, prints what came out and returns (list of what is wrong, figures)."""
        say = self.say
        silences = sum(row[2] not in ("ACTIVE", "INACTIVE") for row in self.rows)
        say(f"replay: {len(self.rows):,} state changes of {len(self.codes):,} lifts, {self.rows[0][0]} to "
            f"{self.rows[-1][0]}, moved by {self.shift_s // DAY_S:,} days; {silences:,} of them silences")
        say(f"replay: liftd keeps {self.days} days; making a day's partition for each")
        self._register()
        self.house.start(timeout_s=120)
        readings, messages = self._send()
        took_s = self._wait_landed(readings)
        differences, figures = self.check()
        figures.update(changes=len(self.rows), sent=readings, messages=messages, seconds=took_s)
        say(f"replay: {readings:,} readings in {messages:,} messages over {len(set(self.gateways))} connections: at the "
            f"broker after {self.sending_s:.1f} s, the last one committed after {took_s:.1f} s")
        say(f"replay: {len(self.rows) / took_s:,.0f} state changes/s, {readings / took_s:,.0f} readings/s, "
            f"{(figures['raises'] + figures['clears']) / took_s:,.0f} alarm transitions/s")
        say(f"replay: outages found {figures['closed']:,} closed and {figures['still_open']:,} open of "
            f"{figures['lifts']:,} lifts; in the file {figures['expected']:,}")
        return self._wrong(differences, figures, readings), figures

    def _wrong(self, differences, figures, readings):
        wrong = [f"outage differs: {dict(row)}" for row in differences[:20]]
        if len(differences) > 20:
            wrong.append(f"... and {len(differences) - 20:,} more")
        must = {"readings": readings, "distinct_readings": readings, "suspect": 0, "refusals": 0, "gaps": 0,
                "other_alarms": 0, "found": figures["expected"], "raises": figures["found"],
                "clears": figures["closed"]}
        return wrong + [f"{name} is {figures[name]:,}, not {value:,}" for name, value in must.items()
                        if figures[name] != value]

    def close(self):
        self.house.close()
