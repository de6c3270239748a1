"""Every setting: its name, default, what it accepts, and where its value came from.

The command line wins over the environment, the environment over `.env`, `.env` over the default. Only the wiring
(`bootstrap`, `asgi`, `cli`) reads settings; everything else is handed values. `Settings(...)` itself reads nothing:
`load_settings` does, so that a test's settings do not depend on the machine that runs it.
"""

import difflib
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from alphaforge.alerts.channel import channels_of, secret_parts
from alphaforge.core.errors import InvalidSetting
from alphaforge.setting_values import (
    TEXT,
    About,
    AlertUrls,
    Breaks,
    BrokerUrl,
    DatabaseUrl,
    Environment,
    Instruments,
    LogFormat,
    LogLevel,
    Origins,
    RedisUrl,
    Secret,
    Switch,
    Text,
)

_NEAR = 0.85
"""How alike two names must be, without their underscores, to be taken for one misspelt."""


class Settings(BaseSettings):
    """The settings, validated and frozen; raises pydantic's ValidationError, which `load_settings` puts into words."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=False, hide_input_in_errors=True
    )

    database_url: DatabaseUrl = SecretStr("sqlite:///./trading_signals.db")
    db_pool_size: Annotated[int, Field(ge=1, le=500), About("a whole number from 1 to 500")] = 20
    db_max_overflow: Annotated[int, Field(ge=0, le=500), About("a whole number from 0 to 500")] = 10
    db_pool_recycle: Annotated[int, Field(ge=-1), About("seconds; -1 for never")] = 3600
    db_pool_timeout: Annotated[float, Field(gt=0, le=60), About("seconds, above 0 and up to 60")] = 3.0
    slow_query_ms: Annotated[float, Field(ge=0), About("milliseconds; 0 for none")] = 100.0
    redis_url: RedisUrl = None
    enable_cache: Switch = True
    cache_ttl: Annotated[int, Field(ge=0), About("seconds")] = 300
    cache_bytes: Annotated[int, Field(ge=0), About("bytes of answers kept in the process")] = 8 * 1024 * 1024
    enable_compression: Switch = True
    max_page_size: Annotated[int, Field(ge=1, le=10_000), About("a whole number from 1 to 10000")] = 100
    rate_limit_per_minute: Annotated[int, Field(ge=0), About("a whole number; 0 for no limit")] = 60
    async_workers: Annotated[int, Field(ge=1, le=64), About("a whole number from 1 to 64")] = 4
    workers: Annotated[int, Field(ge=1, le=64), About("server processes, 1 to 64; more than 1 need PostgreSQL")] = 1
    background_tasks: Switch = True
    rejections_keep_days: Annotated[int, Field(ge=0, le=36_500), About("days up to 36500; 0 for ever")] = 365
    oanda_api_key: Secret | None = None
    oanda_account_id: Text | None = None
    oanda_environment: Environment = "practice"
    oanda_api_url: Annotated[BrokerUrl | None, About("http:// or https:// and a host")] = None
    oanda_stream_url: Annotated[BrokerUrl | None, About("http:// or https:// and a host")] = None
    instruments: Instruments = ("GBP_USD", "XAU_USD", "USD_JPY")
    market_hours: Breaks = ()
    sandbox_seed: Annotated[int, Field(ge=0), About("a whole number from 0")] = 7
    api_key: Secret | None = None
    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535), About("a port from 1 to 65535, or 0 for any free one")] = 5000
    allowed_origins: Origins = ()
    log_format: LogFormat = "auto"
    log_level: LogLevel = "INFO"
    enable_metrics: Switch = True
    slow_request_ms: Annotated[float, Field(ge=0), About("milliseconds; 0 for none")] = 1_000.0
    alert_urls: AlertUrls = None
    alerts_allow_private: Switch = False
    telegram_bot_token: Secret | None = None
    telegram_chat_id: Text | None = None
    gemini_api_key: Secret | None = None

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _ignored: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if open_door := _open_door(self.host, self.api_key):
            raise ValueError(open_door)
        if self.workers > 1 and self.database_url.get_secret_value().startswith("sqlite"):
            raise ValueError(_one_owner(self.workers))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the names are pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the constructor is given and nothing else."""
        return (init_settings,)

    def source_of(self, field: str) -> str:
        """Where a field's value came from: `default`, `.env`, `environment`, `command line`."""
        return self._sources.get(field, "default")

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names in `.env` that are no settings of ours."""
        return self._ignored

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear in a log or an answer."""
        found: list[str] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                secret = value.get_secret_value()
                if name == "alert_urls":
                    found += [part for channel in channels_of(secret) for part in secret_parts(channel.url)]
                    continue
                password = urlsplit(secret).password if name.endswith("_url") else secret
                found += [password, unquote(password)] if password else []
        return tuple(dict.fromkeys(found))

    def shown(self, field: str) -> str:
        """A field's value for people: no secret in it, of a URL only the password hidden."""
        value = getattr(self, field)
        if isinstance(value, SecretStr):
            return _without_password(value.get_secret_value()) if field.endswith("_url") else "(set)"
        if isinstance(value, tuple):
            return ",".join(value)
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def load_settings(env_file: Path | None = Path(".env"), **given: object) -> Settings:
    """The settings of this process: `given` (the command line's) over environment over `env_file` over defaults.

    Raises InvalidSetting that names every wrong or misspelt setting at once, and never shows a secret.
    """
    from_file = _read_env_file(env_file)
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (".env", DotEnvSettingsSource(Settings, env_file=env_file, env_file_encoding="utf-8-sig")()),
        ("environment", EnvSettingsSource(Settings)()),
        ("command line", {name: value for name, value in given.items() if value is not None}),
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in layers:
        known = {name: value for name, value in layer.items() if name in Settings.model_fields}
        values |= known
        sources |= dict.fromkeys(known, source)
    unknown = [name for name in from_file if name.lower() not in Settings.model_fields]
    findings = _misspelt(unknown, ".env") + _misspelt(_suspects(values), "the environment")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        findings = [_in_words(one, values, sources) for one in wrong] + findings
        if wrong[0]["loc"] and (open_door := _open_door(values.get("host"), values.get("api_key"))):
            findings.append(open_door)  # pydantic looks at the whole only where every part is right
    if findings:
        raise InvalidSetting(
            "\n".join(findings),
            advice="They are read from the command line, the environment and .env; docs/operations.md explains each.",
        )
    settings._sources = sources  # noqa: SLF001 - its own module
    settings._ignored = tuple(sorted(unknown))  # noqa: SLF001 - its own module
    return settings


def about(field: str) -> About:
    """What is known of a setting besides its type."""
    return _about(Settings.model_fields[field])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _open_door(host: object, api_key: object) -> str:
    """What is wrong with letting others in without a key; empty where nothing is."""
    if api_key is not None or not isinstance(host, str) or is_loopback(host):
        return ""
    return f"HOST is {host!r}, which others can reach, and there is no API_KEY to keep them out"


def _one_owner(workers: int) -> str:
    """What is wrong with several processes on a SQLite file."""
    return (
        f"WORKERS is {workers}, and a SQLite file belongs to one process: leave it at 1, "
        "or keep the desk in PostgreSQL (DATABASE_URL=postgresql://user:password@host/name)"
    )


def _about(info: FieldInfo) -> About:
    return next((note for note in info.metadata if isinstance(note, About)), TEXT)


def _read_env_file(env_file: Path | None) -> Mapping[str, str | None]:
    if env_file is None or not env_file.is_file():
        return {}
    try:
        return dotenv_values(env_file, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{env_file} cannot be read: {error.__class__.__name__}"
        raise InvalidSetting(message, advice="It is a text file in UTF-8 with lines like PORT=5000.") from None


def _suspects(values: Mapping[str, object]) -> list[str]:
    """Unknown names of the environment that were surely meant for us, and whose meaning is not given otherwise."""
    unknown = [name for name in os.environ if name.startswith("OANDA_") and name.lower() not in Settings.model_fields]
    return [name for name in unknown if _meant(name).lower() not in values]


def _misspelt(unknown: list[str], where: str) -> list[str]:
    return [f"{name} in {where} is no setting; {meant} was meant" for name in unknown if (meant := _meant(name))]


def _meant(name: str) -> str:
    """The setting that a name was probably meant to be, empty for a name that has nothing to do with us."""
    bare = {field.upper().replace("_", ""): field.upper() for field in Settings.model_fields}
    ours = name.upper().startswith("OANDA_")
    near = difflib.get_close_matches(name.upper().replace("_", "").replace("-", ""), bare, 1, 0.0 if ours else _NEAR)
    return bare[near[0]] if near else ""


def _in_words(error: Mapping[str, Any], values: Mapping[str, object], sources: Mapping[str, str]) -> str:
    if not error["loc"]:
        return str(error["ctx"]["error"])
    field = str(error["loc"][0])
    info = Settings.model_fields[field]
    secret = "SecretStr" in str(info.annotation)
    if secret and (reason := str(error.get("ctx", {}).get("error", ""))):  # our own words, without the value
        return f"{field.upper()} ({sources.get(field, 'default')}): {reason}"
    given = "a value that is not shown here" if secret else repr(values[field])[:80]
    return f"{field.upper()} is {given} ({sources.get(field, 'default')}); accepted: {_about(info).accepts}"


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":(hidden)@") if password else url
