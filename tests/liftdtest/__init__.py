"""What the end-to-end tests stand on: a real PostgreSQL cluster, a real mosquitto, a real liftd, and hands for each.

A test asks for the fixture `house` (tests/conftest.py) and gets everything running. The names below are the
whole interface; they are kept stable.

    house.query(sql, *args) -> [row as dict]     house.value(sql, *args) -> one value
    house.execute(sql, *args) -> rows changed    house.db() -> a psycopg2 connection (superuser, autocommit)
    house.units -> [Unit]                        the lifts registered, in order (lift_id, area, device, unit, ...)
    house.register(count, units=1) -> [Unit]     registers more lifts, `units` lifts behind one device
    house.device(unit_or_name) -> Device         an MQTT device logged in with its own password
    house.http -> Http                           client without a session
    house.login("dispatcher") -> Http            client with a session
    house.add_user(name, *roles, areas=(), firm=None)
    house.start() .stop() .kill() .restart() .reload()   liftd; stop() is SIGTERM and checks the exit status
    house.log() -> all that liftd has said       house.metrics() -> {name: value}
    house.landed(unit) -> [row]                  readings of a lift, by (epoch, boot, seq)
    house.alarms(unit, code=None) -> [row]       house.refusals(reason=None) -> [row]
    house.simulate("--lifts", "10", ...) -> Simulator    build/liftsim on this broker with this house's devices
    wait_until(fn, timeout_s=10, what="...")     returns fn()'s first true value or fails with `what`
    free_port()                                  a port nobody listens on

    device.reading(unit=0, **fields) -> dict     the next reading of the wire, names as in telemetry.reading
    device.up(reading | [readings] | bytes)      publishes at QoS 1 and waits for the PUBACK
    device.presence(True)                        device.down -> list of decoded `down` messages
    device.answer() -> Down                      the next `down` of type 2 (a resume point) within 10 s
    device.marker(unit, [(boot, oldest, last)])  device.drop() cuts the connection: the will is published
"""

from .base import (BUILD, ROOT, SanitizerFailure, as_user, check_sanitizers, free_port, liftd_binary, log_tail,
                   scratch, wait_until)
from .broker import Broker
from .cluster import Cluster
from .device import FLAG, KEYS, Device, now_ms
from .house import House, Unit
from .http import Answer, Http
from .proxy import DatabaseProxy, Proxy
from .simulator import Simulator

__all__ = ["BUILD", "ROOT", "SanitizerFailure", "as_user", "check_sanitizers", "free_port", "liftd_binary", "log_tail",
           "scratch", "wait_until", "Broker", "Cluster", "DatabaseProxy", "Device", "FLAG", "KEYS", "now_ms", "House", "Unit",
           "Answer", "Http", "Proxy", "Simulator"]
