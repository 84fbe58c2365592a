"""What can stand in each place of a request and should not, or hardly ever does.

Text stands for bytes; braces in a length or a size stand for the true one.
"""

from __future__ import annotations

FRAMING = ("Content-Length", "Transfer-Encoding")
METHODS = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PRI"),
    *("post", "Post", "M-SEARCH", "", "P OST", "P\0ST", "POST\t", "(", "\xe9", "A" * 300),
)
TARGETS = (
    *("*", "/", "", "//", "/..", "/../v1/models", "/v1//models", "//v1/models", "//evil.example/"),
    *("http://localhost/v1/models", "HTTP://evil.example/v1/chat/completions", "localhost:1234"),
    *("evil.example:443", "?", "/?", "#", "/#a", "/v1/models#a", "/v1/models?", "/v1/models/%61"),
    *("/v1/models/%2e%2e%2fa", "/v1/models/%00", "/v1/models/%ff", "/v1/models/%"),
    *("/v1/models/%zz", "/v1/models/\xe9", "/v1/models/\0", "/v1/models a", "/v1/models\tb"),
    *("/v1/models/" + "a" * 9000, "/v1/models/a;b=c", "/v1/models/a/b/c", "/%76%31/models"),
    *("/v1/models/%ed%a0%80", "\\v1\\models", "/v1/models?" + "a=b&" * 500, "/v1/models?%ff=%00"),
    *("/V1/MODELS", "/v1/models/", "/v1/models//", "/v1/models/" + "%F0%9F%A6%99"),
    *("/v1/models/{}", "/api/events", "/api/events/", "/api/stop?x", "/v1/chat/completions/"),
    *("/v1/chat/completions?stream=true", "/v1/chat/completions;a", "/v1/chat/completions//"),
    *("/v1/chat%2fcompletions", "/v1/chat/./completions", "/v1/completions ", "/v1/embeddings%20"),
    *("/v1/%65mbeddings", "/v1/completions/../embeddings", "/V1/completions"),
)
VERSIONS = (
    *("HTTP/1.0", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.10", "HTTP/1"),
    *("http/1.1", "", "HTTP/1.1 ", " HTTP/1.1", "HTTPS/1.1", "HTTP/1.1\0", "HTTP/1.\xb2"),
    *("HTTP/9.9", "HTTP/1.1\t"),
)
HOSTS = (
    *("evil.example", "", "localhost, evil.example", "a b", "localhost:99999999", "[::1", "\xe9"),
    *("[::1]a", "localhost@evil.example", "localhost/x", "127.0.0.1.evil.example", "0x7f.1"),
    *("localhost.evil.example", "evil.example:1234", "10.0.0.1", "[::2]", "localhost:1234:5"),
    *("localhost\t", "a.localhost:-1"),
)
ORIGINS = (
    *("null", "http://evil.example", "", "http://[", "https://localhost", "http://localhost:9"),
    "\xff",
)
HEADERS = (
    *(("Host", "evil.example"), ("Host", "localhost"), ("Access-Control-Request-Method", "POST")),
    *(("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "cross-site"), ("X" * 300, "y")),
    *(("X", "a\0b"), ("X", "a\x0bb"), ("X", "\xff" * 50), ("X", "a\x7fb"), ("", "y"), ("X ", "y")),
    *((" X", "y"), ("X\t", "y"), ("X\0", "y"), ("X y", "z"), ("H\xf6st", "y"), ("X", "a" * 70000)),
    *(("Connection", "close"), ("Connection", "keep-alive, close")),
    *(("Connection", "Content-Length"), ("Connection", "\xff"), ("Connection", ",,,")),
    *(("Connection", "host"), ("Expect", "200-maybe"), ("Expect", "100-continue")),
    *(("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk"), ("TE", "gzip")),
    *(("Content-Encoding", "gzip"), ("Content-Type", "multipart/form-data"), ("Trailer", "Host")),
    *(("Cookie", "\xff=\0"), ("Cookie", "a" * 5000), ("Authorization", "Bearer \xff")),
    *(("Authorization", ""), ("Authorization", "Basic !!!"), ("Range", "bytes=9-1")),
    *(("Accept", ";;;q=x"), ("Content-Type", "\xff;="), ("X-Http-Method-Override", "DELETE")),
    *(("If-Range", '"x'), ("Forwarded", "for=evil;host=evil")),
)
LENGTHS = (
    *("0", "-0", "-1", "+{}", "0x{:x}", "{} ", " {}", "{}, {}", "{},1", "{};a", "0{}", "{}\t"),
    *("00", "", "{}.0", "1e1", "\xb2", "99999999999999999999", "9" * 30, "1", "{} {}", "\0{}"),
    *("\x0b{}", "{}_0", "'{}'", "18446744073709551617", "4294967296", "268435457", "many"),
    "{}\x0c",
)
CODINGS = (
    *("chunked", "Chunked", "CHUNKED", "identity", "gzip, chunked", "chunked, chunked"),
    *("chunked, gzip", "xchunked", "chunked;a=b", "\x0bchunked", "chunked\x0b", "", ",chunked"),
    *("chunked,", '"chunked"', "chunked\0", "chu\tnked", "\xffchunked", "identity, chunked"),
    *("chunked\t", "trailers"),
)
SIZES = (
    *("{:x}", "{:X}", "0{:x}", "00000000{:x}", "0x{:x}", "+{:x}", "-{:x}", " {:x}", "{:x} "),
    *("{:x}\t", "{:x};a", "{:x};a=b", '{:x};a="\r\n"', "{:x} ;a", "{:x}_", "{:x}\0", "", "g"),
    *("-1", "f" * 16, "ffffffff", "{:x}\n", "{:x}\r", "\n{:x}", "{:x};" + "a" * 5000, "\xb2"),
    "{:x}h",
)
LINE_ENDS = (
    *(b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"", b"\r\n \r\n", b"\0\r\n", b"\x0b\r\n"),
)
TRAILERS = (
    *(b"\r\n", b"X: y\r\n\r\n", b"Content-Length: 5\r\n\r\n", b"Host: evil\r\n\r\n"),
    *(b" folded\r\n\r\n", b"", b"\n", b"\r", b"\r\r\n", b"x\r\n\r\n"),
    b"X: " + b"a" * 9000 + b"\r\n\r\n",
)
UPGRADES = (
    ("Sec-WebSocket-Key", ("", "AAAA", "!" * 24, "\xff" * 24, "dGhlIHNhbXBsZSBub25jZQ", "A" * 24)),
    ("Sec-WebSocket-Version", ("8", "13, 8", "", "\xff", "13 ", "013")),
    ("Sec-WebSocket-Protocol", ("a, b", "", "\xff", ",", "a" * 3000, "a b")),
    ("Sec-WebSocket-Extensions", ("permessage-deflate", "x", ",", "\xff", "", ";")),
    ("Sec-WebSocket-Extensions", ("permessage-deflate; server_max_window_bits=x",)),
    ("Sec-WebSocket-Extensions", ("permessage-deflate; client_max_window_bits=99",)),
    ("Upgrade", ("websocket, h2c", "h2c", "", "WEBSOCKET", "\xff", "websocket/13")),
    ("Connection", ("Upgrade, HTTP2-Settings", "close", "upgrade, close", "\xff", ",")),
)
FOREIGN = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    *(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\x05\x01\0", b"SSH-2.0-x\r\n", b"EHLO x\r\n"),
    *(b"\0" * 100, b"\r\n" * 50, b"\n" * 50, b"{}", b" ", b":" * 400, b"\xff" * 400, b"a" * 70_000),
    *(b"GET / HTTP/1.1\r\n" * 20, b"GET /v1/models\r\n\r\n"),
)
