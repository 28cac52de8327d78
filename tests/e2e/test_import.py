"""`liftd import`: real and broken files, mappings, the demo subdistrict, and landing what came before registration."""

import csv
import gzip
import re
import subprocess
import time

import pytest

from liftdtest import ROOT, liftd_binary, wait_until

NYC = ROOT / "tests/data/nyc_dob_elevators_2015.csv.gz"
NYC_INI = ROOT / "tests/data/nyc.ini"
DEMO = ROOT / "sql/demo"
KINDS = ("areas", "compounds", "buildings", "households", "lifts", "parties", "devices", "responsibilities")


@pytest.fixture(scope="module")
def house_lifts():
    return 1


@pytest.fixture
def still(make_house):
    """A migrated database without a running liftd."""
    return make_house(lifts=0, start=False)


def registry(house):
    """What the registry holds, as far as an import can change it."""
    tables = ("area", "compound", "building", "household", "lift", "device", "device_unit", "party", "responsibility")
    return {t: house.value(f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from registry.{t} t")
            for t in tables}


def write(tmp_path, text, name="file.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- the demo subdistrict ------------------------------------------------------------------------------------------

def test_demo_subdistrict(still):
    still.liftd("import", "demo")
    stages = {r["stage"]: r["n"] for r in still.query("select stage, count(*) as n from registry.lift group by 1")}
    assert stages == {"in_service": 49, "under_construction": 11, "to_start": 5}
    assert still.value("select count(*) from registry.area where kind = 'grid'") == 4
    assert still.value("select count(*) from registry.building") == 65
    assert still.value("select count(*) from registry.lift where rear_door and stage = 'in_service'") > 0
    assert still.value("select count(*) from registry.party where kind = 'maintenance_firm'") == 3
    routes = still.query("select * from telemetry.routing()")
    assert len(routes) == 49 and len({r["lift_id"] for r in routes}) == 49
    devices = [r["device"] for r in routes]
    assert sorted(devices.count(d) for d in set(devices))[-2:] == [1, 3]
    assert still.value(
        "select count(*) from registry.lift l where stage = 'in_service' and 5 > (select count(distinct role) from "
        "registry.responsibility r where r.lift_id = l.id and to_on is null or to_on >= '2026-12-31')") == 0


def test_demo_twice_changes_nothing(still):
    still.liftd("import", "demo")
    before = registry(still)
    assert "nothing was changed" in still.liftd("import", "demo")
    for kind in KINDS:
        said = still.liftd("import", kind, DEMO / f"{kind}.csv")
        assert re.search(r": 0 new, 0 changed, \d+ as before, 0 wrong", said), said
    assert registry(still) == before


# --- New York: 76,088 lines as they come ----------------------------------------------------------------------------

def nyc_expected():
    """What must land, counted from the file with Python's own reader."""
    with gzip.open(NYC, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    good = [r for r in rows if r["Borough"] and r["TAX_BLOCK"] and r["BIN"] and r["STREET_NAME"].strip()]
    buildings = {r["BIN"] for r in good}
    lifts = [r for r in rows if r["BIN"] in buildings and r["STREET_NAME"].strip()]
    speed = {}
    for r in lifts:
        text = r["DV_SPEED_FPM"]
        if re.fullmatch(r"\d+(\.\d+)?", text) and float(text) != 0:
            mm_s = int(float(text) * 5.08 + 0.5)
            if 1 <= mm_s <= 20000:
                speed["NYC-" + r["DV_DEVICE_NUMBER"]] = mm_s
    return {
        "rows": len(rows), "areas": len({r["Borough"] for r in good}), "buildings": len(buildings),
        "compounds": len({(r["Borough"], r["TAX_BLOCK"]) for r in rows if r["Borough"] and r["TAX_BLOCK"]}),
        "lifts": {"NYC-" + r["DV_DEVICE_NUMBER"]: r for r in lifts}, "speed": speed,
    }


def test_new_york(still, tmp_path):
    expected = nyc_expected()
    begun = time.monotonic()
    status, said = still.liftd("import", "all", NYC, "--mapping", NYC_INI, ok=False)
    assert status == 1 and "nothing was changed" in said
    assert still.value("select count(*) from registry.area") == 0
    report = tmp_path / "report.csv"
    said = still.liftd("import", "all", NYC, "--mapping", NYC_INI, "--skip-bad", "--report", report)
    took_s = time.monotonic() - begun
    print(f"two passes over {expected['rows']} lines took {took_s:.1f} s\n{said}")
    assert took_s < 120
    assert still.value("select count(*) from registry.area") == expected["areas"] == 5
    assert still.value("select count(*) from registry.compound") == expected["compounds"]
    assert still.value("select count(*) from registry.building") == expected["buildings"]
    rows = {r["code"]: r for r in still.query(
        "select code, rated_speed_mm_s, last_inspection_on, rated_load_kg from registry.lift")}
    assert set(rows) == set(expected["lifts"])
    assert {code: r["rated_speed_mm_s"] for code, r in rows.items() if r["rated_speed_mm_s"] is not None} == \
        expected["speed"]
    for code, row in rows.items():
        day = expected["lifts"][code]["DV_LASTPER_INSP_DATE"]
        assert (row["last_inspection_on"].strftime("%Y%m%d") if row["last_inspection_on"] else "") == day
    assert sum(1 for r in rows.values() if r["last_inspection_on"]) > 71000
    refused = {int(r["line"]) for r in csv.DictReader(open(report)) if r["kind"] == "lifts" and r["landed"] == "no"}
    assert len(refused) + len(rows) == expected["rows"] == 76088
    assert f"lifts: 76088 lines" in said and f"{len(refused)} wrong" in said
    before = registry(still)
    said = still.liftd("import", "all", NYC, "--mapping", NYC_INI, "--skip-bad")
    assert len(re.findall(r": 0 new, 0 changed", said)) == 4
    assert registry(still) == before


# --- lines that are wrong -------------------------------------------------------------------------------------------

AREAS = "code,kind,parent,name_zh,name_en\ns1,subdistrict,,一街道,First\ng1,grid,s1,网格,Grid\n"


def test_each_wrong_line_is_told_and_nothing_lands(still, tmp_path):
    still.liftd("import", "areas", write(tmp_path, AREAS))
    before = registry(still)
    text = ("code,area,name_zh,lon,lat\n"
            "c1,g1,甲,121.4,31.2\n"
            "c 2,g1,乙,,\n"
            "\n"
            '"c3",g1,"two\nlines",,\n'
            "c4,nowhere,丁,,\n"
            "c5,g1,戊,999,31.2\n"
            "c6,g1,己,121.4\n"
            "c1,g1,again,,\n")
    path = write(tmp_path, text)
    status, said = still.liftd("import", "compounds", path, ok=False)
    assert status == 1
    for words in ("line 3: code 'c 2' is not 1 to 40", "line 5: name_zh", "line 7: area 'nowhere' is not the code",
                  "line 8: lon '999' is not between", "line 9: has 4 fields, the first line 5",
                  "line 10: code names the same as line 2", "nothing was changed", "6 wrong"):
        assert words in said, said
    assert registry(still) == before
    status, said = still.liftd("import", "compounds", path, "--dry-run", "--skip-bad", ok=False)
    assert status == 0 and "dry run" in said and registry(still) == before
    report = tmp_path / "report.csv"
    said = still.liftd("import", "compounds", path, "--skip-bad", "--list", "2", "--report", report)
    assert "1 new" in said and said.count("\nline ") <= 2 and "--report FILE" in said
    assert [r["code"] for r in still.query("select code from registry.compound")] == ["c1"]
    assert [int(r["line"]) for r in csv.DictReader(open(report))] == [3, 5, 7, 8, 9, 10]


@pytest.mark.parametrize("content, words", [
    (b"", "the file is empty"),
    (b"\n\n \n", "the file is empty"),
    (b"code,kind,name_zh,colour\n", "areas have no column 'colour'"),
    (b"code,kind,code,name_zh\n", "names the column 'code' twice"),
    (b"c\xf6de,kind\n", "is not UTF-8"),
    (b"code,kind,name_zh\nx,grid,\"open\ny,grid,z\n", "ends inside quotes"),
    (b"code,kind,name_zh\nx,grid," + b"y" * 100000 + b"\n", "line 2: a record of more than"),
    (b"," * 300 + b"\n", "line 1: a record of more than"),
    (gzip.compress(AREAS.encode() * 1000)[:-20], "cut short"),
    (b"\x1f\x8b\x08\x00garbage and more garbage", ""),
])
def test_files_that_are_no_csv(still, tmp_path, content, words):
    before = registry(still)
    status, said = still.liftd("import", "areas", write(tmp_path, content), ok=False)
    assert status == 1 and words in said and "nothing was changed" in said, said
    assert registry(still) == before


def test_files_that_are_not_there(still, tmp_path):
    for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "directory")):
        status, said = still.liftd("import", "areas", path, ok=False)
        assert status == 1 and words in said
    status, said = still.liftd("import", "areas", write(tmp_path, AREAS), "--report", tmp_path / "no/such", ok=False)
    assert status == 1 and "No such file" in said


def test_files_as_people_write_them(still, tmp_path):
    windows = "\ufeffcode;kind;parent;name_zh;name_en;\r\ns1;subdistrict;;\"一,街道\";\r\n\r\n g1 ; grid;s1;网格;Grid;\r\n"
    status, said = still.liftd("import", "areas", write(tmp_path, windows), ok=False)
    assert status == 1 and "line 2: has 5 fields, the first line 6" in said
    windows = windows.replace("街道\";\r\n", "街道\";;\r\n")
    still.liftd("import", "areas", write(tmp_path, windows))
    rows = still.query("select code, name_zh, name_en from registry.area order by id")
    assert [tuple(r.values()) for r in rows] == [("s1", "一,街道", "一,街道"), ("g1", "网格", "Grid")]
    said = still.liftd("import", "areas", "-", input=AREAS)
    assert "0 new, 1 changed, 1 as before" in said
    latin = AREAS.encode().replace("网格".encode(), b"\xcd\xf8\xb8\xf1")
    status, said = still.liftd("import", "areas", write(tmp_path, latin), ok=False)
    assert status == 1 and "line 3: is not UTF-8" in said and "iconv" in said
    nothing = write(tmp_path, b"code,kind,name_zh\nx\x00y,grid,z\n")
    status, said = still.liftd("import", "areas", nothing, ok=False)
    assert status == 1 and "line 2: is not UTF-8" in said
    backslash = write(tmp_path, "code,kind,name_zh\ns9,subdistrict,a\\Nb\\.\n")
    still.liftd("import", "areas", backslash)
    assert still.value("select name_zh from registry.area where code = 's9'") == "a\\Nb\\."


@pytest.mark.parametrize("ini, words", [
    ("[areas]\ncode = {Nr\n", "map.ini:2: code: { without }"),
    ("[areas]\ncode = {Nr} | shout\n", "map.ini:2: code: there is no step 'shout'"),
    ("[areas]\ncode = {Nr} | map x\n", "map.ini:2: code: there is no section [map x]"),
    ("[areas]\ncode = {Nr} | date ddmmyy\n", "a date's form has four y"),
    ("[areas]\ncode = {Nr} | times much\n", "times wants a number"),
    ("[areas]\ncode = {Nr} | round up\n", "step round takes nothing more"),
    ("[areas]\ncode = {Nr} | map\n", "step map lacks its argument"),
    ("[areas]\ncode = {Nr}\ncode = {Nr}\n", "map.ini:3: code is given twice"),
    ("[areas]\n_sorted = yes\n", "there is only '_repeated = first'"),
    ("code = {Nr}\n", "stands before the first [section]"),
    ("[areas]\nwhat is this\n", "map.ini:2: neither [section] nor name = value"),
    ("[areas]\ncode = " + "x" * 300 + "\n", "map.ini:2: a line of more than"),
    ("[areas]\ncode = {Number}\n", "the file has no column 'Number'"),
    ("[areas]\ncolour = {Nr}\n", "areas have no column 'colour'"),
    ("[columns]\na = {b}\nb = {Nr}\n[areas]\ncode = {a}\n", "the file has no column 'b'"),
    ("[lifts]\ncode = {Nr}\n", "has no section [areas]"),
    ("[map m]\na = 1\na = 2\n", "given twice in [map m]"),
])
def test_mappings_that_are_wrong(still, tmp_path, ini, words):
    status, said = still.liftd("import", "areas", write(tmp_path, "Nr,Name\n1,x\n"), "--mapping",
                               write(tmp_path, ini, "map.ini"), ok=False)
    assert status == 1 and words in said, said


def test_mapping_steps(still, tmp_path):
    still.liftd("import", "areas", write(tmp_path, AREAS))
    mapping = write(tmp_path, """
[columns]
nr = B-{Nr}
[compounds]
_repeated = first
code = C
area = g1
name_zh = {Street} | squeeze
[buildings]
code = {nr}
compound = C
name_zh = {Street} {?House} | squeeze
floors = {Floors} | blank 0 n/a | times 0.5 | round | optional
[lifts]
code = L-{Nr}
building = {nr}
name_zh = {Street}
stage = {State} | map state
rear_door = no
in_service_on = {Since} | date dd.mm.yyyy | optional
[map state]
runs = in_service
off = suspended
* = signed
""", "map.ini")
    file = write(tmp_path, "Nr,Street,House,Floors,State,Since\n"
                           "1,High   Street ,7,13,runs,29.02.2024\n"
                           "2,High Street,,n/a,off,30.02.2024\n"
                           "3,High Street,9,many,new,2024\n"
                           "4,,9,0,,\n")
    status, said = still.liftd("import", "all", file, "--mapping", mapping, "--skip-bad", ok=False)
    assert status == 0
    rows = still.query("select l.code, b.name_zh, b.floors, l.stage, l.in_service_on::text from registry.lift l "
                       "join registry.building b on b.id = l.building_id order by 1")
    assert [tuple(r.values()) for r in rows] == [
        ("L-1", "High Street 7", 7, "in_service", "2024-02-29"),  # 6.5 rounds away from zero
        ("L-2", "High Street", None, "suspended", None),
        ("L-3", "High Street 9", None, "signed", None)]
    assert "not_a_number floors (left unknown): line 4" in said
    assert "not_a_date in_service_on (left unknown): line 3, 4" in said
    assert "line 5: name_zh must not be empty" in said
    assert still.value("select count(*) from registry.compound") == 1


def test_usage(still):
    for args, words in (((), "what is to be imported?"), (("pigs", "x"), "nothing to import called pigs"),
                        (("areas",), "wants a file"), (("all", "x"), "wants --mapping"),
                        (("all", "-", "--mapping", "x"), "several times"), (("areas", "a", "b"), "unexpected b"),
                        (("areas", "a", "--fast"), "no option --fast"), (("areas", "a", "--list"), "lacks its value"),
                        (("areas", "a", "--list", "many"), "wants a number"), (("demo", "x"), "takes no file"),
                        (("landing",), "name of a device")):
        status, said = still.liftd("import", *args, ok=False)
        assert status == 2 and words in said, (args, said)
    said = still.liftd("import", "columns")
    assert all(kind in said for kind in KINDS)
    assert "from_on" in still.liftd("import", "columns", "responsibilities")


def test_unmigrated_database_is_told(still, cluster, tmp_path):
    name = cluster.create_database("bare")
    ini = write(tmp_path, f"[database]\nconninfo = {cluster.conninfo(name)} user=nobody_at_all\n", "bare.ini")
    done = subprocess.run([str(liftd_binary()), "import", "-c", str(ini), "demo"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and "the database does not answer" in done.stdout
    cluster.drop_database(name)


# --- devices that are already talking --------------------------------------------------------------------------------

def test_messages_from_before_the_import_land(house, tmp_path):
    device = house.device("early", area="dpq")
    for _ in range(5):
        device.report()
    wait_until(lambda: len([r for r in house.refusals("unknown_device") if "/up" in r["topic"]]) == 5, 10,
               "five messages of an unknown device are kept")
    status, said = house.liftd("import", "landing", "early", ok=False)
    assert status == 1 and "not registered" in said
    code = house.value("select code from registry.lift order by id limit 1")
    house.execute("insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'EARLY', building_id, "
                  "'早', 'Early', 'in_service' from registry.lift where code = %s", code)
    devices = write(tmp_path, "device,area,unit,lift\nearly,dpq,0,EARLY\n")
    assert "1 new" in house.liftd("import", "devices", devices)
    said = house.liftd("import", "landing", "early", "--wait", "20")
    assert "5 landed, 0 refused again, 0 waiting" in said or "6 landed, 0 refused again, 0 waiting" in said
    lift = house.value("select id from registry.lift where code = 'EARLY'")
    assert [r["seq"] for r in house.query("select seq from telemetry.reading where lift_id = %s order by seq", lift)] \
        == [1, 2, 3, 4, 5]
    assert "nothing of it is waiting" in house.liftd("import", "landing", "early")


def test_landing_says_when_liftd_is_away(house):
    house.execute("insert into telemetry.refusal (topic, payload, payload_sha256, reason, area, device, first_at, last_at) "
                  "values ('lift/v1/dpq/early/up', '\\x80', sha256('\\x80'), 'unknown_device', 'dpq', 'early', now(), now())")
    house.stop()
    status, said = house.liftd("import", "landing", "early", "--wait", "1", ok=False)
    assert status == 1 and "did not answer within 1 s" in said and "1 waiting" in said
    house.start()
    wait_until(lambda: house.value("select outcome from telemetry.refusal where payload = '\\x80'") == "missing_key", 15,
               "asked for while liftd was away: tried when it runs, and refused for what it is")
