"""Paths, ports, waiting, running as another user, and looking for what a sanitizer said."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _build():
    path = pathlib.Path(os.environ.get("LIFTD_BUILD", "build"))
    path = path if path.is_absolute() else ROOT / path
    return path.parent if path.name == "liftd" and not path.is_dir() else path


BUILD = _build()
"""The directory of the binaries under test; LIFTD_BUILD=build/san tests the sanitized ones."""

SANITIZED = re.compile(r"(ERROR: \w*Sanitizer|runtime error: |LeakSanitizer|: impossible: )")


class SanitizerFailure(AssertionError):
    """liftd said something that only a sanitizer or a broken assertion says."""


def liftd_binary():
    return BUILD / "liftd"


def wait_until(fn, timeout_s=10.0, what=None, every_s=0.05):
    """Calls fn until it returns something true, and returns that; fails after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s:g} s: {what or getattr(fn, '__doc__', None) or fn}")
        time.sleep(every_s)


_given = set()


def free_port():
    """A TCP port on 127.0.0.1 that nobody uses now and that this process has not given out before."""
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def as_user(name):
    """Popen arguments that run a program as `name`; none when we are not root (then we run it ourselves)."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def own(path, name):
    """Gives path to a user, when we are root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(name)
        os.chown(path, user.pw_uid, user.pw_gid)


def scratch(prefix):
    """A new directory that every user may enter; the caller removes it with discard()."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"liftd-{prefix}-"))
    path.chmod(0o755)
    return path


def discard(path):
    if not os.environ.get("LIFTD_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


def log_tail(path, lines=40):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return f"({path} does not exist)"


def check_sanitizers(path):
    """Fails when the log holds a sanitizer's report or a broken assertion."""
    text = pathlib.Path(path).read_text(errors="replace") if pathlib.Path(path).exists() else ""
    found = SANITIZED.search(text)
    if found:
        raise SanitizerFailure(text[max(0, found.start() - 200):found.start() + 6000])


def run(*args, **kwargs):
    """Runs a program to its end; fails with what it said."""
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    assert done.returncode == 0, f"{args[0]} exited with {done.returncode}:\n{done.stdout}"
    return done.stdout


def end(process, timeout_s=20):
    """Waits for a process we started; kills it when it does not end."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args[0]} did not end within {timeout_s} s")
