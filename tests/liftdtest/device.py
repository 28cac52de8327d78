"""One MQTT device in a test's hands: it logs in with its own password and publishes what the test says."""

import collections
import random
import threading
import time

import msgpack
import paho.mqtt.client as mqtt

from . import base

KEYS = {"seq": 0, "boot": 1, "ts": 2, "unit": 3, "mode": 4, "motion": 5, "floor": 6, "flags": 7, "codes": 8,
        "energy": 9, "trips": 10, "run_time": 11, "door_cycles": 12, "load": 13, "speed": 14, "vibration": 15,
        "temperature": 16, "heard": 17, "held": 18}

FLAG = {"in_door_zone": 1, "front_door_closed": 2, "rear_door_closed": 4, "car_occupied": 8, "on_battery": 16}

Down = collections.namedtuple("Down", "type boot seq unit number minutes")


def now_ms():
    return int(time.time() * 1000)


def flags(**bits):
    """flags(in_door_zone=True, car_occupied=False): the bits named are known, the others are not."""
    value = 0
    for name, on in bits.items():
        value |= (FLAG[name] << 8) | (FLAG[name] if on else 0)
    return value


class Device:
    """Connects at once, subscribes to its `down`, and says it is present. `boot` is the device's boot counter;
    every unit counts its own seq. presence=False keeps it silent until the test calls presence()."""

    def __init__(self, port, area, device, password, boot=1, presence=True, client_id=None):
        self.port, self.area, self.name, self.boot = port, area, device, boot
        self.seq = collections.defaultdict(int)
        self.down = []
        self._read = 0
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        self._acked = set()
        self._ack = threading.Condition()
        self.client = mqtt.Client(client_id or f"{device}-{random.getrandbits(32):08x}", clean_session=True)
        self.client.username_pw_set(device, password)
        self.client.will_set(self.topic("presence"), msgpack.packb(False), qos=1, retain=True)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.refused = None
        self.connect()
        if presence:
            self.presence(True)

    def topic(self, leaf):
        return f"lift/v1/{self.area}/{self.name}/{leaf}"

    def connect(self):
        self._connected.clear()
        self._subscribed.clear()
        self.client.connect("127.0.0.1", self.port, keepalive=60)
        self.client.loop_start()
        base.wait_until(lambda: self._subscribed.is_set() or self.refused, 10, f"{self.name} connects")
        assert not self.refused, f"{self.name} was refused by the broker: {self.refused}"

    def _on_connect(self, client, _userdata, _flags, code):
        if code:
            self.refused = mqtt.connack_string(code)
            return
        self._connected.set()
        client.subscribe(self.topic("down"), qos=1)

    def _on_disconnect(self, *_):
        self._connected.clear()

    def _on_message(self, _client, _userdata, message):
        fields = msgpack.unpackb(message.payload, strict_map_key=False)
        self.down.append(Down(fields.get(0), fields.get(1), fields.get(2), fields.get(3), fields.get(4),
                              fields.get(5)))

    def _on_publish(self, _client, _userdata, mid):
        with self._ack:
            self._acked.add(mid)
            self._ack.notify_all()

    def publish(self, topic, payload, qos=1, retain=False, wait=True):
        """Publishes bytes and, at QoS 1, waits until the broker has acknowledged them."""
        info = self.client.publish(topic, payload, qos=qos, retain=retain)
        if qos and wait:
            with self._ack:
                ok = self._ack.wait_for(lambda: info.mid in self._acked, 20)
            assert ok, f"{self.name}: the broker did not acknowledge a message on {topic}"
        return info

    def reading(self, unit=0, seq=None, boot=None, ts=None, **fields):
        """The next reading of a unit as the wire's map. Fields are named as the columns of telemetry.reading;
        without any, a lift that stands at floor 1 in normal mode with its doors closed. None leaves a key out."""
        if seq is None:
            self.seq[unit] += 1
            seq = self.seq[unit]
        else:
            self.seq[unit] = max(self.seq[unit], seq)
        values = {"seq": seq, "boot": self.boot if boot is None else boot, "ts": now_ms() if ts is None else ts,
                  "mode": 1, "motion": 0, "floor": 1,
                  "flags": flags(in_door_zone=True, front_door_closed=True, car_occupied=False), "codes": []}
        if unit:
            values["unit"] = unit
        values.update(fields)
        return {KEYS[name]: value for name, value in values.items() if value is not None}

    def up(self, what, wait=True):
        """Publishes a reading, a list of readings, or raw bytes."""
        payload = what if isinstance(what, (bytes, bytearray)) else msgpack.packb(what)
        return self.publish(self.topic("up"), payload, wait=wait)

    def report(self, unit=0, **fields):
        """reading() and up() in one; returns the map sent."""
        sent = self.reading(unit, **fields)
        self.up(sent)
        return sent

    def marker(self, unit=0, held=()):
        fields = {KEYS["seq"]: 0, KEYS["held"]: [list(entry) for entry in held]}
        if unit:
            fields[KEYS["unit"]] = unit
        self.up(fields)

    def presence(self, online):
        self.publish(self.topic("presence"), msgpack.packb(online), retain=True)

    def answer(self, timeout_s=10, kind=2):
        """The next `down` message of the kind not yet taken by answer()."""
        def take():
            while self._read < len(self.down):
                self._read += 1
                if self.down[self._read - 1].type == kind:
                    return self.down[self._read - 1]
            return None
        return base.wait_until(take, timeout_s, f"{self.name} hears a down message of type {kind}")

    def drop(self):
        """Cuts the connection without a DISCONNECT, so that the broker publishes the will."""
        self.client.loop_stop()
        self.client._sock_close()

    def close(self):
        if self._connected.is_set():
            self.client.disconnect()
        self.client.loop_stop()
