"""The API against its own OpenAPI document: whatever is asked, it answers as it says, and never breaks."""

from typing import Any

import pytest
import schemathesis
from fakes.brokers import PATIENCE_S
from fakes.falling import evidence
from fakes.lakeside import Estate, Service
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from rules.kinds import EventKind

EXAMPLES = 5
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
QUICKLY = settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True
)


@pytest.mark.parametrize("who", ["wang-lei", "guard-chen"])
def test_whatever_is_asked_is_answered_as_the_document_says(estate: Estate, served: Service, who: str) -> None:
    about = {"device": "w-01", "home_id": "b3-201", "resident_id": "wang-xiuying", "score": 0.97, "evidence": evidence()}
    known = {"incident_id": estate.happens(EventKind.FALL, "wang-xiuying", **about).id, "home_id": "b3-201", "fence_id": "terrace"}
    known["rule_id"] = "window"
    known |= {"item_id": "b3-201", "section": "homes"}
    known["person_id"] = "li-anna"  # of another home: whoever asks stays who they are
    schema = schemathesis.openapi.from_url(f"{served.url}/api/openapi.json", timeout=PATIENCE_S)
    cookies, statuses = estate.sign_in(who), set()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path in {"/api/events", "/api/homes/{home_id}/targets"}:  # they go on for ever
            continue

        @QUICKLY
        @given(case=operation.as_strategy(), is_known=st.booleans())
        def answers(case: schemathesis.Case[Any], *, is_known: bool) -> None:
            if is_known:
                case.path_parameters.update({name: known[name] for name in case.path_parameters})
            response = case.call(cookies=cookies, timeout=PATIENCE_S)
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        answers()
    assert {200, 404, 422} <= statuses
