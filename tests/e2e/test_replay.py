"""Sixty real lifts' sixteen months through the whole path, with liftd killed on the way: the outages are the file's."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "replay"))

import replay  # noqa: E402  (needs the path above)

SOAK = os.environ.get("LIFTD_SOAK") == "1"
"""The long version: all lifts, more kills."""


def outages_by_hand(rows):
    """(closed, open) counted straight through the rows: an independent third way."""
    down, closed = set(), 0
    for _, code, state in rows:
        if state == "INACTIVE":
            down.add(code)
        elif state == "ACTIVE" and code in down:
            down.remove(code)
            closed += 1
    return closed, len(down)


def test_outages_found_are_those_of_the_file(cluster):
    said = []
    run = replay.Replay(cluster, lifts=None if SOAK else 60, kills=8 if SOAK else 2,
                        window=500 if SOAK else 1, units=232 if SOAK else 8, say=said.append)
    try:
        wrong, figures = run.run()
        # The check must see what it is there to see: an end a second off, an outage too few.
        run.house.execute("update alert.alarm set cleared_at = cleared_at + interval '1 second' where id = "
                          "(select min(id) from alert.alarm where cleared_at is not null)")
        run.house.execute("update alert.alarm set code = 43 where id = (select max(id) from alert.alarm)")
        tampered, _ = run.check()
    finally:
        run.close()
    assert len(tampered) == 3, tampered
    assert not wrong, "\n".join(said + wrong)
    assert (figures["closed"], figures["still_open"]) == outages_by_hand(run.rows)
    assert figures["closed"] > 1000 and figures["still_open"] > 0
