"""What a valid configuration may still get wrong: nobody allowed, everybody allowed, secrets in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from botkit.addresses import loopback
from botkit.config import BotConfig, Config
from botkit.plugins import load_adapter
from botkit.secrets import held


def warnings(config: Config) -> list[str]:
    """One line for each thing an operator should know before starting."""
    found = [f"{key}: the secret stands in the file; better ${{NAME}}" for key in config.literal_secrets]
    found += _http(config)
    found += _store(config)
    for bot in config.bots.values():
        found += [f"bots.{bot.name}{line}" for line in _bot(bot, config)]
    found += _shared(config)
    return found


def served(config: Config) -> set[str]:
    """The bots that programs with a key can reach."""
    return {
        bot.name
        for bot in config.bots.values()
        if any(site in config.sites for name in bot.adapters if (site := load_adapter(name).site))
    }


def _http(config: Config) -> Iterator[str]:
    http = config.http
    if not loopback(http.host):
        yield f"http.host: {http.host} can be reached from other machines, without TLS; put a proxy in front"
    if http.public_url.startswith("http://"):
        yield "http.public_url: not https; platforms refuse it and tokens travel in clear"
    if http.public_url and loopback(http.host):
        yield f"http.host: only a proxy on this machine can forward {http.public_url} to {http.host}:{http.port}"


def _store(config: Config) -> Iterator[str]:
    url = urlsplit(config.store.url)
    if url.scheme == "memory":
        yield "store.url: memory:// forgets sessions and unfinished turns when botkit ends"
    if url.scheme == "redis" and url.hostname and not loopback(url.hostname):
        yield "store.url: redis:// is not encrypted; rediss:// is"


def _reach(bot: BotConfig, config: Config) -> Iterator[str]:
    """Who can use it, and from where."""
    access = bot.access
    if not bot.adapters:
        yield ": no adapter, so nobody can reach it; add a table such as [bots.NAME.slack]"
    sites = {name: site for name in bot.adapters if (site := load_adapter(name).site)}
    for name, site in sites.items():
        if site not in config.sites:
            yield f".{name}: nothing serves it; add [{site}]"
    if access.nobody and (not sites or len(sites) < len(bot.adapters)):
        yield ".access: nobody is allowed, so nobody is answered; name somebody in allow_users"
    for key in ("users", "channels", "spaces"):
        if "*" in getattr(access, f"allow_{key}"):
            yield f".access.allow_{key}: everybody who can write to the bot may use it"


def _bot(bot: BotConfig, config: Config) -> Iterator[str]:
    profile = bot.profile
    yield from _reach(bot, config)
    if not profile.workdir.is_dir():
        yield f".workdir: {profile.workdir} is not a folder yet; `botkit run` makes it"
    for key, named in (("mcp_config", profile.mcp_config), ("settings", (profile.settings,))):
        for each in named:
            if each and not each.lstrip().startswith("{") and not Path(each).is_file():
                yield f".{key}: there is no file {each}; Claude does not start without it"
    if profile.trust_workdir:
        yield ".trust_workdir: settings and hooks of the workdir are loaded; whoever can write there runs commands here"
    if profile.permission_mode == "bypassPermissions":
        yield ".permission_mode: no tool ever asks; keep this to a sandbox (launcher)"
    if not bot.limits.rates and not profile.turn_budget:
        yield ".limits: no limit on how much may be asked, and no turn_budget"


def _shared(config: Config) -> Iterator[str]:
    """Two connections with one account take each other's messages."""
    users: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for bot in config.bots.values():
        for name, settings in bot.adapters.items():
            for key, value in held(settings, ""):
                if value:
                    users[f"{name}.{key}", value].add(bot.name)
    for (key, _), bots in sorted(users.items()):
        if len(bots) > 1:
            keys = ", ".join(f"bots.{bot}.{key}" for bot in sorted(bots))
            yield f"{keys}: the same account; they take each other's messages"
