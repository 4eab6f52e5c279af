"""Who administers over HTTP: whoever has the bootstrap secret, or a token that says so."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from adapters.http.admin.settings import AdminSettings, JwtSettings
from adapters.http.auth import presented
from adapters.http.client import Proxies
from adapters.http.errors import HttpError, unavailable
from adapters.http.failures import Failures
from adapters.http.verify import client
from botkit.errors import ConfigError

if TYPE_CHECKING:
    from adapters.http.admin.tokens import Tokens

log = structlog.get_logger("botkit")


@dataclass(frozen=True, slots=True)
class Admin:
    """A proven administrator, as `Act.who` names them, and from where."""

    who: str
    address: str


class Admins:
    """Proves administrators."""

    def __init__(self, settings: AdminSettings, proxies: Proxies, failures: Failures) -> None:
        self._bootstrap = settings.bootstrap.get_secret_value().encode()
        self._proxies, self._failures = proxies, failures
        self._tokens = None
        if settings.jwt is not None:
            self._tokens = _tokens(settings.jwt)

    async def prove(self, request: web.Request) -> Admin:
        """Raises HttpError 401, 403 for somebody who is no admin, 429 for too many failures, 503."""
        address, text = client(request, self._proxies), presented(request)
        if wait := self._failures.wait(address):
            raise HttpError(429, "too_many_failures", "too many failures from this address", retry_after=wait)
        if self._bootstrap and hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self._bootstrap):
            return Admin("bootstrap", address)
        if self._tokens is not None and text.count(".") == 2:
            return Admin(f"jwt:{await self._person(text, address)}", address)
        raise self._failed(address, 401, "not_authenticated", "an administrator's token is needed")

    async def _person(self, text: str, address: str) -> str:
        from adapters.http.admin.jwks import NoKeys
        from adapters.http.admin.tokens import NotAdmin, NotProven

        assert self._tokens is not None
        try:
            return await self._tokens.prove(text)
        except NotProven as problem:
            log.info("admin_refused", address=address, problem=str(problem))
            raise self._failed(address, 401, "not_authenticated", "this token is not valid here") from None
        except NotAdmin as person:
            log.warning("admin_refused", address=address, who=str(person), problem="no admin")
            raise self._failed(address, 403, "not_admin", "this token's owner is no administrator") from None
        except NoKeys as problem:
            log.error("admin_unverified", problem=str(problem))
            raise unavailable("the identity provider's keys cannot be had") from None

    def _failed(self, address: str, status: int, code: str, said: str) -> HttpError:
        return self._failures.note(address, HttpError(status, code, said))


def _tokens(settings: JwtSettings) -> Tokens:
    try:
        from adapters.http.admin.tokens import Tokens  # only here is PyJWT needed
    except ImportError:
        raise ConfigError("needs the PyJWT package: pip install botkit[http]", key="gateway.admin.jwt") from None
    return Tokens(settings)
