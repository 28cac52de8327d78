"""A private PostgreSQL cluster on a unix socket, started and killed as a test needs."""

import itertools
import os
import pathlib
import signal
import subprocess

import psycopg2

from . import base


def _bindir():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    assert found, "no PostgreSQL server under /usr/lib/postgresql: run `make deps`"
    return found[-1].parent


class Cluster:
    """One cluster. Trust on a unix socket that only this machine's users reach; no TCP."""

    def __init__(self, settings=None):
        self.dir = base.scratch("pg")
        self.data = self.dir / "data"
        self.socket_dir = str(self.dir)
        self.log_path = self.dir / "postgresql.log"
        self.settings = {"listen_addresses": "", "unix_socket_directories": self.socket_dir, "fsync": "off",
                         "shared_buffers": "64MB", "max_connections": "60", "timezone": "UTC",
                         "log_line_prefix": "%m [%p] %u@%d ", "logging_collector": "off",
                         "track_commit_timestamp": "on"}
        self.settings.update(settings or {})
        self.process = None
        self._names = itertools.count(1)
        base.own(self.dir, "postgres")
        base.run(_bindir() / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync", cwd="/", **base.as_user("postgres"))

    def start(self, timeout_s=60):
        """Starts the postmaster and waits until it answers. After a SIGKILL the old backends may still hold
        the shared memory for a moment, and the postmaster then refuses to start: tried again until it does."""
        def up():
            if self.process is None or self.process.poll() is not None:
                self._launch()
            return self.answers()
        base.wait_until(up, timeout_s, f"the cluster answers; its log ends:\n{base.log_tail(self.log_path)}", 0.1)
        return self

    def _launch(self):
        args = [str(_bindir() / "postgres"), "-D", str(self.data)]
        for name, value in self.settings.items():
            args += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(args, stdout=log, stderr=log, cwd="/", **base.as_user("postgres"))

    def answers(self):
        try:
            psycopg2.connect(self.conninfo("postgres", user="postgres")).close()
            return True
        except psycopg2.OperationalError:
            return False

    def _signal(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            base.end(self.process, 60)

    def stop(self):
        """Fast shutdown: sessions are cut, a checkpoint is written."""
        self._signal(signal.SIGINT)

    def stop_immediate(self):
        """As a power cut for the processes: no checkpoint, recovery at the next start."""
        self._signal(signal.SIGQUIT)

    def kill(self):
        """SIGKILL of the postmaster; its backends go down by themselves a moment later."""
        self._signal(signal.SIGKILL)

    def close(self):
        self.stop()
        base.discard(self.dir)

    def conninfo(self, dbname, user=None):
        return f"host={self.socket_dir} dbname={dbname}" + (f" user={user}" if user else "")

    def create_database(self, prefix="t"):
        name = f"{prefix}_{os.getpid()}_{next(self._names)}"
        self.execute(f'create database "{name}" template template0')
        return name

    def drop_database(self, name):
        self.execute(f'drop database if exists "{name}" with (force)')

    def connect(self, dbname="postgres", user="postgres"):
        connection = psycopg2.connect(self.conninfo(dbname, user))
        connection.autocommit = True
        return connection

    def execute(self, sql, dbname="postgres"):
        connection = self.connect(dbname)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()
