"""Parts of which the OpenAPI document is made."""

from typing import Any, Dict

Schema = Dict[str, Any]  # a JSON schema
# Of a film in a comparison, and of the list that it is in.
RANK_IN_OTHER: Schema = {"type": ["integer", "null"], "description":
                         "rank of the film by the other recipe; null beyond ranks_to"}
RANKS_TO: Schema = {"type": "integer", "description": "how many films were ranked by the other "
                    "recipe, where approximate search found them; else all are"}


def answer(description: str, schema: str) -> Schema:
    """Return an answer of an operation, whose body is of a schema of the document."""
    return {"description": description, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/" + schema}}}}


def object_of(required: str, **properties: Schema) -> Schema:
    """Return the schema of an object with these properties and no other."""
    return {"type": "object", "properties": properties, "required": required.split(),
            "additionalProperties": False}
