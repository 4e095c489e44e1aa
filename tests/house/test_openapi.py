"""The API as the fronts know it is the API as it is. To renew the snapshot: LINLI_WRITE_SNAPSHOTS=1."""

import json
import os
from pathlib import Path

from linli.server.api import api

SNAPSHOT = Path(__file__).parents[2] / "web" / "api-types" / "openapi.json"


def schema() -> dict:
    return json.loads(json.dumps(api.get_openapi_schema()))


def test_the_committed_description_is_the_servers_own() -> None:
    if os.environ.get("LINLI_WRITE_SNAPSHOTS") == "1":
        SNAPSHOT.write_text(json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == schema(), "renew it with LINLI_WRITE_SNAPSHOTS=1"


def test_every_route_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = []
    for path, verbs in schema()["paths"].items():
        for verb, route in verbs.items():
            names.append(route["operationId"])
            assert route.get("description", "").startswith("This will "), (verb, path)
    assert len(names) == len(set(names))


def test_only_signing_in_and_asking_for_health_are_open_to_everybody() -> None:
    open_routes = {
        (verb, path)
        for path, verbs in schema()["paths"].items()
        for verb, route in verbs.items()
        if not route.get("security")
    }
    # The code on a printed receipt is its own key: whoever holds the paper may ask what has become of it.
    assert open_routes == {
        ("get", "/api/health"),
        ("get", "/api/receipts/{token}"),
        ("get", "/api/session"),
        ("post", "/api/session"),
    }
