"""The book's server compresses text for whoever understands it, and changes nothing else."""

import gzip
import http.client
import pathlib
import threading
from collections.abc import Iterator

import pytest

from bookbuild import server

PAGE = "<p>A page.</p>" * 200
FILES = {
    "index.html": PAGE.encode(),
    "chapter/page.html": PAGE.encode(),
    "demo.js": b"export const a = 1;" * 50,
    "data.json": b'{"a": [1, 2, 3]}' * 50,
    "picture.png": bytes(range(256)),
    "font.woff2": bytes(range(256)),
}


@pytest.fixture
def address(tmp_path: pathlib.Path) -> Iterator[tuple[str, int]]:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with server.server(tmp_path, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running.server_address
        running.shutdown()
        thread.join()


def ask(address: tuple[str, int], path: str, accepts: str = "gzip, br", method: str = "GET"):
    """An answer and its content."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request(method, path, headers={"Accept-Encoding": accepts})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize("name", [*FILES, ""])
def test_what_arrives_is_the_file(address, name):
    answer, content = ask(address, f"/{name}")
    assert answer.status == 200
    if answer.headers["Content-Encoding"] == "gzip":
        assert int(answer.headers["Content-Length"]) == len(content)
        content = gzip.decompress(content)
    assert content == FILES[name or "index.html"]


def test_text_is_compressed_and_pictures_are_not(address):
    encodings = {name: ask(address, f"/{name}")[0].headers["Content-Encoding"] for name in FILES}
    compressed = {name for name, encoding in encodings.items() if encoding == "gzip"}
    assert compressed == {"index.html", "chapter/page.html", "demo.js", "data.json"}
    assert len(ask(address, "/index.html")[1]) < len(PAGE) / 5


def test_who_does_not_understand_gzip_gets_text(address):
    answer, content = ask(address, "/index.html", accepts="identity")
    assert answer.headers["Content-Encoding"] is None
    assert content == PAGE.encode()


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
@pytest.mark.parametrize(
    ("name", "kind"), [("demo.js", "text/javascript"), ("index.html", "text/html")]
)
def test_browsers_are_told_what_it_is(address, name, kind, accepts):
    answer, _ = ask(address, f"/{name}", accepts=accepts)
    assert answer.headers["Content-Type"].split(";")[0] == kind


def test_an_address_may_hold_a_state(address):
    answer, content = ask(address, "/chapter/page.html?descent=0_1_8_0")
    assert answer.status == 200
    assert gzip.decompress(content) == PAGE.encode()


def test_who_asks_for_the_head_gets_no_more(address):
    answer, content = ask(address, "/index.html", method="HEAD")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert content == b""


@pytest.mark.parametrize("path", ["/missing.html", "/missing/", "/../secret", "/%2e%2e/secret"])
def test_what_is_not_there_is_not_found(address, path):
    assert ask(address, path)[0].status == 404


def test_a_folder_leads_to_its_page(address):
    answer, _ = ask(address, "/chapter")
    assert answer.status == 301
    assert answer.headers["Location"].endswith("/chapter/")


def test_one_connection_serves_many_files(address):
    connection = http.client.HTTPConnection(*address, timeout=10)
    for name in ("index.html", "picture.png", "missing.html", "data.json"):
        connection.request("GET", f"/{name}", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        assert answer.version == 11
        if name == "index.html":
            kept = connection.sock
        # An error ends the connection; the next request opens another by itself.
        assert connection.sock is (None if answer.status == 404 else kept) or name == "data.json"
    connection.close()
