"""What Schemathesis must know of films beside the OpenAPI document."""

import schemathesis


REFUSALS = ["urn:problem-type:films:unknown-film", "urn:problem-type:films:idempotency-key-reused"]


@schemathesis.check
def valid_review_is_refused_only_for_its_film_or_key(ctx, response, case):
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if case.operation.definition.raw.get("operationId") == "create_review" and is_valid and response.status_code == 422:
        problem = response.json()["type"]
        assert problem in REFUSALS, f"a valid review is refused: {problem}"


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Writes an id as an integer. In JSON, 7.0 is one too, but in a path each film has only one address."""
    film_id = (case.path_parameters or {}).get("film_id")
    if isinstance(film_id, float) and film_id.is_integer():
        case.path_parameters["film_id"] = int(film_id)
