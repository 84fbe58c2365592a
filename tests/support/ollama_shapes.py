"""What answers of Ollama's routes look like, as JSON schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]


def _object(needed: Shape, optional: Shape | None = None) -> dict[str, Any]:
    """Return the shape of an object that has these fields and no others."""
    return {
        "type": "object",
        "properties": {**needed, **(optional or {})},
        "required": list(needed),
        "additionalProperties": False,
    }


def _any_of(*shapes: Shape) -> dict[str, Any]:
    return {"anyOf": list(shapes)}


TEXT: Shape = {"type": "string"}
COUNT: Shape = {"type": "integer", "minimum": 1}
TIME: Shape = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"}
VECTOR: Shape = {"type": "array", "items": {"type": "number"}}
ERROR = _object({"error": {"type": "string", "minLength": 1}})

_CALL = _object(
    {
        "id": TEXT,
        "function": _object({"index": {"type": "integer"}, "name": TEXT, "arguments": {}}),
    }
)
_LOGPROB = {"token": TEXT, "logprob": {"type": "number"}, "bytes": {"type": "array"}}
_LOGPROBS: Shape = {
    "type": "array",
    "items": _object(_LOGPROB, {"top_logprobs": {"type": "array", "items": _object(_LOGPROB)}}),
}
_MESSAGE = _object(
    {"role": {"const": "assistant"}, "content": TEXT},
    {"thinking": TEXT, "tool_calls": {"type": "array", "items": _CALL}},
)
_NOTHING = _object({"role": {"const": "assistant"}, "content": {"const": ""}})
_HEAD = {"model": TEXT, "created_at": TIME}
_SPENT = {
    **{"total_duration": COUNT, "load_duration": COUNT},
    **{"prompt_eval_count": COUNT, "prompt_eval_duration": COUNT},
    **{"eval_count": COUNT, "eval_duration": COUNT},
}
_LAST = {"done": {"const": True}, "done_reason": {"enum": ["stop", "length"]}, **_SPENT}
_LOADED = {"done": {"const": True}, "done_reason": {"enum": ["load", "unload"]}}
_SAID_CHAT, _SAID_TEXT = {"message": _MESSAGE}, {"response": TEXT}
_THOUGHT = {"thinking": TEXT}
_CONTEXT = {"context": {"type": "array", "items": {"type": "integer"}}}
_MAYBE = {"logprobs": _LOGPROBS}

PIECE: Mapping[str, Shape] = {
    "/api/chat": _object({**_HEAD, **_SAID_CHAT, "done": {"const": False}}, _MAYBE),
    "/api/generate": _object(
        {**_HEAD, **_SAID_TEXT, "done": {"const": False}}, {**_MAYBE, **_THOUGHT}
    ),
}
"""Each line of a stream but the last."""

WHOLE: Mapping[str, Shape] = {
    "/api/chat": _any_of(
        _object({**_HEAD, **_SAID_CHAT, **_LAST}, _MAYBE),
        _object({**_HEAD, "message": _NOTHING, **_LOADED}),
    ),
    "/api/generate": _any_of(
        _object({**_HEAD, **_SAID_TEXT, **_LAST}, {**_MAYBE, **_THOUGHT, **_CONTEXT}),
        _object({**_HEAD, "response": {"const": ""}, **_LOADED}),
    ),
    "/api/embed": _any_of(
        _object({"model": TEXT, "embeddings": {"type": "array", "maxItems": 0}}),
        _object(
            {
                **{"model": TEXT, "embeddings": {"type": "array", "items": VECTOR}},
                **{"total_duration": COUNT, "load_duration": COUNT, "prompt_eval_count": COUNT},
            }
        ),
    ),
    "/api/embeddings": _object({"embedding": VECTOR}),
    "/api/show": _object(
        {
            **{"modelfile": TEXT, "template": TEXT, "modified_at": TEXT},
            **{"details": {"type": "object"}, "model_info": {"type": "object"}},
            "capabilities": {"type": "array", "items": TEXT},
        },
        {"parameters": TEXT, "system": TEXT, "projector_info": {"type": "object"}},
    ),
}
"""A whole answer, and for routes that stream the last line."""
