"""openapi.json: read by an independent JSON Schema validator, and kept by every answer that comes over HTTP."""

import re

import jsonschema
import pytest
from liftdtest import wait_until

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
ROLES = ("dispatcher", "fund", "auditor", "admin")


@pytest.fixture(scope="module")
def document(house):
    answer = house.http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.1"
    return answer.json


@pytest.fixture(scope="module")
def clients(house):
    device = house.device(0)
    for n in range(20):
        device.report(floor=1 + n % 5, load=100 + n, temperature=215)
    device.report(codes=[42], mode=0)
    device.up(b"\xc1")
    house.device("stranger").report()
    wait_until(lambda: house.alarms(house.units[0]) and len(house.refusals()) >= 2 and
               house.value("select count(*) from telemetry.lift_now"))
    return {role: house.login(role) for role in ROLES}


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(document, node):
    while "$ref" in node:
        found = document
        assert node["$ref"].startswith("#/"), node
        for step in node["$ref"][2:].split("/"):
            found = found[step]
        node = found
    return node


def schemas(node):
    """Every schema in the document, wherever OpenAPI puts one."""
    if isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            yield node["schema"]
        for key, value in node.items():
            if key != "schema":
                yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


def validate(document, schema, instance):
    resolver = jsonschema.RefResolver.from_schema(document)
    validator = jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=jsonschema.FormatChecker())
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(instance)]
    assert not errors, "\n".join(errors[:5])


def test_it_is_a_document_of_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    assert set(document) <= {"openapi", "info", "servers", "security", "paths", "components", "tags"}
    assert set(document["components"]) <= {"schemas", "parameters", "responses", "securitySchemes"}
    for name in (name for kind in document["components"].values() for name in kind):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    for requirement in document["security"]:
        assert set(requirement) <= set(document["components"]["securitySchemes"])


def test_every_operation_is_whole(document):
    seen = set()
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert path.startswith("/api/v1/") and method in METHODS, where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert operation["summary"] and re.search("[\u4e00-\u9fff]", operation["description"]), where
        parameters = [resolve(document, parameter) for parameter in operation.get("parameters", [])]
        names = [(parameter["in"], parameter["name"]) for parameter in parameters]
        assert len(names) == len(set(names)), where
        in_path = {name for place, name in names if place == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), where
        for parameter in parameters:
            assert parameter["in"] in ("path", "query", "header") and "schema" in parameter, where
            assert parameter["in"] != "path" or parameter["required"] is True, where
        assert any(re.fullmatch("2..", status) for status in operation["responses"]), where
        for status, response in operation["responses"].items():
            assert re.fullmatch("[1-5]..", status) and resolve(document, response)["description"], where
        if method == "get":
            assert "requestBody" not in operation, where
    assert len(seen) >= 25


def test_every_schema_is_a_json_schema(document):
    found = list(document["components"]["schemas"].values()) + list(schemas(document))
    for schema in found:
        jsonschema.Draft202012Validator.check_schema(schema)
    assert len(found) > 100


def test_every_reference_leads_somewhere(document):
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(document, node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(document)


@pytest.mark.parametrize("role", ROLES)
def test_answers_are_as_described(house, document, clients, role):
    unit = house.units[0]
    of_path = {"/api/v1/lifts/{id}": unit.lift_id, "/api/v1/lifts/{id}/readings": unit.lift_id}
    asked = 0
    for path, method, operation in operations(document):
        if method != "get" or path == "/api/v1/events" or ("{" in path and path not in of_path):
            continue
        target = path.replace("/api/v1", "").replace("{id}", str(of_path.get(path)))
        answer = clients[role].get(target, expect=None)
        assert str(answer.status) in operation["responses"], f"{path} answered {answer}"
        may = not operation.get("x-roles") or role in operation["x-roles"]
        assert (answer.status == 403) != may, f"{path} answered {answer}"
        described = resolve(document, operation["responses"][str(answer.status)])["content"]
        kind = answer.headers["content-type"].split(";")[0]
        if kind != "application/vnd.oai.openapi+json":
            validate(document, described[kind]["schema"], answer.json)
        asked += 1
    assert asked > 12


def test_problems_are_as_described(house, document, clients):
    problem = document["components"]["schemas"]["Problem"]
    for answer in (house.http.get("/me", expect=401), house.http.get("/nowhere", expect=404),
                   house.http.request("PUT", "/me", expect=405), clients["fund"].get("/users", expect=403),
                   clients["admin"].get("/lifts", {"limit": "many"}, expect=422),
                   clients["admin"].post("/users", {"nam": "x"}, expect=422),
                   house.http.post("/session", b"{", expect=(400, 415), headers={"Content-Type": "application/json"}),
                   house.http.post("/session", b"{}", expect=415, headers={"Content-Type": "text/plain"})):
        assert answer.headers["content-type"].startswith("application/problem+json"), answer
        validate(document, problem, answer.json)
        assert answer.json["status"] == answer.status
