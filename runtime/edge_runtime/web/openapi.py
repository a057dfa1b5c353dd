"""The description of the API, OpenAPI 3.1, which a test holds the page to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.answer.classify import STATUSES
from edge_runtime.errors import REFUSALS
from edge_runtime.web.problems import MEDIA_TYPE, REASONS

if TYPE_CHECKING:
    from typing import Any

_PROBLEMS = {
    400: "the request is none, or its body ended before its end",
    401: "nobody has logged in",
    403: "the request comes from another site",
    408: "the body comes too slowly",
    413: "the body is larger than films are",
    421: "the page is called by a name that it has not",
    422: "the film cannot be read, or not be judged",
    429: "too many failed to log in",
    500: "the engine failed at this film, or the page at this request",
    503: "the page is busy, or this machine lacks memory or a decoder",
}
_OF_FILMS = (400, 401, 403, 408, 413, 421, 422, 500, 503)
_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": ["string", "null"]}
_MODEL = {
    "type": "object",
    "required": ["name", "version", "identity"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "identity": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
}
_SIGNED: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "the ids of the keys that signed the bundle; null where nobody is known to have",
    "required": ["model", "decision", "trusted"],
    "properties": {"model": _TEXT, "decision": _TEXT, "trusted": {"type": "boolean"}},
}
_ANSWER_KEYS: dict[str, Any] = {
    "file": {"type": "string", "description": "the name that X-Film-Name gave, made harmless"},
    "status": {"enum": [*STATUSES]},
    "label": _TEXT,
    "probability": _NUMBER,
    "logit": _NUMBER,
    "film_logit": _NUMBER,
    "threshold": {"type": "number"},
    "refusal": {"enum": [*REFUSALS, None]},
    "problem": _TEXT,
    "warning": _TEXT,
    "bundle": {"type": "string"},
    "bundle_sha256": {"type": "string"},
    "engine": {"type": "string"},
    "milliseconds": {"type": "number"},
    "place": {"type": "null"},
    "bytes": {"type": "integer"},
    "sha256": {"type": "string"},
    "stamp": {"type": "null"},
    "signed": _SIGNED,
    "time": {"type": "string", "format": "date-time"},
    "model": {"$ref": "#/components/schemas/Model"},
    "research_use_only": {"type": "string"},
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reason": {"enum": [*REASONS]},
        "cure": {"type": "string"},
    },
}
_MODEL_KEYS: dict[str, Any] = {
    **_MODEL["properties"],  # type: ignore[dict-item]
    "classes": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
    "positive": {"type": "string"},
    "threshold": {"type": "number"},
    "band": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "preprocess": {"type": "object"},
    "intended_use": {"type": "object"},
    "research_use_only": {"type": "string"},
    "engine": {"type": "string"},
    "verdict": {"enum": ["pass", "undecided"]},
    "signed": _SIGNED,
}
_LOGIN = {
    "oneOf": [
        {
            "type": "object",
            "required": [*names],
            "additionalProperties": False,
            "properties": {
                name: {"type": "string", "minLength": 1, "maxLength": 1024} for name in names
            },
        }
        for names in (("user", "password"), ("token",))
    ]
}


def description(largest: int) -> dict[str, Any]:
    """Return the description of a page that takes films of `largest` bytes at most."""
    from importlib.metadata import version

    return {
        "openapi": "3.1.0",
        "info": {
            "title": "edge-run",
            "version": version("edge-runtime"),
            "description": "One film a request. Research use; not a medical device.",
        },
        "paths": {**_films(largest), **_facts(), **_sessions()},
        "components": {
            "schemas": {
                "Answer": _object(_ANSWER_KEYS),
                "Model": _MODEL,
                "ModelFacts": _object(_MODEL_KEYS),
                "Problem": _PROBLEM,
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _films(largest: int) -> dict[str, Any]:
    """Describe what takes a film."""
    name = {
        "name": "X-Film-Name",
        "in": "header",
        "description": "the film's name, percent-encoded UTF-8; it is in the answer, and not kept",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._%-]*$", "maxLength": 765},
    }
    body = {
        "required": True,
        "description": f"the bytes of a file, at most {largest}",
        "content": {"application/octet-stream": {"schema": {"type": "string", "minLength": 1}}},
    }
    answer = {"application/json": _schema("Answer")}
    picture = {"image/png": {"schema": {"type": "string"}}}
    words = {
        "/api/classify": ("Answer for a film, as edge-run classify does", answer),
        "/api/pixels": ("Show what the network saw", picture),
        "/api/view": ("Show the upright film in grey", picture),
        "/api/heatmap": ("Show what the answer depends on, to lie over the pixels", picture),
    }
    return {
        path: {
            "post": {
                "summary": summary,
                "parameters": [name] if path == "/api/classify" else [],
                "requestBody": body,
                "responses": _responses(content, *_OF_FILMS),
            }
        }
        for path, (summary, content) in words.items()
    }


def _facts() -> dict[str, Any]:
    """Describe what tells of the page and of its model."""
    health = {"status": {"const": "ok"}, "engine": {"type": "string"}, "model": _ref("Model")}
    text = {"schema": {"type": "string"}}
    contents = {
        "/health": ("Tell that the page works", {"application/json": {"schema": _object(health)}}),
        "/model": (
            "Tell what the model is, and for whom",
            {"application/json": _schema("ModelFacts")},
        ),
        "/card": ("Return the card of the model", {"text/markdown": text}),
        "/metrics": ("Return what was counted, for Prometheus", {"text/plain": text}),
        "/openapi.json": (
            "Return this description",
            {"application/json": {"schema": {"type": "object"}}},
        ),
    }
    return {
        path: {"get": {"summary": summary, "responses": _responses(content, 401, 421)}}
        for path, (summary, content) in contents.items()
    }


def _sessions() -> dict[str, Any]:
    """Describe the login."""
    session = {
        "login_required": {"type": "boolean"},
        "user": _TEXT,
        "token_login": {"type": "boolean"},
        "kept": {"type": "boolean"},
        "demo": {"type": "boolean"},
    }
    content = {"application/json": {"schema": _object(session)}}
    login = {"required": True, "content": {"application/json": {"schema": _LOGIN}}}
    done = {"204": {"description": "done"}}
    return {
        "/api/session": {
            "get": {"summary": "Tell who has logged in", "responses": _responses(content, 421)}
        },
        "/login": {
            "post": {
                "summary": "Log in; the answer sets a cookie",
                "requestBody": login,
                "responses": done | _problems(400, 401, 403, 408, 413, 421, 429, 503),
            }
        },
        "/logout": {
            "post": {
                "summary": "End the session of the cookie",
                "responses": done | _problems(403, 421),
            }
        },
    }


def _responses(content: dict[str, Any], *statuses: int) -> dict[str, Any]:
    return {"200": {"description": "the answer", "content": content}} | _problems(*statuses)


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: _schema("Problem")}
    return {
        str(status): {"description": _PROBLEMS[status], "content": content} for status in statuses
    }


def _schema(name: str) -> dict[str, Any]:
    return {"schema": _ref(name)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(keys: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [*keys], "properties": keys}
