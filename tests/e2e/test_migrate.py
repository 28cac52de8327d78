"""`liftd migrate`: from nothing to the newest, again without change, and every way in which it must refuse."""

import re
import shutil
import subprocess

import pytest

from liftdtest import ROOT, liftd_binary, scratch
from liftdtest import base


class Place:
    """A copy of the SQL files, a settings file, and an empty database."""

    def __init__(self, cluster):
        self.cluster, self.dir = cluster, scratch("migrate")
        self.sql = self.dir / "sql"
        shutil.copytree(ROOT / "sql", self.sql)
        self.dbname = cluster.create_database()
        self.ini = self.dir / "liftd.ini"
        self.ini.write_text(f"[database]\nconninfo = {cluster.conninfo(self.dbname)}\nadmin_user = postgres\n"
                            f"sql_dir = {self.sql}\n")

    def command(self, *args):
        return [str(liftd_binary()), args[0], "-c", str(self.ini), *args[1:]]

    def liftd(self, *args):
        """(exit status, stdout and stderr)."""
        done = subprocess.run(self.command(*args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120)
        assert not base.SANITIZED.search(done.stdout), done.stdout
        return done.returncode, done.stdout

    def value(self, sql):
        connection = self.cluster.connect(self.dbname)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def write(self, name, text):
        (self.sql / name).write_text(text)


@pytest.fixture
def place(cluster):
    made = Place(cluster)
    yield made
    cluster.drop_database(made.dbname)
    base.discard(made.dir)


def newest():
    return sorted((ROOT / "sql/migrate").glob("*.sql"))[-1].name[:4]


def test_from_nothing_and_again(place):
    status, said = place.liftd("migrate", "--status")
    assert status == 1 and "no schema of liftd" in said
    status, said = place.liftd("migrate", "--dry-run")
    assert status == 0 and "nothing was changed" in said
    assert place.value("select to_regnamespace('meta') is null"), "a dry run changes nothing"
    status, said = place.liftd("migrate")
    assert status == 0 and said.endswith(f"the schema is at {newest()}\n"), said
    before = place.value("select jsonb_agg(m order by number) from meta.migration m")
    status, said = place.liftd("migrate")
    assert status == 0 and "applied" not in said, said
    assert place.value("select jsonb_agg(m order by number) from meta.migration m") == before
    status, said = place.liftd("migrate", "--status")
    assert status == 0 and said.count("not applied") == 0 and "as this liftd needs it" in said
    assert place.value("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                       "where nspname in ('meta','telemetry','alert','registry','auth','api') and relkind in ('r','p') "
                       "and relowner <> 'liftd_owner'::regrole") == 0


def test_a_new_migration_runs_once_and_as_the_owner(place):
    place.liftd("migrate")
    place.write("migrate/9000_more.sql", "create table meta.more (id int);\n-- done\n")
    status, said = place.liftd("serve")
    assert status == 1 and re.search(r"at \d{4}, older than this liftd's 9000: run `liftd migrate`", said), said
    status, said = place.liftd("migrate")
    assert status == 0 and "migrate/9000_more.sql: applied" in said
    assert place.value("select relowner::regrole::text from pg_class where oid = 'meta.more'::regclass") == "liftd_owner"
    (place.sql / "migrate/9000_more.sql").unlink()
    status, said = place.liftd("migrate")
    assert status == 1 and "9000_more.sql has run on this database and is not among the files" in said
    status, said = place.liftd("serve")
    assert status == 1 and "newer than this liftd's" in said


@pytest.mark.parametrize("name, text, says", [
    ("migrate/9000_wrong.sql", "create table meta.a (id int);\n\ncreate table meta.b (\n    id nonsense);\n",
     r"^migrate/9000_wrong\.sql:4: type \"nonsense\" does not exist \(SQLSTATE 42704\)$"),
    ("migrate/9000_wrong.sql", "-- one; two\ncreate table meta.a (t text default 'x;''y');\n\n/* ; /* ; */ */ insert into meta.a values ('电梯');\n"
     "do $x$ begin perform 1; end $x$;\n\nselect 1/0 from meta.a;\n", r"^migrate/9000_wrong\.sql:7: division by zero"),
    ("migrate/9000_wrong.sql", "do $$\nbegin\n    raise exception 'no; not this';\nend $$;\n", r"^migrate/9000_wrong\.sql:1: no; not this"),
    ("migrate/9000_wrong.sql", "create table meta.a (c text); -- 电梯电梯电梯\nselect '电梯',\n  nowhere from meta.a;\n",
     r"^migrate/9000_wrong\.sql:3: column \"nowhere\" does not exist"),
    ("migrate/9000_wrong.sql", "create table meta.a (id int); commit; create table meta.b (id int);\n", r"ends the transaction"),
    ("telemetry/99_wrong.sql", "create function telemetry.x() returns int\nlanguage sql as 'select 1';\nselec 1;\n",
     r"^telemetry/99_wrong\.sql:3: syntax error"),
    ("migrate/0001_again.sql", "select 1;", r"migrate/0001_again\.sql and migrate/0001_meta\.sql have the same number"),
    ("migrate/0009_late.sql", "select 1;", r"migrate/0009_late\.sql: has not run, but \d{4} has: give it a number above that"),
    ("migrate/12_x.sql", "select 1;", r"migrate/12_x\.sql: a migration is named NNNN_words\.sql"),
    ("migrate/9000_nul.sql", "select 1;\0", r"9000_nul\.sql: contains a NUL byte"),
    ("roles.sql", "selec 1;", r"^roles\.sql:1: syntax error"),
])
def test_mistakes_are_named_and_change_nothing(place, name, text, says):
    place.liftd("migrate")
    before = place.value("select (select count(*) from meta.migration) || ' ' || (select encode(sha256, 'hex') from meta.replay)")
    place.write(name, text)
    status, said = place.liftd("migrate")
    assert status == 1 and re.search(says, said, re.M), said
    if "ends the transaction" not in says:
        assert place.value("select to_regclass('meta.a') is null")
    assert place.value("select (select count(*) from meta.migration) || ' ' || (select encode(sha256, 'hex') from meta.replay)") == before


def test_a_migration_that_ran_must_not_change(place):
    place.liftd("migrate")
    file = place.sql / "migrate/0001_meta.sql"
    file.write_text(file.read_text() + "-- harmless\n")
    status, said = place.liftd("migrate")
    assert status == 1 and re.search(r"^migrate/0001_meta\.sql: was changed after it ran on \d{4}-\d\d-\d\d", said, re.M), said


def test_functions_are_replayed(place):
    place.liftd("migrate")
    place.cluster.execute("create or replace function telemetry.today() returns date language sql stable as $$ select date '1999-01-01' $$",
                          place.dbname)
    (place.sql / "telemetry/99_new.sql").write_text("create or replace function telemetry.brand_new() returns int language sql as 'select 1';\n")
    status, said = place.liftd("serve")
    assert status == 1 and "the database's functions are not those of this liftd" in said
    status, said = place.liftd("migrate")
    assert status == 0, said
    assert place.value("select telemetry.today() > '2020-01-01' and telemetry.brand_new() = 1")


def test_two_at_once(place):
    both = [subprocess.Popen(place.command("migrate"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)]
    said = [p.communicate(timeout=120)[0] for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    assert sum(s.count(": applied in") for s in said) == len(list((ROOT / "sql/migrate").glob("*.sql")))


def test_what_it_cannot_reach(place):
    place.ini.write_text(place.ini.read_text().replace("dbname=", "dbname=nowhere_"))
    status, said = place.liftd("migrate")
    assert status == 1 and "no connection to the database" in said
    place.ini.write_text(f"[database]\nconninfo = {place.cluster.conninfo(place.dbname)}\nadmin_user = postgres\n"
                         f"sql_dir = {place.dir}/nothing\n")
    status, said = place.liftd("migrate")
    assert status == 1 and re.search(r"nothing/roles\.sql: No such file", said), said
    assert place.liftd("migrate", "--nonsense")[0] == 2
    assert place.liftd("migrate", "extra")[0] == 2
