"""The description of the API is true: what it allows works, what comes out is as it says, and nothing breaks the server.

VIMOTION_FUZZ=2000 tries as many requests for each address; the default is small enough for every run of the tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from app.running import in_thread
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from starlette.testclient import TestClient

from vimotion.app.schema import MOTION_ID, SESSION_ID, TURN_ID
from vimotion.app.settings import ServerConfig
from vimotion.chat import Model

fuzz = settings(
    max_examples=int(os.environ.get("VIMOTION_FUZZ", "4")), deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
load_all_checks()
CHECKS = [
    schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def api(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with in_thread(model, ServerConfig(folder=tmp_path_factory.mktemp("kept"), port=0)) as (url, _):
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
def test_nothing_that_is_sent_breaks_the_server(api: Any, mode: GenerationMode) -> None:
    """Requests as the description allows them, and as it does not."""
    for found in api.get_all_operations():
        operation = found.ok()

        @fuzz
        @given(operation.as_strategy(generation_mode=mode))
        def send(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            send()
        except Unsatisfiable:  # there is no wrong way to ask for what has no parameters
            assert mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()) and not operation.body


def test_every_operation_is_described_with_its_errors_and_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) == 16
    for operation in operations:
        assert operation["summary"] and operation["description"].endswith(".") and operation["tags"]
        assert {"401", "404", "413", "422", "429", "503"} <= set(operation["responses"])
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "query" or parameter["schema"].get("examples") or parameter.get("examples"), parameter
    for name in ("ChatRequest", "NewSession", "SessionChanges", "MotionObject"):
        assert described["components"]["schemas"][name]["examples"]


def test_the_examples_of_requests_are_understood(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for example in schemas["ChatRequest"]["examples"]:
        answer = client.post("/v1/chat/completions", json=example)
        assert answer.status_code == (404 if MOTION_ID in json.dumps(example) else 200), answer.text
    for example in schemas["NewSession"]["examples"]:
        assert client.post("/v1/sessions", json=example).status_code == 201
    for example in schemas["SessionChanges"]["examples"]:
        assert client.patch(f"/v1/sessions/{SESSION_ID}", json=example).status_code == 404
    assert client.delete(f"/v1/sessions/{SESSION_ID}/turns/{TURN_ID}").status_code == 404
