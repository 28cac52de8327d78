"""build/liftsim as a child process, and its ledger of every reading it made."""

import csv
import signal
import subprocess

from . import base


class Simulator:
    """Runs liftsim with the arguments given. Its ledger is a list of dicts once it has ended."""

    def __init__(self, broker, devices, *args, directory=None):
        self.dir = directory or base.scratch("sim")
        self.ledger_path = self.dir / "ledger.csv"
        self.log_path = self.dir / "liftsim.log"
        self.devices_path = self.dir / "devices"
        self.devices_path.write_text("".join(f"{area} {device} {password} {units}\n"
                                             for area, device, password, units in devices))
        command = [str(base.BUILD / "liftsim"), "--host", "127.0.0.1", "--port", str(broker.port), "--devices",
                   str(self.devices_path), "--ledger", str(self.ledger_path), *[str(a) for a in args]]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def running(self):
        return self.process.poll() is None

    def wait(self, timeout_s):
        """Waits for its end and returns the ledger."""
        status = base.end(self.process, timeout_s)
        assert status == 0, f"liftsim exited with {status}:\n{base.log_tail(self.log_path)}"
        base.check_sanitizers(self.log_path)
        return self.ledger()

    def stop_making(self, timeout_s=60):
        """Lets it make no more readings and waits until the broker has acknowledged all; it then lingers if asked."""
        if "made everything" not in self.log() and self.running():
            self.process.send_signal(signal.SIGTERM)
        base.wait_until(lambda: "everything is acknowledged" in self.log() or not self.running(), timeout_s,
                        f"the simulator has sent everything:\n{base.log_tail(self.log_path)}", 0.2)

    def finish(self, timeout_s=60):
        """stop_making(), and its end: returns the ledger."""
        self.stop_making(timeout_s)
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def ledger(self):
        with open(self.ledger_path, newline="") as file:
            return [{**row, "unit": int(row["unit"]), "boot": int(row["boot"]), "seq": int(row["seq"]),
                     "ts": int(row["ts"])} for row in csv.DictReader(file)]

    def close(self):
        if self.running():
            self.process.kill()
            self.process.wait()
        base.discard(self.dir)
