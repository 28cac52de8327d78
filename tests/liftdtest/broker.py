"""A private mosquitto with the shipped configuration: a password per device, a device's topics for itself alone."""

import re
import signal
import socket
import subprocess

from . import base

class Broker:
    """One mosquitto on 127.0.0.1:port. Passwords are added before start() or at any time with add(). size_limit
    lets larger messages through than the shipped configuration does."""

    def __init__(self, size_limit=None):
        self.dir = base.scratch("mqtt")
        self.port = base.free_port()
        self.log_path = self.dir / "mosquitto.log"
        self.passwords = {"liftd": "liftd-secret"}
        self.process = None
        conf = (base.ROOT / "server/ops/mosquitto.conf.in").read_text()
        for name, value in {"PORT": self.port, "ADDRESS": "127.0.0.1", "DIR": self.dir}.items():
            conf = conf.replace(f"@{name}@", str(value))
        if size_limit:
            conf = re.sub(r"(?m)^message_size_limit .*$", f"message_size_limit {size_limit}", conf)
        (self.dir / "mosquitto.conf").write_text(conf)
        (self.dir / "acl").write_text((base.ROOT / "server/ops/mosquitto.acl").read_text())
        (self.dir / "acl").chmod(0o644)
        base.own(self.dir, "mosquitto")

    def add(self, logins):
        """Adds {user: password}; a running broker reads them at once."""
        self.passwords.update(logins)
        self._write_passwords()
        if self.running():
            self.process.send_signal(signal.SIGHUP)

    def _write_passwords(self):
        path = self.dir / "passwords.new"
        path.write_text("".join(f"{user}:{password}\n" for user, password in self.passwords.items()))
        base.run("mosquitto_passwd", "-U", path)
        path.chmod(0o640)
        base.own(path, "mosquitto")
        path.rename(self.dir / "passwords")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, timeout_s=20):
        if not (self.dir / "passwords").exists():
            self._write_passwords()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(["mosquitto", "-c", str(self.dir / "mosquitto.conf")], stdout=log,
                                            stderr=log, cwd="/", **base.as_user("mosquitto"))
        base.wait_until(self.answers, timeout_s, f"mosquitto answers; its log ends:\n{base.log_tail(self.log_path)}")
        return self

    def answers(self):
        assert self.running(), f"mosquitto ended:\n{base.log_tail(self.log_path)}"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self._signal(signal.SIGTERM)

    def kill(self):
        """SIGKILL: what was not in its last snapshot is gone."""
        self._signal(signal.SIGKILL)

    def _signal(self, number):
        if self.running():
            self.process.send_signal(number)
            base.end(self.process)

    def close(self):
        self.stop()
        base.discard(self.dir)
