"""Bodies made from the API's own description: well-shaped, so that what refuses them is the right to ask, not the form."""

from typing import Any

BY_PATTERN = {r"^[A-Z]{3}$": "CHN", r"^[a-z0-9_.-]+$": "operator"}
BY_FORMAT = {"date": "2026-11-24", "date-time": "2031-11-24T06:00:00Z"}


def sample(schema: dict[str, Any], definitions: dict[str, Any], *, named: dict[str, str], name: str = "") -> Any:
    """A value of that schema; a property of a known name (such as `unit_id`) gets the value given for it."""
    if "$ref" in schema:
        return sample(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, named=named, name=name)
    if name in named:
        return named[name]
    if "enum" in schema or "const" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    for way in ("anyOf", "allOf", "oneOf"):
        if way in schema:
            return sample(schema[way][0], definitions, named=named, name=name)
    return _plain(schema, definitions, named, name)


def _plain(schema: dict[str, Any], definitions: dict[str, Any], named: dict[str, str], name: str) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        wanted = schema.get("properties", {})
        return {key: sample(wanted[key], definitions, named=named, name=key) for key in schema.get("required", [])}
    if kind == "array":
        few = schema.get("minItems", 0)
        return [sample(schema["items"], definitions, named=named, name=name)] * few
    if kind == "string":
        return BY_FORMAT.get(schema.get("format", ""), BY_PATTERN.get(schema.get("pattern", ""), "a sample"))
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return kind == "boolean"
