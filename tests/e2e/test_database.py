"""The database by itself, over real sessions: late readings against a tiny model, the lease between two writers,
partitions beside running readers and writers, and what is announced."""

import datetime
import json
import os
import random
import select
import threading
import time

import psycopg2
import pytest

from liftdtest import ROOT, liftd_binary, scratch
from liftdtest import base

SEEDS = range(40 if os.environ.get("LIFTD_SOAK") == "1" else 6)
BOOTS, SEQS = 5, 14
UNIVERSE = [(boot, seq) for boot in range(0, BOOTS + 1) for seq in range(1, SEQS + 1)]
HELD_NOTHING = (None, None, None)


@pytest.fixture(scope="module")
def database(cluster):
    """Name of a freshly migrated database."""
    name = cluster.create_database()
    place = scratch("database")
    (place / "liftd.ini").write_text(f"[database]\nconninfo = {cluster.conninfo(name)}\nadmin_user = postgres\n"
                                     f"sql_dir = {ROOT / 'sql'}\n")
    base.run(liftd_binary(), "migrate", "-c", place / "liftd.ini")
    yield name
    cluster.drop_database(name)
    base.discard(place)


@pytest.fixture
def session(cluster, database):
    """session(): another session of the writer's role."""
    made = []

    def connect(user="liftd_ingest", autocommit=False):
        connection = psycopg2.connect(cluster.conninfo(database, user))
        connection.autocommit = autocommit
        made.append(connection)
        return connection
    yield connect
    for connection in made:
        connection.close()


def rows(connection, sql, *args):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else []


# --- late readings against a model -------------------------------------------------------------------------------

class Model:
    """One lift as sets of positions: what landed, what is waited for, what was given up."""

    def __init__(self):
        self.last, self.landed, self.waited, self.given_up = (0, 0), set(), set(), set()

    def live(self, position):
        """A reading after the last one; returns the gap it leaves, or None."""
        first, before = (self.last[0], self.last[1] + 1), (position[0], position[1] - 1)
        self.landed.add(position)
        self.last = position
        return (first, before) if first <= before else None

    def between(self, gap):
        return {p for p in UNIVERSE if gap[0] <= p <= gap[1]}

    def batch(self, gaps, late, held):
        """What a batch does; returns how many late readings land."""
        before = set(self.waited)
        for gap in gaps:
            self.waited |= self.between(gap)
        landing = {p for p in late if p in self.waited}
        self.waited -= landing
        self.landed |= landing
        if held:
            kept = {(boot, seq) for boot, oldest, last in held if boot is not None
                    for seq in range(oldest, last + 1)}
            newest = max(((boot, last) for boot, _, last in held if boot is not None), default=(-1, 0))
            gone = {p for p in self.waited if p not in kept and (p in before or p <= newest)}
            self.waited -= gone
            self.given_up |= gone
        return len(landing)


def random_batch(dice, model):
    """Live positions, the gaps they leave, late ones and marker entries, as a device and its broker might cause."""
    live, gaps, held = [], [], []
    for _ in range(dice.randint(0, 4)):
        boot, seq = model.last
        boot, seq = (boot, seq + 1 + max(0, dice.randint(-3, 4))) if dice.random() < 0.8 else \
            (boot + dice.randint(1, 2), dice.randint(1, 3))
        if boot > BOOTS or seq > SEQS:
            break
        gap = model.live((boot, seq))
        live.append((boot, seq))
        if gap:
            gaps.append(gap)
    if dice.random() < 0.25:
        for boot in sorted(dice.sample(range(0, BOOTS + 1), dice.randint(0, 3))):
            oldest = dice.randint(1, SEQS)
            held.append((boot, oldest, dice.randint(oldest, SEQS)))
            if dice.random() < 0.2:
                held.append((boot, dice.randint(1, oldest), oldest))
        held = held or [HELD_NOTHING]
    late = [dice.choice(UNIVERSE) for _ in range(dice.choice([0, 0, 1, 3, 8, 25]))]
    return live, gaps, late, held


def lay_out(cursor, lift, epoch, live, gaps, late, held):
    reading = ("(lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect) "
               "values (%s, 'd', 0, %s, %s, now(), now(), %s, now(), false)")
    for boot, seq in live:
        cursor.execute("insert into telemetry.reading " + reading, (lift, boot, seq, epoch))
    for boot, seq in late:
        cursor.execute("insert into pg_temp.late_in " + reading, (lift, boot, seq, epoch))
    for first, last in gaps:
        cursor.execute("insert into pg_temp.gap_in values (%s, %s, %s, %s, %s, %s, null, now())",
                       (lift, epoch, *first, *last))
    for entry in held:
        cursor.execute("insert into pg_temp.marker_in values (%s, %s, %s, %s, %s)", (lift, epoch, *entry))


def positions_of(admin, lift, epoch):
    """(landed, as a list), (open gaps), (given-up gaps) as the database has them."""
    landed = rows(admin, "select boot, seq from telemetry.reading where lift_id = %s and epoch = %s", lift, epoch)
    gaps = rows(admin, "select outcome, from_boot, from_seq, to_boot, to_seq from telemetry.gap "
                       "where lift_id = %s and epoch = %s order by from_boot, from_seq", lift, epoch)
    return landed, [g[1:] for g in gaps if g[0] is None], [g[1:] for g in gaps if g[0] == "given_up"]


def covered(stretches):
    """Positions of the universe in stretches, each of which must stand alone."""
    found = []
    for from_boot, from_seq, to_boot, to_seq in stretches:
        assert (from_boot, from_seq) <= (to_boot, to_seq)
        found += [p for p in UNIVERSE if (from_boot, from_seq) <= p <= (to_boot, to_seq)]
    assert len(found) == len(set(found)), f"stretches overlap: {stretches}"
    return set(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_late_readings_follow_the_model(session, seed):
    dice = random.Random(seed)
    writer, admin = session(), session("postgres", autocommit=True)
    rows(writer, "select telemetry.begin_session()")
    rows(writer, "select telemetry.ensure_partitions(2, 2)")
    writer.commit()
    lifts = [(1000 * (seed + 1) + n, epoch) for n in range(4) for epoch in (1, 2)]
    models = {lift: Model() for lift in lifts}
    for step in range(60):
        landing = late_rows = 0
        with writer.cursor() as cursor:
            for lift in dice.sample(lifts, dice.randint(1, len(lifts))):
                live, gaps, late, held = random_batch(dice, models[lift])
                lay_out(cursor, *lift, live, gaps, late, held)
                landing += models[lift].batch(gaps, late, held)
                late_rows += len(late)
            cursor.execute("select late_landed, late_duplicate from telemetry.land()")
            assert cursor.fetchone() == (landing, late_rows - landing), f"seed {seed} step {step}"
        writer.commit()
        for lift, model in models.items():
            landed, waited, given_up = positions_of(admin, *lift)
            assert len(landed) == len(set(landed)), f"seed {seed} step {step} lift {lift}: a reading twice"
            assert set(landed) == model.landed, f"seed {seed} step {step} lift {lift}"
            assert covered(waited) == model.waited, f"seed {seed} step {step} lift {lift}"
            assert covered(given_up) == model.given_up, f"seed {seed} step {step} lift {lift}"


# --- the lease ---------------------------------------------------------------------------------------------------

def test_one_writer_at_a_time(session):
    one, two = session(autocommit=True), session(autocommit=True)
    assert rows(one, "select epoch, batch from meta.take_lease('lease', 'one')") == [(1, 0)]
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        rows(two, "select meta.take_lease('lease', 'two')")
    rows(one, "select meta.advance('lease', 1, 1)")
    one.close()
    taken = base.wait_until(lambda: try_lease(two), 10, "the lease is free when its holder's session ends")
    assert taken == [(2, 1)]


def try_lease(connection):
    try:
        return rows(connection, "select epoch, batch from meta.take_lease('lease', 'two')")
    except psycopg2.errors.LockNotAvailable:
        return None


def test_a_batch_in_doubt_is_waited_for(session):
    """A writer that lost its connection asks how far the database is: a transaction that still may commit decides first."""
    old, new = session(), session(autocommit=True)
    rows(old, "select meta.take_lease('doubt', 'old')")
    old.commit()
    rows(old, "select meta.advance('doubt', 1, 1)")
    answer = []
    asker = threading.Thread(target=lambda: answer.extend(rows(new, "select batch from meta.lookup('doubt')")))
    asker.start()
    asker.join(0.5)
    assert not answer, "it did not wait"
    old.commit()
    asker.join(10)
    assert answer == [(1,)]
    with pytest.raises(psycopg2.Error) as refused:
        rows(new, "select meta.advance('doubt', 1, 1)")
    assert refused.value.pgcode == "LF001"


# --- partitions beside others ------------------------------------------------------------------------------------

def test_new_days_hold_up_nobody(session):
    writer, reader, keeper = session(), session("postgres"), session(autocommit=True)
    rows(keeper, "select telemetry.ensure_partitions(2, 2)")
    rows(writer, "insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect) "
                 "values (1, 'd', 0, 1, 1, now(), now(), 1, now(), false)")
    now = datetime.datetime.now(datetime.timezone.utc)
    rows(reader, "select count(*) from telemetry.reading where filed_at >= %s and filed_at < %s", now, now)
    begun = time.monotonic()
    rows(keeper, "select telemetry.ensure_partitions(2, 9)")
    assert time.monotonic() - begun < 1.5
    writer.commit()
    reader.commit()
    assert rows(reader, "select count(*) from telemetry.partitions() where day > telemetry.today() + 2") == [(7,)]


def test_a_long_read_of_everything_puts_new_days_off(session):
    reader, keeper = session("postgres"), session(autocommit=True)
    rows(reader, "select count(*) from telemetry.reading")
    begun = time.monotonic()
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        rows(keeper, "select telemetry.ensure_partitions(2, 11)")
    assert time.monotonic() - begun < 3
    reader.commit()
    rows(keeper, "select telemetry.ensure_partitions(2, 11)")
    assert rows(reader, "select max(day) - telemetry.today() from telemetry.partitions()") == [(11,)]


def test_two_keepers_at_once(session):
    keepers = [session(autocommit=True) for _ in range(4)]
    failures = []

    def keep(connection):
        try:
            for ahead in range(10, 25):
                rows(connection, "select telemetry.ensure_partitions(2, %s)", ahead)
                rows(connection, "select telemetry.drop_expired(2)")
        except psycopg2.Error as error:
            failures.append(error)
    threads = [threading.Thread(target=keep, args=(k,)) for k in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    admin = session("postgres", autocommit=True)
    assert rows(admin, "select count(*), count(distinct day) from telemetry.partitions()") == [(27, 27)]


def test_a_day_in_use_is_dropped_later(session):
    reader, keeper = session("postgres"), session(autocommit=True)
    rows(keeper, "select telemetry.ensure_partitions(6, 2)")
    rows(reader, "select count(*) from telemetry.reading")
    begun = time.monotonic()
    assert rows(keeper, "select telemetry.drop_expired(4)") == [(0,)]
    assert time.monotonic() - begun < 2, "the writer would have waited behind it"
    reader.commit()
    assert rows(keeper, "select telemetry.drop_expired(4)") == [(2,)]


# --- people beside the writer ------------------------------------------------------------------------------------

def stored_alarm(admin, lift):
    """Id of a new unacknowledged alarm, and of an account."""
    user = rows(admin, "insert into auth.user_account (name, display_name, roles) values ('u' || %s, '某人', '{dispatcher}') returning id", lift)
    alarm = rows(admin, "insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en) "
                        "values (%s, 200, 1, '2026-01-01', 'unacknowledged', 100, 1, '', '') returning id", lift)
    return alarm[0][0], user[0][0]


def clear(writer, lift):
    rows(writer, "select telemetry.begin_session()")
    rows(writer, "insert into alarm_in values (1, %s, 200, 1, 100, 1, '2026-01-01', '2026-01-02', null, null)", lift)
    return rows(writer, "select alarms_cleared, alarms_ignored from telemetry.land()")


def acknowledge(person, alarm, user):
    return rows(person, "select (alert.acknowledge(%s, %s, 'x')).state", alarm, user)


def life(admin, alarm):
    return (rows(admin, "select state from alert.alarm where id = %s", alarm)[0][0],
            [kind for (kind,) in rows(admin, "select kind from alert.transition where alarm_id = %s order by id", alarm)])


@pytest.mark.parametrize("first", ["clear", "acknowledge"])
def test_cleared_and_acknowledged_at_the_same_moment(session, first):
    """Whoever comes second waits for the first and goes on from where it left the alarm."""
    admin, writer, person = session("postgres", autocommit=True), session(), session("postgres")
    lift = {"clear": 801, "acknowledge": 802}[first]
    alarm, user = stored_alarm(admin, lift)
    steps = {"clear": (writer, lambda: clear(writer, lift)), "acknowledge": (person, lambda: acknowledge(person, alarm, user))}
    second = ({"clear", "acknowledge"} - {first}).pop()
    steps[first][1]()
    answer = []
    late = threading.Thread(target=lambda: answer.extend(steps[second][1]()))
    late.start()
    late.join(0.5)
    assert late.is_alive(), "it did not wait"
    steps[first][0].commit()
    late.join(10)
    steps[second][0].commit()
    assert answer == ([(1, 0)] if second == "clear" else [("cleared",)])
    assert life(admin, alarm) == ("cleared", [first, second])


def test_two_people_acknowledge_at_the_same_moment(session):
    admin, one, two = session("postgres", autocommit=True), session("postgres"), session("postgres")
    alarm, user = stored_alarm(admin, 803)
    acknowledge(one, alarm, user)
    answer = []
    late = threading.Thread(target=lambda: answer.extend(acknowledge(two, alarm, user)))
    late.start()
    late.join(0.5)
    assert late.is_alive()
    one.commit()
    late.join(10)
    two.commit()
    assert answer == [("acknowledged",)] and life(admin, alarm) == ("acknowledged", ["acknowledge"])


# --- what is announced -------------------------------------------------------------------------------------------

def heard(listener, count, timeout_s=5):
    """The next `count` payloads, and whatever else came with them."""
    end, payloads = time.monotonic() + timeout_s, []
    while len(payloads) < count and time.monotonic() < end:
        select.select([listener], [], [], 0.2)
        listener.poll()
        payloads += [json.loads(n.payload) for n in listener.notifies]
        listener.notifies.clear()
    return payloads


def test_a_batch_announces_what_changed(session):
    writer, listener = session(), session("liftd_web", autocommit=True)
    rows(listener, "listen liftd")
    rows(writer, "select telemetry.begin_session()")
    rows(writer, "insert into alarm_in values (0, 5, 200, 1, 100, 1, now(), now(), 'a', 'b')")
    rows(writer, "insert into presence_in values ('g1', 'd1', true, now())")
    rows(writer, "insert into refusal_in values ('t', 'x', 'truncated', null, null, null, now())")
    rows(writer, "insert into now_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect, silent) "
                 "values (5, 'd', 0, 1, 1, now(), now(), 1, now(), false, false)")
    rows(writer, "select telemetry.land()")
    assert heard(listener, 1, 0.3) == [], "nothing before the commit"
    writer.commit()
    said = heard(listener, 4)
    alarm = next(s for s in said if s["topic"] == "alarm")
    assert {k: alarm[k] for k in ("lift_id", "code", "priority", "state")} == \
        {"lift_id": 5, "code": 200, "priority": 1, "state": "unacknowledged"}
    assert sorted(s["topic"] for s in said) == ["alarm", "lifts", "presence", "refusals"]
    assert next(s for s in said if s["topic"] == "presence")["device"] == "d1"
    rows(writer, "insert into presence_in values ('g1', 'd1', true, now())")
    rows(writer, "insert into alarm_in select 1, 5, 200, 1, 100, 1, raised_at, now(), '', '' from "
                 "(select now() - interval '1 day' as raised_at) unknown")
    rows(writer, "select telemetry.land()")
    writer.commit()
    assert heard(listener, 1, 0.5) == [], "saying what is known announces nothing"


def test_a_storm_is_announced_once(session):
    writer, listener = session(), session("liftd_web", autocommit=True)
    rows(listener, "listen liftd")
    rows(writer, "select telemetry.begin_session()")
    rows(writer, "insert into alarm_in select 0, n, 201, 2, 100, 1, now(), now(), 'a', 'b' from generate_series(1, 1000) n")
    assert rows(writer, "select alarms_raised from telemetry.land()") == [(1000,)]
    writer.commit()
    assert heard(listener, 2, 1) == [{"topic": "alarms"}]
