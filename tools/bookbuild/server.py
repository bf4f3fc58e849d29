"""Serve the built book on this machine, compressed as a web host would."""

import functools
import gzip
import http.server
import io
import pathlib
from typing import IO, ClassVar

# What compresses well; pictures and fonts are compressed already.
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".txt", ".map", ".ipynb")

# Browsers refuse scripts that come as text/plain, as some systems' registries have it.
TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}


def server(folder: pathlib.Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server of a folder on localhost; port 0 takes a free one.

    Raises:
        OSError: when the port is taken, or may not be used.
        OverflowError: when there is no such port.
    """
    handler = functools.partial(Handler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder; text is compressed for whoever understands it."""

    protocol_version = "HTTP/1.1"  # one connection for many files, as a web host has it

    extensions_map: ClassVar[dict[str, str]] = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        **TYPES,
    }

    def send_head(self) -> IO[bytes] | None:
        """The answer's head; returns what follows it, or None after an error."""
        path = pathlib.Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition("?")[0].endswith("/"):
            path /= "index.html"
        accepts = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepts and path.suffix in COMPRESSED and path.is_file()):
            return super().send_head()
        content = gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", f"{self.guess_type(str(path))}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("Last-Modified", self.date_time_string(int(path.stat().st_mtime)))
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *args: object) -> None:
        """Say nothing of each request: who reads the book does not read the terminal."""
