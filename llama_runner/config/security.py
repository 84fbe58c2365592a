"""The ``security`` part of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import HostText, Name, OriginText, SecretText
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class ApiKey:
    """A key that lets a client in, under a name to tell it by."""

    name: Name = field(metadata=documented("What the key is called in logs; never secret."))
    key: SecretText = field(
        repr=False,
        metadata=documented("The key itself, sent by clients as `Authorization: Bearer …`."),
    )


@frozen(kw_only=True)
class SecurityConfig:
    """Who may talk to us."""

    api_keys: tuple[ApiKey, ...] = field(
        default=(),
        metadata=documented("Keys of which a client must send one; with none, no key is asked."),
    )
    allowed_hosts: tuple[HostText, ...] = field(
        default=(),
        metadata=documented("Names in a request's Host header to accept besides loopback ones."),
    )
    allowed_origins: tuple[OriginText, ...] = field(
        default=(),
        metadata=documented("Origins of web pages that may call us from a browser."),
    )
