"""Reads bots.toml: everything is checked, and everything that is wrong is said at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from botkit.access import Access
from botkit.bot import BotSettings
from botkit.claude.options import PoolLimits, Profile, TurnLimits
from botkit.display import Display
from botkit.errors import ConfigError
from botkit.expand import Expanded, Toml, expand, leaves, merge
from botkit.extensions import adapters_in, sites_in, split
from botkit.fields import Root
from botkit.limits import Limits, Rate, Scope
from botkit.problems import ConfigProblems, Problem, explain, nearest
from botkit.redact import Redactor
from botkit.secrets import held, of_environment
from botkit.settings import Bot, Claude, ClaudeOptions, Http, Log, Rates, Settings, Store, Who


@dataclass(frozen=True, slots=True)
class BotConfig:
    """One bot of the file, as the parts that run it want it."""

    name: str
    adapters: Mapping[str, BaseModel]
    """The settings of each adapter, by the adapter's name; instances of the plugin's own model."""
    handlers: tuple[str, ...]
    middleware: tuple[str, ...]
    settings: BotSettings
    profile: Profile
    access: Access
    limits: Limits


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, checked."""

    file: Path | None
    http: Http
    log: Log
    store: Store
    pool: PoolLimits
    turn: TurnLimits
    bots: Mapping[str, BotConfig]
    secrets: frozenset[str] = field(repr=False)
    """Values that must appear in no reply and no log."""
    sites: Mapping[str, BaseModel] = field(default_factory=dict[str, BaseModel])
    """The settings of each site, by its name; instances of the plugin's own model."""
    literal_secrets: tuple[str, ...] = ()
    """Keys whose secret stands in the file itself."""


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in a file, with `BOTKIT_…` variables above it. Raises ConfigError with one line a problem."""
    try:
        tree: dict[str, Toml] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("there is no such file; `botkit init` writes one", file=str(path)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"cannot be read: {problem}", file=str(path)) from problem
    return build(tree, environ, root=path.absolute().parent, file=path)


def default_chat_config(workdir: Path, environ: Mapping[str, str]) -> Config:
    """What `botkit chat` uses without a file: one bot, in the terminal, with its store in the user's state folder."""
    home = Path(environ.get("HOME") or Path.home())
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "botkit"
    tree: dict[str, Toml] = {
        "store": {"url": f"sqlite:///{_literal(state / 'chat.db')}"},
        "bots": {
            "chat": {
                "workdir": _literal(workdir),
                "access": {"allow_users": ["console"], "admins": ["console"]},
                "console": {},
            }
        },
    }
    return build(tree, environ, root=Path.cwd())


def _literal(path: Path) -> str:
    return str(path).replace("${", "$${")


def build(tree: dict[str, Toml], environ: Mapping[str, str], *, root: Path, file: Path | None = None) -> Config:
    """A configuration from a tree as TOML gives it. Raises ConfigProblems."""
    expanded = expand(tree, environ)
    problems = expanded.problems
    overrides = _overrides(environ, problems)
    expanded.plain -= {key for key, _ in leaves(overrides)}
    rest, tables = split(merge(expanded.tree, overrides))
    settings, context = None, Root(root)
    try:
        settings = Settings.model_validate(rest, context=context)
    except ValidationError as error:
        # A key whose variable is missing is already on the list.
        known = {problem.key for problem in problems}
        problems += [found for found in explain(error, Settings) if found.key not in known]
    adapters, sites = adapters_in(tables, context, problems), sites_in(tables, context, problems)
    if settings is not None and not settings.bots:
        problems.append(Problem("bots", "expected at least one table such as [bots.main]", "found nothing"))
    if problems or settings is None:
        hide = Redactor(expanded.secrets).redact
        raise ConfigProblems(str(file or ""), [replace(problem, found=hide(problem.found)) for problem in problems])
    return _config(settings, adapters, sites, expanded, environ, file)


class _Environment(Settings, BaseSettings):
    """Lets pydantic-settings read the same keys from variables: BOTKIT_STORE__URL."""

    model_config = SettingsConfigDict(
        env_prefix="BOTKIT_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid"
    )


def _overrides(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Toml]:
    source = EnvSettingsSource(_Environment)
    source.env_vars = {
        name.lower(): value for name, value in environ.items() if name.upper().startswith("BOTKIT_") and value
    }
    for name in source.env_vars:
        key, nested, _ = name.removeprefix("botkit_").partition("__")
        if nested and key not in Settings.model_fields:
            problems.append(Problem(name.upper(), "names no key", nearest(key, Settings.model_fields)))
    try:
        return source()
    except SettingsError as error:
        problems.append(Problem("", f"a BOTKIT_ environment variable cannot be read: {error}"))
        return {}


def _config(
    settings: Settings,
    adapters: Mapping[tuple[str, str], BaseModel],
    sites: Mapping[str, BaseModel],
    expanded: Expanded,
    environ: Mapping[str, str],
    file: Path | None,
) -> Config:
    found = [*held(settings, "")]
    for (bot, name), model in adapters.items():
        found += held(model, f"bots.{bot}.{name}")
    for name, model in sites.items():
        found += held(model, name)
    return Config(
        file=file,
        http=settings.http,
        log=settings.log,
        store=settings.store,
        pool=PoolLimits(**dict(settings.claude.pool)),
        turn=TurnLimits(**dict(settings.claude.limits)),
        bots={
            name: _bot(name, bot, settings, {kind: found for (owner, kind), found in adapters.items() if owner == name})
            for name, bot in settings.bots.items()
        },
        secrets=frozenset(
            secret
            for secret in (
                *expanded.secrets,
                *(value for _, value in found),
                *of_environment(environ, settings.claude.pass_environment),
            )
            if secret
        ),
        sites=sites,
        literal_secrets=tuple(sorted({key for key, value in found if value and key in expanded.plain})),
    )


def _bot(name: str, bot: Bot, settings: Settings, adapters: Mapping[str, BaseModel]) -> BotConfig:
    profile = _profile(bot, settings.claude)
    return BotConfig(
        name=name,
        adapters=adapters,
        handlers=bot.handlers,
        middleware=bot.middleware,
        settings=BotSettings(
            workdir=profile.workdir,
            model=profile.model,
            mode=profile.permission_mode,
            models=bot.models,
            queue=bot.queue,
            session_idle=bot.session_idle,
            approval_timeout=bot.approval_timeout,
            recovery=bot.recovery,
            max_attempts=bot.max_attempts,
            drain=settings.drain,
            max_upload=bot.uploads.max_bytes,
            max_uploads=bot.uploads.max_files,
            display=Display(**dict(bot.display)),
        ),
        profile=profile,
        access=_access(bot.access),
        limits=_limits(bot.limits),
    )


def _profile(own: Bot, claude: Claude) -> Profile:
    """The bot's own options; where it has none, those of [claude]."""
    inherited = ClaudeOptions.model_fields.keys() - own.model_fields_set
    bot = own.model_copy(update={key: getattr(claude, key) for key in inherited})
    return Profile(
        workdir=bot.workdir,
        command=claude.command,
        launcher=bot.launcher,
        model=bot.model,
        fallback_model=bot.fallback_model,
        permission_mode=bot.permission_mode,
        allowed_tools=bot.allowed_tools,
        disallowed_tools=bot.disallowed_tools,
        append_system_prompt=bot.append_system_prompt,
        agents=bot.agents,
        mcp_config=bot.mcp_config,
        settings=bot.settings,
        add_dirs=bot.add_dirs,
        effort=bot.effort,
        environment={**claude.environment, **own.environment},
        pass_environment=claude.pass_environment,
        prompt_caching=bot.prompt_caching,
        turn_budget=bot.turn_budget,
        trust_workdir=bot.trust_workdir,
        slash_commands=bot.slash_commands,
        max_upload=own.uploads.max_bytes,
    )


def _access(who: Who) -> Access:
    strangers = who.strangers
    ids = {key: frozenset(value) for key, value in who if key != "strangers"}
    return Access(strangers=strangers, **ids)


def _limits(rates: Rates) -> Limits:
    scopes: tuple[Scope, ...] = ("user", "conversation", "bot", "total")
    chosen: dict[Scope, Rate | None] = {scope: getattr(rates, scope) for scope in scopes}
    return Limits({scope: rate for scope, rate in chosen.items() if rate is not None})
