"""People with real passwords: made on the command line and by an admin, signed in, changed, shut out."""

import concurrent.futures

import pytest
from liftdtest import wait_until
from liftdtest.house import PASSWORD

OTHER = "另一个相当长的新密码"


@pytest.fixture(scope="module")
def admin(house):
    return house.login("admin")


def sign_in(house, name, password, expect=200):
    return house.http.login(name, password, expect=expect)


def test_the_command_line_makes_accounts(house):
    made = house.liftd("user", "add", "made", "--role", "auditor", "--display-name", "Made \"up\"")
    password = made.strip().split()[-1]
    assert len(password) == 20
    assert sign_in(house, "MADE", password).get("/me").json["user"]["display_name"] == 'Made "up"'
    again = house.liftd("user", "password", "made").strip().split()[-1]
    sign_in(house, "made", password, expect=401)
    session = sign_in(house, "made", again)
    house.liftd("user", "disable", "made")
    assert session.get("/me", expect=401)
    sign_in(house, "made", again, expect=401)
    house.liftd("user", "enable", "made")
    sign_in(house, "made", again)
    listed = [line.split("\t") for line in house.liftd("user", "list").splitlines()]
    assert ["made", 'Made "up"', "auditor", ""] in listed


@pytest.mark.parametrize("args, input, sentence", [
    (("add", "x", "--role", "fund", "--password-stdin"), "short\n", "at least 10 characters"),
    (("add", "x", "--role", "fund", "--password-stdin"), "a" * 257 + "\n", "at most 256 bytes"),
    (("add", "x", "--role", "fund", "--password-stdin"), "", "no password"),
    (("add", "x", "--role", "king"), None, "roles are"),
    (("add", "x", "--role", "planner"), None, "needs a firm or areas"),
    (("add", "x", "--role", "fund", "--area", "nowhere"), None, "no area nowhere"),
    (("add", "x"), None, "--role"),
    (("add", "x", "--role", "fund", "--password", "secret"), None, "unknown option"),
    (("disable", "nobody at all"), None, "no account"),
    (("remove", "x"), None, "unknown verb"),
    ((), None, "say what to do"),
])
def test_the_command_line_says_what_is_wrong(house, args, input, sentence):
    status, said = house.liftd("user", *args, input=input, ok=False)
    assert status in (1, 2) and sentence in said
    assert "\nx\t" not in house.liftd("user", "list")


def test_an_admin_makes_changes_and_ends_accounts(house, admin):
    user = admin.post("/users", {"name": "王 调度", "display_name": "王", "roles": ["dispatcher"], "password": PASSWORD,
                                 "language": "zh"}, expect=201).json
    assert user["scope"] == {"areas": [], "firm": None} and "password" not in user
    admin.post("/users", {"name": "王 调度", "display_name": "王", "roles": ["fund"], "password": PASSWORD}, expect=409)
    session = sign_in(house, "王 调度", PASSWORD)
    assert session.get("/me").json["user"]["roles"] == ["dispatcher"]
    admin.patch(f"/users/{user['id']}", {"roles": ["fund"], "display_name": "小王"})
    assert session.get("/me").json["user"]["roles"] == ["fund"]
    session.get("/refusals", expect=403)
    admin.patch(f"/users/{user['id']}", {"new_password": OTHER})
    session.get("/me", expect=401)
    sign_in(house, "王 调度", PASSWORD, expect=401)
    session = sign_in(house, "王 调度", OTHER)
    with session.events() as stream:
        stream.wait("status")
        admin.patch(f"/users/{user['id']}", {"disabled": True})
        wait_until(lambda: stream.closed)
    sign_in(house, "王 调度", OTHER, expect=401)
    assert admin.patch(f"/users/{admin.get('/me').json['user']['id']}", {"disabled": True}, expect=409)


def test_ones_own_password(house):
    first, second = house.login("auditor"), house.login("auditor")
    wrong = first.post("/me/password", {"password": "not my password", "new_password": OTHER}, expect=422).json
    assert wrong["errors"] == [{"field": "password", "detail": "is wrong"}]
    first.post("/me/password", {"password": PASSWORD, "new_password": "short"}, expect=422)
    first.post("/me/password", {"password": PASSWORD, "new_password": OTHER}, expect=204)
    first.get("/me")
    second.get("/me", expect=401)
    sign_in(house, "auditor", OTHER)


def test_a_wall_screen(house, admin):
    made = admin.post("/wallboards", {"name": "hall", "display_name": "大厅"}, expect=201)
    path, token = made.headers["location"].split("#")
    assert path == "/wallboard" and len(token) >= 43 and token not in made.body.decode()
    house.http.get("/lifts", expect=401, headers={"Authorization": f"Bearer {token}"})
    opened = house.http.post("/session/wallboard", {}, headers={"Authorization": f"Bearer {token}"})
    screen = type(house.http)(house.http_port, opened.headers["set-cookie"].split(";")[0])
    assert len(screen.get("/lifts").json["items"]) == len(house.units)
    screen.get("/users", expect=403)
    screen.post("/alarms/1/acknowledge", {}, expect=403)
    with screen.events() as stream:
        stream.wait("status")
        admin.patch(f"/users/{made.json['id']}", {"disabled": True})
        wait_until(lambda: stream.closed)
    screen.get("/lifts", expect=401)
    house.http.post("/session/wallboard", {}, expect=401, headers={"Authorization": f"Bearer {token}"})


def test_a_repeated_request_with_a_key_is_done_once(house, admin):
    body = {"name": "once", "display_name": "Once", "roles": ["fund"], "password": PASSWORD}
    key = {"Idempotency-Key": "make once"}
    first = admin.post("/users", body, expect=201, headers=key)
    again = admin.post("/users", body, expect=201, headers=key)
    assert again.json == first.json and again.headers["idempotency-replayed"] == "true"
    assert admin.post("/users", {**body, "name": "twice"}, expect=409, headers=key).json["code"] == "key_reused"


def test_two_at_once_with_a_key_are_one(house, admin):
    body = {"device": "at-once", "area": house.units[0].area}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: admin.post("/devices", body, expect=201, headers={"Idempotency-Key": "at once"}), range(8)))
    assert len({answer.body for answer in answers}) == 1
    assert house.value("select count(*) from auth.audit where action = 'device_register' and detail ->> 'device' = 'at-once'") == 1


def test_two_admins_who_shut_each_other_out_at_once(house, admin):
    """Somebody who can make accounts is always left."""
    others = [house.login(name, "admin") for name in ("first", "second")]
    ids = [other.get("/me").json["user"]["id"] for other in others]
    house.execute("update auth.user_account set disabled_at = now() where 'admin' = any (roles) and id <> all (%s)", ids)
    try:
        for _ in range(5):
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda who: others[who].patch(f"/users/{ids[1 - who]}", {"disabled": True}, expect=None), (0, 1)))
            left = house.value("select count(*) from auth.user_account where 'admin' = any (roles) and disabled_at is null")
            assert left == 1 and sorted(answer.status for answer in answers)[0] == 200, answers
            house.execute("update auth.user_account set disabled_at = null where id = any (%s)", ids)
            others = [house.login(name, "admin") for name in ("first", "second")]
    finally:
        house.execute("update auth.user_account set disabled_at = null where 'admin' = any (roles)")
