"""Which web pages may use the gateway from a browser: none, unless the config names their origins."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

EXPOSED = ", ".join(
    (
        "Idempotency-Replayed",
        "Retry-After",
        "X-Request-Id",
        "X-Session-Id",
        *(f"X-RateLimit-{what}-{of}" for what in ("Limit", "Remaining", "Reset") for of in ("Requests", "Tokens")),
    )
)
MAX_AGE = 600
"""Seconds a browser may remember what it was told."""


class Cors:
    """The origins ("https://app.example.com") of pages that may; "*" is every page. Cookies are never used."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.origins = frozenset(origins)

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may use the gateway."""
        return "*" in self.origins or origin in self.origins

    def headers(self, request: web.Request) -> Mapping[str, str]:
        """What every answer to such a page carries."""
        origin = request.headers.get("Origin", "")
        if not origin or not self.origins:
            return {}
        if "*" not in self.origins and origin not in self.origins:
            return {"Vary": "Origin"}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}

    async def preflight(self, methods: str, request: web.Request) -> web.Response:
        """The answer to the question a browser asks before it sends the request itself."""
        headers = dict(self.headers(request))
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", ""),
                "Access-Control-Max-Age": str(MAX_AGE),
            }
        return web.Response(status=204, headers=headers)
