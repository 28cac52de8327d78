"""One liftd with its own database and broker: started, filled, questioned and stopped."""

import collections
import configparser
import itertools
import json
import re
import secrets
import signal
import subprocess
import urllib.request

import psycopg2
import psycopg2.extras

from . import base
from .broker import Broker
from .device import Device
from .http import Http
from .simulator import Simulator

Unit = collections.namedtuple("Unit", "lift_id code area device unit password epoch")

PASSWORD = "correct horse battery"
"""Every user that add_user makes has this password."""


class House:
    """liftd on a fresh database of a cluster. settings: {"section.key": value} beyond what a test needs anyway."""

    def __init__(self, cluster, settings=None, lifts=10, units=1, broker=None, database_host=None, start=True):
        self.cluster = cluster
        self.dir = base.scratch("house")
        self.own_broker = broker is None
        self.broker = broker or Broker().start()
        self.dbname = cluster.create_database()
        self.http_port = base.free_port()
        self.log_path = self.dir / "liftd.log"
        self.ini_path = self.dir / "liftd.ini"
        self.settings = {
            "database.conninfo": f"host={database_host or cluster.socket_dir} dbname={self.dbname}",
            "database.admin_user": "postgres",
            "database.sql_dir": base.ROOT / "sql",
            "broker.host": "127.0.0.1", "broker.port": self.broker.port, "broker.username": "liftd",
            "broker.password_file": self.dir / "mqtt-password", "broker.client_id": "liftd-" + self.dbname,
            "http.address": "127.0.0.1", "http.port": self.http_port,
        }
        self.settings.update(settings or {})
        (self.dir / "mqtt-password").write_text(self.broker.passwords["liftd"] + "\n")
        (self.dir / "mqtt-password").chmod(0o600)
        self.write_settings()
        self.process = None
        self.expected_down = True
        self.closed = False
        self.units, self.devices, self.simulators, self._connection = [], [], [], None
        self._numbers = itertools.count(1)
        self.liftd("migrate")
        if lifts:
            self.register(lifts, units)
        if start:
            self.start()

    # --- settings and commands -------------------------------------------------------------------------------

    def write_settings(self, **changes):
        """Writes the INI file; changes are section__key=value (None takes the key out)."""
        for name, value in changes.items():
            self.settings[name.replace("__", ".", 1)] = value
        sections = collections.defaultdict(dict)
        for name, value in self.settings.items():
            if value is not None:
                section, key = name.split(".", 1)
                sections[section][key] = str(value).lower() if isinstance(value, bool) else str(value)
        parser = configparser.RawConfigParser()
        parser.read_dict(sections)
        with open(self.ini_path, "w") as file:
            parser.write(file)

    def liftd(self, *args, input=None, ok=True):
        """Runs a liftd command to its end on this configuration: liftd("user", "list"). Returns its output."""
        command = [str(base.liftd_binary()), str(args[0]), "-c", str(self.ini_path), *[str(a) for a in args[1:]]]
        done = subprocess.run(command, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if base.SANITIZED.search(done.stdout):
            raise base.SanitizerFailure(done.stdout[:6000])
        assert not ok or done.returncode == 0, f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}"
        return done.stdout if ok else (done.returncode, done.stdout)

    # --- the process -----------------------------------------------------------------------------------------

    def start(self, ready=True, timeout_s=30):
        assert self.process is None or self.process.poll() is not None, "liftd runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(base.liftd_binary()), "serve", "-c", str(self.ini_path)],
                                            stdout=log, stderr=log)
        self.expected_down = False
        if ready:
            base.wait_until(self.ready, timeout_s, f"/readyz; liftd said:\n{base.log_tail(self.log_path)}")
        return self

    def readyz(self):
        """(status, decoded body) of /readyz; (0, None) when nobody answers."""
        return self._plain("/readyz")

    def _plain(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, None

    def ready(self):
        assert self.alive(), f"liftd ended with {self.process.returncode}:\n{base.log_tail(self.log_path)}"
        return self.readyz()[0] == 200

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout_s=20):
        """SIGTERM; fails unless liftd then ends with 0."""
        if self.alive():
            self.expected_down = True
            self.process.send_signal(signal.SIGTERM)
            status = base.end(self.process, timeout_s)
            base.check_sanitizers(self.log_path)
            assert status == 0, f"liftd ended with {status}:\n{base.log_tail(self.log_path)}"

    def kill(self):
        if self.alive():
            self.expected_down = True
            self.process.kill()
            self.process.wait()

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def check(self):
        """Fails when liftd died unasked or a sanitizer spoke."""
        base.check_sanitizers(self.log_path)
        if self.process is not None and not self.expected_down:
            assert self.alive(), f"liftd ended by itself with {self.process.returncode}:\n" \
                                 f"{base.log_tail(self.log_path)}"

    def close(self):
        """Ends everything; fails for what check() fails for."""
        self.closed = True
        try:
            for simulator in self.simulators:
                simulator.close()
            for device in self.devices:
                device.close()
            self.check()
            self.stop()
        finally:
            self.kill()
            if self._connection:
                self._connection.close()
            if self.own_broker:
                self.broker.close()
            if self.cluster.answers():
                self.cluster.drop_database(self.dbname)
            base.discard(self.dir)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def metrics(self):
        """/metrics as {name or name{labels}: value}."""
        _, text = self._plain("/metrics")
        pairs = re.findall(r"^([a-zA-Z_:][^#\s]*(?:\{[^}]*\})?) ([0-9.eE+-]+|NaN)$", text or "", re.M)
        return {name: float(value) for name, value in pairs}

    # --- the database ----------------------------------------------------------------------------------------

    def db(self, user="postgres"):
        return self.cluster.connect(self.dbname, user)

    def _cursor(self):
        if self._connection is None or self._connection.closed:
            self._connection = self.db()
        return self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor)

    def _run(self, sql, args, result):
        for again in (True, False):
            try:
                with self._cursor() as cursor:
                    cursor.execute(sql, args or None)
                    return result(cursor)
            except psycopg2.Error as error:  # once more when the cluster was restarted since the last question
                if not again or (error.pgcode and not self._connection.closed):
                    raise
                self._connection = None

    def query(self, sql, *args):
        return self._run(sql, args, lambda cursor: [dict(row) for row in cursor.fetchall()])

    def value(self, sql, *args):
        rows = self.query(sql, *args)
        return next(iter(rows[0].values())) if rows else None

    def execute(self, sql, *args):
        return self._run(sql, args, lambda cursor: cursor.rowcount)

    # --- registry, devices, users ----------------------------------------------------------------------------

    def register(self, count, units=1, area="dpq"):
        """Registers `count` lifts in service, `units` behind each device, and tells the broker the passwords."""
        new = []
        self.execute("insert into registry.area (code, kind, name_zh, name_en) values (%s, 'subdistrict', '测试街道', "
                     "'Test subdistrict') on conflict (code) do nothing", area)
        compound = self.value(
            "insert into registry.compound (code, area_id, name_zh, name_en, address) select %s, id, '测试小区', "
            "'Test compound', '' from registry.area where code = %s on conflict (code) do update set code = "
            "excluded.code returning id", "c-" + area, area)
        for _ in range(-(-count // units)):
            number = next(self._numbers)
            device, password = f"dev{number:05d}", secrets.token_hex(8)
            self._register_device(area, compound, device, number, min(units, count - len(new)), password, new)
        self.units += new
        self.broker.add({u.device: u.password for u in new})
        return new

    def register_many(self, devices, units, area="dpq"):
        """devices * units lifts in four statements; for tens of thousands. The names are many000001, ..; they all
        have one password."""
        first, password = next(self._numbers) + 1_000_000, secrets.token_hex(8)
        for _ in range(devices):
            next(self._numbers)
        self.execute("create temp table many as select d, u, format('many%%s-%%s', d, u) as code, format('many%%s', d) "
                     "as device from generate_series(%s, %s) d, generate_series(0, %s) u", first, first + devices - 1,
                     units - 1)
        self.execute("insert into registry.building (code, compound_id, name_zh, name_en, floors) select 'b-' || code, "
                     "(select id from registry.compound where code = %s), code, code, 6 from many", "c-" + area)
        self.execute("insert into registry.lift (code, building_id, name_zh, name_en, stage, floors) select m.code, b.id, "
                     "m.code, m.code, 'in_service', 6 from many m join registry.building b on b.code = 'b-' || m.code")
        self.execute("insert into registry.device (device, area_id) select distinct m.device, a.id from many m, "
                     "registry.area a where a.code = %s", area)
        rows = self.query("insert into registry.device_unit (lift_id, device_id, unit) select l.id, d.id, m.u from many m "
                          "join registry.lift l on l.code = m.code join registry.device d on d.device = m.device "
                          "returning lift_id, epoch")
        epochs = {row["lift_id"]: row["epoch"] for row in rows}
        new = [Unit(row["id"], row["code"], area, row["device"], row["u"], password, epochs[row["id"]])
               for row in self.query("select l.id, m.code, m.device, m.u from many m join registry.lift l on "
                                     "l.code = m.code order by m.d, m.u")]
        self.execute("drop table many")
        self.units += new
        self.broker.add({unit.device: password for unit in new})
        return new

    def _register_device(self, area, compound, device, number, units, password, new):
        self.execute("insert into registry.device (device, area_id) select %s, id from registry.area where code = %s",
                     device, area)
        for unit in range(units):
            code = f"L{number:05d}-{unit}"
            building = self.value("insert into registry.building (code, compound_id, name_zh, name_en, floors) values "
                                  "(%s, %s, %s, %s, 6) returning id", "b-" + code, compound, code, code)
            lift = self.value("insert into registry.lift (code, building_id, name_zh, name_en, stage, floors) values "
                              "(%s, %s, %s, %s, 'in_service', 6) returning id", code, building, code, code)
            epoch = self.value("insert into registry.device_unit (lift_id, device_id, unit) select %s, id, %s from "
                               "registry.device where device = %s returning epoch", lift, unit, device)
            new.append(Unit(lift, code, area, device, unit, password, epoch))

    def device(self, which=0, **kwargs):
        """The MQTT device of a Unit, of an index into units, or of a name (then with area=, password=)."""
        unit = self.units[which] if isinstance(which, int) else which
        if isinstance(unit, str):
            area, password = kwargs.pop("area", "dpq"), kwargs.pop("password", None) or secrets.token_hex(8)
            if unit not in self.broker.passwords:
                self.broker.add({unit: password})
            unit = Unit(None, None, area, unit, 0, self.broker.passwords[unit], None)
        made = Device(self.broker.port, unit.area, unit.device, unit.password, **kwargs)
        self.devices.append(made)
        return made

    def add_user(self, name, *roles, areas=(), firm=None, password=PASSWORD):
        args = ["user", "add", name, "--password-stdin"]
        for role in roles:
            args += ["--role", role]
        for area in areas:
            args += ["--area", area]
        if firm:
            args += ["--firm", firm]
        self.liftd(*args, input=password + "\n")

    @property
    def http(self):
        return Http(self.http_port)

    def login(self, name, *roles, **kwargs):
        """A session of that user; a user that does not exist is added with the role of its name (or `roles`);
        areas= and firm= limit it (planners and technicians see area dpq by default)."""
        if not self.value("select count(*) from auth.user_account where name = %s", name):
            roles = roles or (name,)
            if {"planner", "technician"} & set(roles) and not kwargs:
                kwargs["areas"] = ("dpq",)
            self.add_user(name, *roles, **kwargs)
        return self.http.login(name, PASSWORD)

    def simulate(self, *args):
        devices = collections.OrderedDict()
        for unit in self.units:
            area, password, units = devices.get(unit.device, (unit.area, unit.password, 0))
            devices[unit.device] = (area, password, units + 1)
        made = Simulator(self.broker, [(area, device, password, units)
                                       for device, (area, password, units) in devices.items()], *args)
        self.simulators.append(made)
        return made

    # --- what came of it -------------------------------------------------------------------------------------

    def landed(self, unit):
        return self.query("select * from telemetry.reading where lift_id = %s order by epoch, boot, seq", unit.lift_id)

    def positions(self, unit):
        """[(boot, seq)] that landed, each as often as it landed, of the unit's present epoch and older."""
        return [(row["boot"], row["seq"]) for row in self.landed(unit)]

    def alarms(self, unit=None, code=None):
        return self.query("select * from alert.alarm where (%s::bigint is null or lift_id = %s) and "
                          "(%s::int is null or code = %s) order by id", *[unit and unit.lift_id] * 2, code, code)

    def refusals(self, reason=None):
        return self.query("select * from telemetry.refusal where (%s::text is null or reason = %s) order by id",
                          reason, reason)

    def gaps(self, unit, open_only=True):
        return self.query("select * from telemetry.gap where lift_id = %s and (not %s or ended_at is null) "
                          "order by epoch, from_boot, from_seq", unit.lift_id, open_only)
