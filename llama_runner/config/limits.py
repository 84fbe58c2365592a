"""What one client may cost: the shape of app_config.json's `limits`."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import BufferSize, ByteCount, Count, Seconds
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class LimitsConfig:
    """What one client may cost, for each listener."""

    max_head_bytes: ByteCount = field(
        default=65_536, metadata=documented("Bytes a request's line and headers may have.")
    )
    max_headers: Count = field(default=100, metadata=documented("Headers that a request may have."))
    head_timeout: Seconds = field(
        default=10.0,
        metadata=documented("Seconds a client may take to send a request's line and headers."),
    )
    max_body_bytes: ByteCount = field(
        default=67_108_864,
        metadata=documented("Bytes a request's body may have; images travel in it."),
    )
    total_body_bytes: ByteCount = field(
        default=268_435_456,
        metadata=documented(
            "Bytes that the bodies of all requests in progress may have together; those that came "
            "in one piece with their head do not count."
        ),
    )
    min_body_rate: Count = field(
        default=1024,
        metadata=documented("Bytes a second that a client must at least send of a body."),
    )
    idle_timeout: Seconds = field(
        default=75.0,
        metadata=documented("Seconds a connection may stay open between two requests."),
    )
    write_timeout: Seconds = field(
        default=30.0,
        metadata=documented("Seconds a client may leave an answer unread before it is cut off."),
    )
    min_read_rate: Count = field(
        default=1024,
        metadata=documented("Bytes a second that a client must at least read of an answer."),
    )
    send_buffer_bytes: BufferSize = field(
        default=131_072,
        metadata=documented(
            "Bytes of an answer that the system holds for a client that has not read them yet; "
            "Linux reckons with twice as many."
        ),
    )
    max_connections: Count = field(
        default=4096,
        metadata=documented("Connections that each listener holds at the same time."),
    )
    max_connections_per_address: Count = field(
        default=256,
        metadata=documented(
            "Connections that one address beyond this machine, or one IPv6 /64 network, may hold."
        ),
    )
    max_requests_per_client: Count = field(
        default=64,
        metadata=documented(
            "Requests that may be in progress for one API key, or for one address beyond this "
            "machine where no key is asked."
        ),
    )
    max_websockets: Count = field(
        default=64,
        metadata=documented("Websockets that each listener keeps open at the same time."),
    )
    max_message_bytes: ByteCount = field(
        default=65_536, metadata=documented("Bytes that a message to a websocket may have.")
    )
    max_message_rate: ByteCount = field(
        default=65_536,
        metadata=documented("Bytes a second that are read from a websocket; what is more waits."),
    )
    lookahead_bytes: ByteCount = field(
        default=262_144,
        metadata=documented("Bytes read ahead from a client while its answer still runs."),
    )
