"""The periodic jobs of a running liftd: each runs, says how it went, and none stops the others."""

from liftdtest import wait_until

JOBS = {"partitions", "expired_days", "old_gaps", "old_refusals", "sessions"}


def jobs(house):
    return {row["name"]: row for row in house.query("select * from meta.job where last_finished_at is not null")}


def test_jobs_run_and_a_failing_one_is_alone(make_house):
    house = make_house(lifts=1, start=False, settings={"ingest.retention_days": 12, "ingest.partitions_ahead_days": 3})
    house.execute("revoke execute on function telemetry.age_gaps(int) from liftd_ingest")
    house.execute("insert into telemetry.refusal (topic, payload, payload_sha256, reason, first_at, last_at) "
                  "values ('t', 'x', sha256('x'), 'truncated', now() - interval '13 days', now() - interval '13 days')")
    house.execute("select telemetry.ensure_partitions(20, 0)")
    house.start()
    done = wait_until(lambda: (found := jobs(house)).keys() >= JOBS and found, 60, "every job has run")
    assert {name for name in JOBS if not done[name]["ok"]} == {"old_gaps"}
    assert done["old_gaps"]["message"].startswith("42501 permission denied") and done["old_gaps"]["failures"] == 1
    assert done["expired_days"]["message"] == "dropped=8"
    assert done["old_refusals"]["message"] == "trimmed=1"
    assert done["partitions"]["message"].startswith("first_day=")
    assert house.value("select count(*) from telemetry.partitions()") == 12 + 1 + 3
    assert "job failed name=old_gaps" in house.log()


def test_jobs_survive_an_outage(make_house):
    house = make_house(lifts=1)
    house.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'liftd timetable'")
    done = wait_until(lambda: (found := jobs(house)).keys() >= JOBS and found, 60, "every job has run")
    assert all(done[name]["ok"] and done[name]["runs"] == 1 for name in JOBS)
