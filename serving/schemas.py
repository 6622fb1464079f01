"""Parts of which the OpenAPI document is made."""

from typing import Any, Dict

Schema = Dict[str, Any]  # a JSON schema


def answer(description: str, schema: str) -> Schema:
    """Return an answer of an operation, whose body is of a schema of the document."""
    return {"description": description, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/" + schema}}}}


def object_of(required: str, **properties: Schema) -> Schema:
    """Return the schema of an object with these properties and no other."""
    return {"type": "object", "properties": properties, "required": required.split(),
            "additionalProperties": False}
