"""The account that the crash test rests on notices what it must: a lost, doubled, changed or invented reading, an open
gap, an alarm too many or too few, a refusal that is missing."""

import copy
import datetime
import hashlib
import os
import sys

import pytest

import liftdtest

sys.path.insert(0, os.path.dirname(__file__))
import truth  # noqa: E402

START_MS = 1_790_000_000_000


def instant(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)


def reading(seq, codes):
    row = dict.fromkeys(truth.FIELDS)
    row.update(lift_id=7, device="d", unit=0, boot=3, seq=seq, ts=instant(START_MS + seq * 1000), mode=1, codes=codes)
    return row


class World:
    """Twelve readings of one lift, out of service from the 4th to the 6th and from the 10th on; one piece of garbage."""

    def __init__(self):
        self.units = [liftdtest.Unit(7, "L", "a", "d", 0, "p", 1)]
        codes = [[42] if seq in (4, 5, 6, 10, 11, 12) else [] for seq in range(1, 13)]
        self.rows = [reading(seq, codes[seq - 1]) for seq in range(1, 13)]
        self.ledger = [{"device": "d", "unit": 0, "boot": 3, "seq": row["seq"], "ts": START_MS + row["seq"] * 1000,
                        "sha": truth.row_sha(row), "codes": "+".join(map(str, row["codes"])), "kind": "reading"}
                       for row in self.rows]
        self.alarms = [{"lift_id": 7, "raised_at": instant(START_MS + 4000), "cleared_at": instant(START_MS + 7000)},
                       {"lift_id": 7, "raised_at": instant(START_MS + 10000), "cleared_at": None}]
        self.ledger.append({"device": "d", "unit": 0, "boot": 0, "seq": 0, "ts": START_MS, "codes": "", "kind": "garbage",
                            "sha": hashlib.sha256(b"\xc1").hexdigest()[:16]})
        self.refused = [{"payload": b"\xc1", "reason": "malformed", "detail": None, "times": 1}]
        self.gaps = []

    def query(self, sql, *_):
        return copy.deepcopy({"reading": self.rows, "alarm": self.alarms, "gap": self.gaps,
                              "refusal": self.refused}[sql.split(" from ")[1].split()[0].split(".")[1]])

    def check(self):
        truth.check_readings(self, self.ledger)
        truth.check_gaps(self)
        truth.check_alarms(self, self.ledger, 42)
        truth.check_refusals(self, self.ledger, lambda ts: False)


def lose(w):
    del w.rows[3]


def double(w):
    w.rows.append(w.rows[5])


def change(w):
    w.rows[2]["mode"] = 2


def move(w):
    w.rows[2]["lift_id"] = 8


def invent(w):
    w.rows.append(reading(13, []))


def leave_open(w):
    w.gaps.append({"from_seq": 1})


def ring_twice(w):
    w.alarms.insert(1, {"lift_id": 7, "raised_at": instant(START_MS + 5000), "cleared_at": instant(START_MS + 7000)})


def not_ring(w):
    del w.alarms[0]


def ring_early(w):
    w.alarms[0]["raised_at"] = instant(START_MS + 3000)


def not_clear(w):
    w.alarms[0]["cleared_at"] = None


def clear_early(w):
    w.alarms[0]["cleared_at"] = instant(START_MS + 6000)


def clear_what_stands(w):
    w.alarms[1]["cleared_at"] = instant(START_MS + 12000)


def forget_refusal(w):
    w.refused.clear()


def refuse_good(w):
    w.refused.append({"payload": b"good", "reason": "database", "detail": "", "times": 1})


def test_a_true_account_passes():
    World().check()


@pytest.mark.parametrize("wrong", [lose, double, change, move, invent, leave_open, ring_twice, not_ring, ring_early,
                                   not_clear, clear_early, clear_what_stands, forget_refusal, refuse_good])
def test_what_is_wrong_is_noticed(wrong):
    world = World()
    wrong(world)
    with pytest.raises(AssertionError):
        world.check()
