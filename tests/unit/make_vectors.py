#!/usr/bin/python3
"""Writes decode_vectors.txt and the fuzzers' seed corpora with an encoder that is not ours (python3-msgpack).

Usage: make_vectors.py OUT_DIRECTORY
       writes OUT_DIRECTORY/decode_vectors.txt and OUT_DIRECTORY/corpus/{decode,topic}/*.

Each line of decode_vectors.txt is: name TAB payload TAB expected result. The payload is hex, in pieces separated
by spaces; XX*N stands for N times the byte XX. The result is either
  ok TAB one field per record ("seq=1 boot=2 ..." or "held unit=0 1:1-9 ..."), or "ok readings=N markers=M", or
  reason TAB "record=N key=N" (key -1: none).
The expectations are written out below by hand or follow from the contract's table, never from the decoder.
"""
import math
import os
import re
import struct
import sys

import msgpack

# key: name in the dump, least, most; the wire contract's table.
RANGES = {
    0: ("seq", 1, 2**63 - 1), 1: ("boot", 0, 2**32 - 1), 2: ("ts", 0, 253402300799999), 3: ("unit", 0, 255),
    4: ("mode", 0, 7), 5: ("motion", 0, 2), 6: ("floor", -100, 300), 7: ("flags", 0, 65535),
    9: ("energy", 0, 2**63 - 1), 10: ("trips", 0, 2**63 - 1), 11: ("run_time", 0, 2**63 - 1),
    12: ("door_cycles", 0, 2**63 - 1), 13: ("load", 0, 20000), 14: ("speed", -20000, 20000),
    15: ("vibration", 0, 100000), 16: ("temperature", -1000, 2000), 17: ("heard", 0, 2**63 - 1),
}
BASE = {0: 1, 1: 2, 2: 1700000000000}
FLAGS_KNOWN = 0x1F1F
CASES = []
SEEDS = {}


def case(name, payload, result, seed=False):
    assert name not in [c[0] for c in CASES], name
    CASES.append((name, payload, result))
    if seed:
        SEEDS[name] = payload


def ok(*records):
    return "\t".join(("ok",) + records)


def bad(reason, key=-1, record=0):
    return f"{reason}\trecord={record} key={key}"


def dump(record):
    """The expected text of one reading given as a dict of wire keys."""
    fields = []
    for key in sorted(record):
        value = record[key]
        if key == 8:
            fields.append("codes=" + ",".join(str(c) for c in sorted(set(value))))
        elif key == 7:
            fields.append(f"flags={value & FLAGS_KNOWN}")
        elif key in RANGES:
            fields.append(f"{RANGES[key][0]}={value}")
    return " ".join(fields)


def held(unit, *entries):
    return " ".join([f"held unit={unit}"] + [f"{b}:{o}-{l}" for b, o, l in entries])


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def raw_map(*pairs):
    """A map from pairs of already packed keys and values: for duplicates and odd encodings."""
    return bytes([0x80 | len(pairs)]) + b"".join(k + v for k, v in pairs)


def with_base(key, raw, more=()):
    """The base record plus one key whose value is given as bytes."""
    pairs = [(pack(k), pack(v)) for k, v in BASE.items() if k != key]
    return raw_map(*pairs, (pack(key), raw), *more)


# Every encoding that can hold n, by the msgpack specification.
def encodings(n):
    found = {}
    if 0 <= n < 128:
        found["fixint"] = struct.pack("B", n)
    if -32 <= n < 0:
        found["negfixint"] = struct.pack("b", n)
    for name, code, form in (("uint8", 0xCC, ">B"), ("uint16", 0xCD, ">H"), ("uint32", 0xCE, ">I"),
                             ("uint64", 0xCF, ">Q"), ("int8", 0xD0, ">b"), ("int16", 0xD1, ">h"),
                             ("int32", 0xD2, ">i"), ("int64", 0xD3, ">q")):
        try:
            found[name] = bytes([code]) + struct.pack(form, n)
        except struct.error:
            pass
    return found


def plain():
    case("least", pack(BASE), ok(dump(BASE)), seed=True)
    full = {**BASE, 3: 4, 4: 1, 5: 2, 6: -2, 7: 0x1F1B, 8: [40, 7, 40, 1], 9: 123456789012, 10: 99999, 11: 8765432,
            12: 4321, 13: 450, 14: -1750, 15: 180, 16: 315, 17: 12}
    case("all-keys", pack(full), ok(dump(full)), seed=True)
    case("keys-reversed", pack(dict(reversed(list(full.items())))), ok(dump(full)))
    case("array-of-one", pack([BASE]), ok(dump(BASE)))
    case("array-of-three", pack([BASE, full, {**BASE, 3: 1}]), ok(dump(BASE), dump(full), dump({**BASE, 3: 1})),
         seed=True)
    case("map16", b"\xde\x00\x03" + pack(BASE)[1:], ok(dump(BASE)))
    case("map32", b"\xdf\x00\x00\x00\x03" + pack(BASE)[1:], ok(dump(BASE)))
    case("array16", b"\xdc\x00\x01" + pack(BASE), ok(dump(BASE)))
    case("array32", b"\xdd\x00\x00\x00\x01" + pack(BASE), ok(dump(BASE)))
    for n in (511, 512):
        case(f"readings-{n}", pack([{**BASE, 0: i + 1} for i in range(n)]), f"ok readings={n} markers=0")
    case("readings-513", pack([{**BASE, 0: i + 1} for i in range(513)]), bad("too_many"))


def ranges():
    for key, (name, least, most) in RANGES.items():
        for n in (least, most):
            case(f"{name}={n}", pack({**BASE, key: n}), ok(dump({**BASE, key: n})))
        for n in (least - 1, most + 1):
            if key == 0 and n == 0:
                continue  # a marker without held: see markers()
            case(f"{name}={n}", pack({**BASE, key: n}), bad("impossible", key))
        case(f"{name}=-2^63", pack({**BASE, key: -2**63}), bad("impossible", key))
        case(f"{name}=2^64-1", pack({**BASE, key: 2**64 - 1}), bad("impossible", key))
        for what, value in (("nil", None), ("true", True), ("false", False), ("float", 1.0), ("nan", math.nan),
                            ("inf", math.inf), ("string", "1"), ("empty-string", ""), ("bin", b"\x01"),
                            ("array", [1]), ("empty-array", []), ("map", {1: 1}), ("empty-map", {}),
                            ("ext", msgpack.ExtType(5, b"x"))):
            case(f"{name}-{what}", pack({**BASE, key: value}), bad("wrong_type", key))
        case(f"{name}-float32", with_base(key, b"\xca" + struct.pack(">f", 1.0)), bad("wrong_type", key))
        case(f"{name}-timestamp", with_base(key, b"\xd6\xff\x00\x00\x00\x01"), bad("wrong_type", key))
    for key, n in ((0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 1), (6, 5), (6, -5), (6, -99), (7, 0x101), (9, 5),
                   (10, 200), (11, 40000), (12, 2**31), (13, 5), (14, -5), (14, 15000), (14, -15000), (15, 70000),
                   (16, -500), (17, 2**40)):
        for form, raw in encodings(n).items():
            value = {**BASE, key: n}
            case(f"{RANGES[key][0]}={n}-as-{form}", with_base(key, raw), ok(dump(value)))
    for form, raw in encodings(3).items():
        case(f"key-as-{form}", raw_map(*[(pack(k), pack(v)) for k, v in BASE.items()], (raw, b"\x07")),
             ok(dump({**BASE, 3: 7})))
    case("flags-unknown-bits", pack({**BASE, 7: 0xFFFF}), ok(dump({**BASE, 7: 0xFFFF})))
    case("flags-only-unknown-bits", pack({**BASE, 7: 0xE0E0}), ok(dump({**BASE, 7: 0})))


def missing_and_duplicate():
    for key in (0, 1, 2):
        case(f"missing-{key}", pack({k: v for k, v in BASE.items() if k != key}), bad("missing_key", key))
    case("empty-map", b"\x80", bad("missing_key", 0), seed=True)
    case("array-of-empty-map", b"\x91\x80", bad("missing_key", 0))
    case("second-misses-ts", pack([BASE, {0: 2, 1: 2}]), bad("missing_key", 2, record=1))
    case("third-has-wrong-type", pack([BASE, BASE, {**BASE, 6: "x"}]), bad("wrong_type", 6, record=2))
    base = [(pack(k), pack(v)) for k, v in BASE.items()]
    for key in range(19):
        if key in (8, 18):
            raw = pack([])
        else:
            raw = pack(1)
        pairs = [p for p in base if p[0] != pack(key)]
        case(f"duplicate-{key}", raw_map(*pairs, (pack(key), raw), (pack(key), raw)), bad("duplicate_key", key))
    case("duplicate-other-encoding", raw_map(*base, (b"\xcc\x01", b"\x02")), bad("duplicate_key", 1))
    case("duplicate-unknown", raw_map(*base, (b"\x64", b"\x02"), (b"\x64", b"\x02")), ok(dump(BASE)))


def codes():
    for what, value, result in (
            ("none", [], []), ("one", [40], [40]), ("bounds", [65535, 0], [0, 65535]),
            ("32", list(range(32, 0, -1)), list(range(1, 33))), ("repeated", [7] * 32, [7]),
            ("mixed", [9, 1, 9, 300, 1, 2], [1, 2, 9, 300])):
        case(f"codes-{what}", pack({**BASE, 8: value}), ok(dump({**BASE, 8: result})), seed=what == "mixed")
    for what, value, reason in (
            ("33", list(range(33)), "impossible"), ("65536", [1, 65536], "impossible"), ("negative", [-1], "impossible"),
            ("2^64-1", [2**64 - 1], "impossible"), ("string", ["1"], "wrong_type"), ("nil", [None], "wrong_type"),
            ("float", [1.0], "wrong_type"), ("nested", [[1]], "wrong_type"), ("nested-empty", [[]], "wrong_type"),
            ("map-inside", [{}], "wrong_type"), ("of-held", [[1, 1, 1]], "wrong_type")):
        case(f"codes-{what}", pack({**BASE, 8: value}), bad(reason, 8))
    for what, value in (("number", 40), ("nil-value", None), ("string-value", "40"), ("map", {40: 1}),
                        ("bin", b"\x28"), ("bool", True), ("double", 40.5)):
        case(f"codes-is-{what}", pack({**BASE, 8: value}), bad("wrong_type", 8))
    case("codes-array16", with_base(8, b"\xdc\x00\x02\x05\xcd\x00\x04"), ok(dump({**BASE, 8: [4, 5]})))
    case("codes-then-unknown-array", pack({**BASE, 8: [3, 2], 99: [9, 8, "x", [1]]}), ok(dump({**BASE, 8: [2, 3]})))
    case("unknown-array-then-codes", pack({**BASE, 99: ["x", [1]], 8: [3, 2]}), ok(dump({**BASE, 8: [2, 3]})))


def unknown():
    values = {"int": 5, "negative": -5, "nil": None, "bool": True, "float": 0.5, "nan": math.nan, "string": "x" * 300,
              "bin": b"\xff" * 70000, "array": [1, [2, [3]]], "map": {"a": {"b": [1]}}, "ext": msgpack.ExtType(1, b"1234"),
              "timestamp": msgpack.Timestamp(1, 2), "long-array": [7] * 70000}
    for what, value in values.items():
        case(f"unknown-19-{what}", pack({**BASE, 19: value}), ok(dump(BASE)), seed=what in ("map", "ext", "nan"))
    base = [(pack(k), pack(v)) for k, v in BASE.items()]
    for what, key in (("negative", -1), ("large", 2**64 - 1), ("string", "seq"), ("float", 3.0), ("nil", None),
                      ("bool", True), ("array", [3, [1]]), ("empty-array", []), ("map", {3: 3}), ("bin", b"\x03"),
                      ("held-like", [[1, 1, 1]])):
        case(f"unknown-key-{what}", raw_map((pack(key), pack(1)), *base), ok(dump(BASE)))
        case(f"unknown-key-{what}-array", raw_map((pack(key), pack([[1, 2, 3]])), *base), ok(dump(BASE)))
    for name, raw in (("fixext1", b"\xd4\x01x"), ("fixext2", b"\xd5\x01xx"), ("fixext4", b"\xd6\x01xxxx"),
                      ("fixext8", b"\xd7\x01" + b"x" * 8), ("fixext16", b"\xd8\x01" + b"x" * 16),
                      ("ext8-empty", b"\xc7\x00\x01"), ("ext16", b"\xc8\x00\x02\x01xx"),
                      ("ext32", b"\xc9\x00\x00\x00\x01\x01x"), ("str8", b"\xd9\x02xx"), ("str16", b"\xda\x00\x02xx"),
                      ("str32", b"\xdb\x00\x00\x00\x02xx"), ("bin8", b"\xc4\x02xx"), ("bin16", b"\xc5\x00\x02xx"),
                      ("bin32", b"\xc6\x00\x00\x00\x02xx"), ("str-empty", b"\xa0"), ("str8-empty", b"\xd9\x00"),
                      ("str16-empty", b"\xda\x00\x00"), ("str32-empty", b"\xdb\x00\x00\x00\x00"),
                      ("bin8-empty", b"\xc4\x00"), ("bin16-empty", b"\xc5\x00\x00"),
                      ("bin32-empty", b"\xc6\x00\x00\x00\x00"), ("array16-empty", b"\xdc\x00\x00"),
                      ("array32-empty", b"\xdd\x00\x00\x00\x00"), ("map16-empty", b"\xde\x00\x00"),
                      ("map32-empty", b"\xdf\x00\x00\x00\x00")):
        case(f"skips-{name}", raw_map((b"\x64", raw), *base), ok(dump(BASE)))


def nest(depth, inner, as_map=False):
    for _ in range(depth):
        inner = {1: inner} if as_map else [inner]
    return inner


def deep():
    for as_map in (False, True):
        kind = "maps" if as_map else "arrays"
        for wrap in (False, True):
            where = "in-array" if wrap else "bare"
            shape = (lambda m: [m]) if wrap else (lambda m: m)
            case(f"deep-8-{kind}-{where}", pack(shape({**BASE, 50: nest(8, 1, as_map)})), ok(dump(BASE)),
                 seed=wrap and as_map)
            case(f"deep-9-{kind}-{where}", pack(shape({**BASE, 50: nest(9, 1, as_map)})), bad("too_deep"))
            case(f"deep-8-empty-{kind}-{where}", pack(shape({**BASE, 50: nest(8, {} if as_map else [], as_map)})),
                 bad("too_deep"))
            case(f"deep-7-empty-{kind}-{where}", pack(shape({**BASE, 50: nest(7, {} if as_map else [], as_map)})),
                 ok(dump(BASE)))
    case("deep-100000-arrays", b"\x81\x32" + b"\x91" * 100000, bad("too_deep"), seed=False)
    case("deep-arrays-from-outside", b"\x91" * 100000, bad("shape"))
    case("deep-map-keys", b"\x81" * 1000, bad("too_deep"), seed=True)
    case("deep-codes", pack({**BASE, 8: nest(9, 1)}), bad("too_deep"))


def broken():
    full = pack({**BASE, 3: 4, 8: [1, 300], 9: 2**40, 50: "abc"})
    case("no-bytes", b"", bad("empty"))
    case("empty-array", b"\x90", bad("empty"), seed=True)
    case("empty-array16", b"\xdc\x00\x00", bad("empty"))
    for name, raw in (("nil", b"\xc0"), ("number", b"\x05"), ("string", b"\xa1x"), ("float", b"\xca\x00\x00\x00\x00"),
                      ("true", b"\xc3"), ("bin", b"\xc4\x01x"), ("ext", b"\xd4\x01x"), ("string-and-more", b"\xa1xx")):
        case(f"shape-{name}", raw, bad("shape"))
    case("shape-array-of-number", b"\x91\x05", bad("shape"))
    case("shape-array-of-array", b"\x91\x91\x80", bad("shape"))
    case("shape-second", b"\x92" + pack(BASE) + b"\xc0", bad("shape", record=1))
    case("trailing-byte", full + b"\x00", bad("trailing"), seed=True)
    case("trailing-message", full + full, bad("trailing"))
    case("trailing-bad-byte", full + b"\xc1", bad("trailing"))
    case("trailing-after-array", pack([BASE]) + b"\x80", bad("trailing", record=1))
    case("malformed", b"\xc1", bad("malformed"))
    case("malformed-key", b"\x81\xc1", bad("malformed"), seed=True)
    case("malformed-value", b"\x81\x05\xc1", bad("malformed"))
    case("malformed-second", b"\x92" + pack(BASE) + b"\x81\xc1", bad("malformed", record=1))
    case("million-array-in-ten-bytes", b"\xdd\x00\x0f\x42\x40" + b"\x80" * 5, bad("truncated"), seed=True)
    case("million-map-in-ten-bytes", b"\xdf\x00\x0f\x42\x40" + b"\x00" * 5, bad("truncated"), seed=True)
    case("four-billion-array", b"\xdd\xff\xff\xff\xff" + b"\x80" * 5, bad("truncated"))
    case("four-billion-map", b"\xdf\xff\xff\xff\xff" + b"\x00" * 5, bad("truncated"))
    case("million-codes-in-ten-bytes", b"\x81\x08\xdd\x00\x0f\x42\x40" + b"\x01" * 3, bad("truncated"))
    case("513-in-ten-bytes", b"\xdc\x02\x01" + b"\x80" * 7, bad("truncated"))
    case("million-in-a-hundred-thousand-bytes", b"\xdd\x00\x0f\x42\x40" + b"\x80" * 100000, bad("truncated"))
    case("hundred-thousand-empty-maps", b"\xdd\x00\x01\x86\xa0" + b"\x80" * 100000, bad("too_many"))
    for name, raw in (("str", b"\xdb"), ("bin", b"\xc6"), ("ext", b"\xc9")):
        case(f"four-gigabyte-{name}", b"\x81\x32" + raw + b"\xff\xff\xff\xff" + b"\x01" * 20, bad("truncated"), seed=True)
        case(f"two-gigabyte-{name}", b"\x81\x32" + raw + b"\x7f\xff\xff\xff" + b"\x01" * 20, bad("truncated"))
    limit = 128 * 1024
    filler = lambda n: pack({**BASE, 50: b"\x00" * n})
    room = limit - len(filler(70000)) + 70000
    assert len(filler(room)) == limit
    case("largest", filler(room), ok(dump(BASE)))
    case("oversized", filler(room + 1), bad("oversized"))


def markers():
    one = {0: 0, 18: [[3, 1, 9]]}
    case("marker", pack(one), ok(held(0, (3, 1, 9))), seed=True)
    case("marker-nothing", pack({0: 0, 18: []}), ok(held(0)), seed=True)
    case("marker-unit", pack({0: 0, 3: 255, 18: [[3, 1, 9]]}), ok(held(255, (3, 1, 9))))
    case("marker-unit-last", pack({18: [[3, 1, 9]], 3: 7, 0: 0}), ok(held(7, (3, 1, 9))))
    case("marker-boot-ts", pack({**BASE, 0: 0, 18: [[3, 1, 9]]}), ok(held(0, (3, 1, 9))))
    case("marker-unknown-array-after", pack({0: 0, 18: [[3, 1, 9]], 77: [[8, 8, 8], [9, 9, 9]]}), ok(held(0, (3, 1, 9))))
    case("marker-codes-after", pack({0: 0, 18: [[3, 1, 9]], 8: [1, 2]}), ok(held(0, (3, 1, 9))))
    case("marker-unsorted", pack({0: 0, 18: [[9, 1, 2], [3, 4, 4], [5, 1, 1]]}),
         ok(held(0, (3, 4, 4), (5, 1, 1), (9, 1, 2))), seed=True)
    big = [[b, 1, 2**63 - 1] for b in range(64)]
    case("marker-64", pack({0: 0, 18: big}), ok(held(0, *big)))
    case("marker-64-descending", pack({0: 0, 18: big[::-1]}), ok(held(0, *big)))
    case("marker-65", pack({0: 0, 18: big + [[64, 1, 1]]}), bad("impossible", 18))
    case("marker-bounds", pack({0: 0, 18: [[0, 1, 1], [2**32 - 1, 2**63 - 1, 2**63 - 1]]}),
         ok(held(0, (0, 1, 1), (2**32 - 1, 2**63 - 1, 2**63 - 1))))
    for what, value in (("oldest-0", [[1, 0, 5]]), ("last-below-oldest", [[1, 5, 4]]), ("boot-2^32", [[2**32, 1, 1]]),
                        ("last-2^63", [[1, 1, 2**63]]), ("boot-negative", [[-1, 1, 1]]), ("oldest-negative", [[1, -1, 1]]),
                        ("last-negative", [[1, 1, -1]]), ("same-boot", [[1, 1, 1], [2, 1, 1], [1, 3, 3]]),
                        ("same-boot-next", [[1, 1, 1], [1, 1, 1]])):
        case(f"marker-{what}", pack({0: 0, 18: value}), bad("impossible", 18))
    for what, value in (("number", 5), ("nil", None), ("string", "x"), ("map", {1: [1, 1]}), ("flat", [1, 1, 9]),
                        ("two", [[1, 1]]), ("four", [[1, 1, 9, 9]]), ("five", [[1, 1, 9, 9, 9]]), ("empty-entry", [[]]),
                        ("float", [[1, 1.0, 9]]), ("nil-inside", [[1, 1, None]]), ("nested", [[1, [1], 9]]),
                        ("map-entry", [{1: 1}]), ("mixed", [[1, 1, 9], 5]), ("bool", [[True, 1, 9]])):
        case(f"marker-{what}", pack({0: 0, 18: value}), bad("wrong_type", 18))
    case("seq-0-without-held", pack({**BASE, 0: 0}), bad("missing_key", 18))
    case("seq=0", pack({0: 0}), bad("missing_key", 18))
    case("held-with-seq-1", pack({**BASE, 18: [[3, 1, 9]]}), bad("impossible", 18))
    case("held-without-seq", pack({18: [[3, 1, 9]]}), bad("missing_key", 0))
    case("marker-bad-unit", pack({0: 0, 3: 256, 18: []}), bad("impossible", 3))
    case("marker-bad-boot", pack({0: 0, 1: -1, 18: []}), bad("impossible", 1))
    case("marker-bad-mode", pack({0: 0, 4: "x", 18: []}), bad("wrong_type", 4))
    case("markers-and-readings", pack([one, BASE, {0: 0, 3: 1, 18: []}]),
         "\t".join(("ok", dump(BASE), held(0, (3, 1, 9)), held(1))), seed=True)
    case("marker-replaced", pack([one, {0: 0, 3: 1, 18: []}, {0: 0, 18: [[4, 2, 2]]}]), ok(held(0, (4, 2, 2)), held(1)))
    case("markers-256-units", pack([{0: 0, 3: u, 18: [[1, 1, u + 1]]} for u in range(256)]), "ok readings=0 markers=256")
    case("markers-512-same-units", pack([{0: 0, 3: u % 256, 18: []} for u in range(512)]), "ok readings=0 markers=256")
    case("marker-then-broken-reading", pack([one, {**BASE, 4: 9}]), bad("impossible", 4, record=1))


def topics():
    """Seeds for the topic fuzzer; the unit test names its own cases."""
    for name, text in (("up", "lift/v1/dpq/T-0001/up"), ("presence", "lift/v1/dpq/T_0001/presence"),
                       ("down", "lift/v1/dpq/T1/down"), ("longest", "lift/v1/" + "a" * 40 + "/" + "b" * 40 + "/up"),
                       ("too-long", "lift/v1/" + "a" * 41 + "/b/up"), ("empty-name", "lift/v1//b/up"),
                       ("version", "lift/v2/a/b/up"), ("hash", "lift/v1/#"), ("utf8", "lift/v1/打浦/b/up")):
        yield name, text.encode()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def spell(payload):
    """The payload in hex, with runs of 64 and more equal bytes written as XX*N."""
    pieces, plain = [], b""
    for run in re.finditer(rb"(?s)(.)\1{63,}|.", payload):
        if len(run.group()) > 1:
            pieces += ([plain.hex()] if plain else []) + [f"{run.group()[0]:02x}*{len(run.group())}"]
            plain = b""
        else:
            plain += run.group()
    return " ".join(pieces + ([plain.hex()] if plain else []))


def main():
    out = sys.argv[1]
    for section in (plain, ranges, missing_and_duplicate, codes, unknown, deep, broken, markers):
        section()
    lines = [f"{name}\t{spell(payload)}\t{result}\n" for name, payload, result in CASES]
    write(os.path.join(out, "decode_vectors.txt"), "".join(lines).encode())
    for name, payload in SEEDS.items():
        write(os.path.join(out, "corpus", "decode", name), payload)
    for name, payload in topics():
        write(os.path.join(out, "corpus", "topic", name), payload)


if __name__ == "__main__":
    main()
