"""A page for a clinic, and the same answers for programs: `edge-run serve`.

Starlette and uvicorn are the extra `edge-runtime[web]`; nothing outside this room imports them.
"""
