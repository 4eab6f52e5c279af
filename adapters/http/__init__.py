"""HTTP for programs: OpenAI's, Anthropic's and botkit's own API over the same bots. Light: it loads no server code."""

from __future__ import annotations

from adapters.http.settings import GatewaySettings, HttpSettings
from botkit.plugins import AdapterPlugin, Setup, SitePlugin
from botkit.protocols import Adapter
from botkit.sites import Site

__all__ = ["GatewaySettings", "HttpSettings", "plugin", "site"]


def create_adapter(name: str, settings: HttpSettings) -> Adapter:
    from adapters.http.adapter import HttpAdapter

    return HttpAdapter(name, settings)


def create_site(settings: GatewaySettings) -> Site:
    from adapters.http.gateway import Gateway

    return Gateway(settings)


def _setup(wanted: Setup) -> str:
    from adapters.http.guide import steps

    return steps(wanted.address.rpartition("/")[0])  # the gateway is one for all bots


plugin = AdapterPlugin(HttpSettings, create_adapter, stateless=True, site="gateway", setup=_setup)
site = SitePlugin(GatewaySettings, create_site)
