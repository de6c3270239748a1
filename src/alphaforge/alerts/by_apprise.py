"""Sending by apprise, which knows some hundred and seventy services. The only module that imports it.

Importing it costs a server 18 MiB and a second, so it is imported where there are channels and nowhere else. It is
synchronous: each message is sent in a thread of its own, which holds up nobody, and which nobody waits for once its
time is over. Its own logging is silenced, since it writes addresses; what it says of a failure is kept for us alone.
"""

import asyncio
import logging
import threading
from typing import Any

from alphaforge.alerts.addresses import is_public_host, only_public, refused
from alphaforge.alerts.channel import Channel, secret_parts
from alphaforge.alerts.notifier import Message
from alphaforge.alerts.templates import foreign
from alphaforge.core.errors import InvalidSetting, NotDelivered
from alphaforge.telemetry.redaction import Redactor

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
WHOLE_SECONDS = 30.0
"""For a whole message: a receiver that answers a byte at a time ends here."""
_WEBHOOKS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
_SILENCED = ("apprise", "urllib3", "requests", "oauthlib", "requests_oauthlib")
_ALLOW = "ALERTS_ALLOW_PRIVATE=true allows it."


class AppriseNotifier:
    """Sends to the channels that it has checked."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._services: dict[str, Any] = {}

    def check(self, channel: Channel) -> None:
        """Make a channel's service. Raises InvalidSetting where apprise cannot, in words without the address.

        The first time it blocks for a second: call it in a thread.
        """
        where = f"The address {channel.schema}://... of the channel {channel.name}"
        service = _service(channel.url)
        if service is None:
            raise InvalidSetting(f"{where} {_problem(channel.schema)}")
        host = service.host or ""
        if not self._allow_private and _is_host(channel.schema, host) and not is_public_host(host):
            raise InvalidSetting(f"{where} leads to this machine or a private network", advice=_ALLOW)
        self._services[channel.key] = service

    async def send(self, channel: Channel, message: Message) -> None:
        """Send one message. Raises NotDelivered."""
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[str | None] = loop.create_future()

        def ended(problem: str | None) -> None:
            if not sent.done():
                sent.set_result(problem)

        def work() -> None:
            problem = self._sent(channel, message)
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended, problem)

        threading.Thread(target=work, name=f"alert {channel.name}", daemon=True).start()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                problem = await sent
        except TimeoutError:
            raise NotDelivered(f"The receiver took longer than {WHOLE_SECONDS:g} s") from None
        if problem is not None:
            raise NotDelivered(problem)

    def _sent(self, channel: Channel, message: Message) -> str | None:
        """Send in this thread; what went wrong, None where nothing did."""
        try:
            if self._allow_private:
                return self._told(channel, message)
            with only_public():
                problem = self._told(channel, message)
        except Exception as error:  # noqa: BLE001 - whatever a service raises: its text may hold the address
            return f"The service {channel.schema}:// broke: {type(error).__name__}"
        if problem is not None and refused() is not None:
            return f"The address leads to {refused()}, which is not a public one. {_ALLOW}"
        return problem

    def _told(self, channel: Channel, message: Message) -> str | None:
        service = self._services[channel.key]
        if channel.schema in _WEBHOOKS:  # made anew, with this message's key in its head
            mark = "&" if "?" in channel.url else "?"
            service = _service(f"{channel.url}{mark}%2BIdempotency-Key={message.key}") or service
        _heard.lines = []
        if service.notify(body=message.body, title=message.title, body_format="text"):
            return None
        hidden = Redactor(secret_parts(channel.url))
        said = foreign(hidden.text(" ".join(_heard.lines)))
        return said or "The service refused it and did not say why"


def _service(url: str) -> Any | None:  # noqa: ANN401 - apprise's services share no typed base of ours
    """Apprise's service of an address; None where it makes none of it."""
    import apprise  # noqa: PLC0415 - see above

    _silence()
    asset = apprise.AppriseAsset(
        app_id="AlphaForge",
        app_desc="AlphaForge",
        storage_mode="memory",
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is not None:
        service.socket_connect_timeout = CONNECT_SECONDS
        service.socket_read_timeout = READ_SECONDS
    return service


def _problem(schema: str) -> str:
    """Why apprise makes nothing of an address of this schema."""
    from apprise.manager_plugins import NotificationManager  # noqa: PLC0415 - see above

    plugins: Any = NotificationManager()  # type: ignore[no-untyped-call] # apprise's own registry has no types
    if schema not in plugins:
        return "names a service that apprise does not know"
    if not plugins[schema].enabled:
        packages = plugins[schema].requirements.get("packages_required") or "something that is not installed here"
        needed = packages if isinstance(packages, str) else ", ".join(packages)
        return f"needs {needed}: install it with .venv/bin/uv pip install"
    return "lacks something or has it in the wrong place; apprise's documentation shows how it is written"


def _is_host(schema: str, host: str) -> bool:
    """Whether it is a host, not a token that stands in its place."""
    return schema in _WEBHOOKS or "." in host or ":" in host or host == "localhost"


class _Heard(threading.local):
    """What apprise said in this thread."""

    lines: list[str]


_heard = _Heard()


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(_heard, "lines"):
            _heard.lines.append(record.getMessage())


def _silence() -> None:
    """Let nothing of what these libraries say reach a log: it has addresses in it."""
    for name in _SILENCED:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _Ear | logging.NullHandler) for one in logger.handlers) or logger.propagate:
            logger.propagate = False
            logger.addHandler(_Ear(logging.WARNING) if name == "apprise" else logging.NullHandler())
    logging.getLogger("apprise").setLevel(logging.WARNING)
