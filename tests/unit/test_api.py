"""The classifier's API over real HTTP: what it answers, and all that it refuses."""

import concurrent.futures
import contextlib
import io
import re
import socket
import threading
import time

import httpx
import numpy as np
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image
from schemathesis.specs.openapi import checks

from seeing.app import api
from seeing.photos import reading

NAMES = ("red", "green", "blue", "gray")
TOKEN = "a-token-of-enough-characters"


class ColorNamer:
    """In a network's place: the share of each color in the top half of a photograph."""

    def __init__(self):
        self.batches, self.go = [], threading.Event()
        self.go.set()

    def views(self, path):
        self.folder = path.parent
        return reading.read_square(path, 8)[None, :4]

    def probabilities(self, photographs):
        self.batches.append(len(photographs))
        assert self.go.wait(10)
        colors = np.array([views.mean(axis=(0, 1, 2)) for views in photographs])
        shares = (colors + 1e-3) / (colors + 1e-3).sum(axis=1, keepdims=True)
        return np.pad(shares, ((0, 0), (0, 1))).astype(np.float32)


@contextlib.contextmanager
def serving(namer, *, names=NAMES, **options):
    """A started server, as an ``httpx`` client of it."""
    app = api.build(namer, names, **options)
    config = uvicorn.Config(app, http="h11", ws="none", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as place:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        port = place.getsockname()[1]
        try:
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
                yield client
        finally:
            namer.go.set()
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def namer():
    return ColorNamer()


@pytest.fixture(scope="module")
def client(namer):
    with serving(namer) as client:
        yield client


@pytest.fixture
def small():
    """A server that takes little."""
    limits = api.Limits(
        photograph_bytes=2000, request_bytes=5000, photographs=3, waiting=2, seconds=0.5
    )
    with serving(ColorNamer(), limits=limits) as client:
        yield client


def picture(color=(250, 10, 20), size=(40, 30), kind="PNG", **options):
    content = io.BytesIO()
    Image.new("RGB", size, color).save(content, kind, **options)
    return content.getvalue()


def refused(answer, status, sentence):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert re.search(sentence, answer.json()["detail"]), answer.text


def waiting(client):
    """How many photographs wait, as the server counts them."""
    found = re.search(r"^seeing_waiting_photographs (\S+)$", client.get("/metrics").text, re.M)
    return int(float(found[1]))


class TestAnswers:
    def test_one_photograph(self, client, namer):
        answer = client.post("/photograph", files={"photograph": ("a rosé.png", picture())})
        assert answer.status_code == 200
        said = answer.json()
        assert (said["file"], said["answer"]) == ("a rosé.png", "red")
        assert [one["name"] for one in said["classes"]] == ["red", "blue", "green", "gray"]
        assert said["classes"][0]["probability"] == pytest.approx(250 / 280, abs=0.01)
        assert not namer.folder.exists()  # nothing of it stays

    def test_the_k_most_probable(self, client):
        for top, count in ((1, 1), (3, 3), (1000, 4)):
            answer = client.post(f"/photograph?top={top}", files={"photograph": picture()})
            assert len(answer.json()["classes"]) == count

    def test_many_are_answered_in_their_order_and_one_that_is_none_leaves_the_others_theirs(
        self, client
    ):
        contents = [picture((0, 200, 0)), b"no picture", picture((0, 0, 200)), b""]
        files = [("photographs", (f"{i}.jpg", one)) for i, one in enumerate(contents)]
        answer = client.post("/photographs?top=1", files=files)
        assert answer.status_code == 200
        first, bad, second, empty = answer.json()["photographs"]
        assert (first["answer"], second["answer"]) == ("green", "blue")
        assert bad["error"].startswith("1.jpg: no image that can be read")
        assert empty["error"] == "3.jpg: empty: 0 bytes"

    def test_it_does_not_know_where_it_is_not_sure_enough(self, client):
        files = {"photograph": picture((100, 90, 90))}
        assert client.post("/photograph", files=files).json()["answer"] == "red"
        said = client.post("/photograph?unsure_below=0.5", files=files).json()
        assert said["answer"] is None
        assert said["classes"][0]["name"] == "red"

    def test_the_bound_of_the_server_holds_where_a_request_names_none(self):
        with serving(ColorNamer(), unsure_below=0.5) as client:
            files = {"photograph": picture((100, 90, 90))}
            assert client.post("/photograph", files=files).json()["answer"] is None
            answer = client.post("/photograph?unsure_below=0.1", files=files).json()["answer"]
            assert answer == "red"

    def test_a_photograph_is_turned_as_its_exif_says(self, client):
        stored = Image.new("RGB", (40, 40), (0, 0, 250))
        stored.paste((250, 0, 0), (0, 20, 40, 40))
        seen = []
        for orientation in (1, 3):
            exif = Image.Exif()
            exif[0x0112] = orientation
            content = io.BytesIO()
            stored.save(content, "JPEG", exif=exif)
            answer = client.post("/photograph", files={"photograph": content.getvalue()})
            seen.append(answer.json()["answer"])
        assert seen == ["blue", "red"]

    def test_about_it(self, client):
        about = client.get("/classes").json()
        assert about["class_names"] == list(NAMES)
        assert about["photograph_pixels"] == reading.MAX_PIXELS
        assert client.get("/healthz").json() == {"status": "ok"}

    def test_simultaneous_requests_are_one_call(self):
        namer = ColorNamer()
        with serving(namer) as client, concurrent.futures.ThreadPoolExecutor(6) as pool:
            namer.go.clear()
            asked = [
                pool.submit(client.post, "/photograph", files={"photograph": picture()})
                for _ in range(6)
            ]
            deadline = time.monotonic() + 8
            while sum(namer.batches) + waiting(client) < 6 and time.monotonic() < deadline:
                time.sleep(0.01)
            namer.go.set()
            assert {answer.result().status_code for answer in asked} == {200}
        assert sum(namer.batches) == 6
        assert len(namer.batches) <= 2


class TestMetrics:
    def test_what_happened_is_counted_in_prometheuss_form(self):
        with serving(ColorNamer()) as client:
            client.post("/photograph", files={"photograph": picture()})
            client.post("/photograph?unsure_below=1", files={"photograph": picture()})
            client.post("/photograph", files={"photograph": b"none"})
            client.get("/a/path/of/somebody's/own")
            answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        lines = answer.text.splitlines()
        for line in (
            'seeing_photographs_total{outcome="named"} 1.0',
            'seeing_photographs_total{outcome="unknown"} 1.0',
            'seeing_photographs_total{outcome="refused"} 1.0',
            'seeing_requests_total{route="/photograph",status="200"} 2.0',
            'seeing_requests_total{route="/photograph",status="422"} 1.0',
            'seeing_requests_total{route="none",status="404"} 1.0',
            'seeing_request_seconds_count{route="/photograph"} 3.0',
            "seeing_batch_photographs_count 2.0",
            "seeing_waiting_photographs 0.0",
        ):
            assert line in lines

    def test_each_app_counts_for_itself(self):
        for _ in range(2):
            with serving(ColorNamer()) as client:
                client.post("/photograph", files={"photograph": picture()})
                assert 'outcome="named"} 1.0' in client.get("/metrics").text


class TestRefusedFiles:
    @pytest.mark.parametrize(
        ("content", "status", "sentence"),
        [
            (b"", 422, "x.jpg: empty: 0 bytes"),
            (b"not a picture", 422, "x.jpg: no image that can be read"),
            (picture()[:60], 422, "x.jpg: damaged"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 422, "EPS files cannot be read"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "SVG files cannot be read"),
            (b"\x00\x00\x00\x18ftypheic" + bytes(8), 422, "HEIC photographs cannot be read"),
            (picture(size=(7, 40)), 422, "too small: 7×40 pixels"),
            (picture(size=(2100, 100)), 422, "too long and narrow"),
            (picture(size=(10_000, 8001), kind="GIF"), 413, "too large: 10000×8001 pixels"),
        ],
        ids=["empty", "text", "cut", "EPS", "SVG", "HEIC", "small", "narrow", "huge"],
    )
    def test_a_sentence_and_a_status(self, client, content, status, sentence):
        refused(
            client.post("/photograph", files={"photograph": ("x.jpg", content)}), status, sentence
        )

    def test_a_files_name_and_type_choose_no_decoder(self, client):
        for name, kind in (("x.eps", "application/postscript"), ("x.pdf", "text/html")):
            files = {"photograph": (name, picture(), kind)}
            assert client.post("/photograph", files=files).json()["answer"] == "red"

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd", "/etc/passwd", "a\x00b", "x" * 5000, "🌷"]
    )
    def test_a_files_name_opens_nothing(self, client, name):
        answer = client.post("/photograph", files={"photograph": (name, b"none")})
        assert answer.status_code in {400, 422}  # 400: newer parsers refuse such a long name
        assert len(answer.json()["detail"]) < 300
        assert "seeing-" not in answer.text  # nor says where it was looked at


class TestRefusedForms:
    def form(self, client, body, kind="multipart/form-data; boundary=b"):
        return client.post("/photograph", content=body, headers={"Content-Type": kind})

    def test_no_form(self, client):
        refused(self.form(client, picture(), "image/png"), 415, "'image/png'; expected multipart")

    @pytest.mark.parametrize(
        ("body", "more"),
        [
            (b"--b\r\nnonsense", ""),
            (b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--", ""),
            (b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--', ""),
            (
                b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--',
                "; charset=idna",
            ),
            (
                b'--b\r\nContent-Disposition: form-data; name="+2AA-"\r\n\r\nx\r\n--b--',
                "; charset=utf-7",
            ),
            (b"", ""),
        ],
    )
    def test_a_form_that_is_none(self, client, body, more):
        answer = self.form(client, body, f"multipart/form-data; boundary=b{more}")
        assert answer.status_code in {400, 422}
        assert len(answer.json()["detail"].split()) > 3

    def test_a_form_without_a_boundary(self, client):
        refused(self.form(client, b"--b--", "multipart/form-data"), 400, "boundary")

    def test_other_fields_text_and_nothing(self, client):
        file = {"photograph": picture()}
        refused(client.post("/photograph", files={"image": picture()}), 422, "a field 'image'")
        refused(client.post("/photograph", files={"photograph": (None, "x")}), 422, "holds text")
        refused(client.post("/photograph", files=file, data={"a": "b"}), 422, "a field 'a'")
        two = [("photograph", picture())] * 2
        refused(client.post("/photograph", files=two), 413, "2 files; expected one file")

    def test_parameters_out_of_range(self, client):
        for query, sentence in (
            ("top=0", "top is '0': input should be greater than or equal to 1"),
            ("top=many", "top is 'many': input should be a valid integer"),
            ("unsure_below=1.5", "unsure_below is '1.5': input should be less than"),
            ("unsure_below=nan", "unsure_below is 'nan': input should be"),
        ):
            answer = client.post(f"/photograph?{query}", files={"photograph": picture()})
            refused(answer, 422, sentence)

    def test_no_such_path_and_no_such_method(self, client):
        refused(client.get("/docs"), 404, "there is no /docs; /openapi.json lists")
        refused(client.get("/photograph"), 405, "GET is not what this path takes")


class TestLimits:
    def test_bytes_of_a_photograph(self, small):
        files = {"photograph": bytes(2001)}
        refused(small.post("/photograph", files=files), 413, "2,001 bytes, expected at most 2,000")

    def test_bytes_of_a_request_that_says_how_many(self, small):
        files = {"photograph": bytes(9000)}
        refused(small.post("/photograph", files=files), 413, "expected at most 5,000: send fewer")

    def test_bytes_of_a_request_that_does_not_say_how_many(self, small):
        def content():
            yield b'--b\r\nContent-Disposition: form-data; name="photograph"; filename="a"\r\n\r\n'
            for _ in range(9):
                yield bytes(1000)

        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = small.post("/photograph", content=content(), headers=kind)
        refused(answer, 413, "expected at most 5,000")

    def test_files_in_a_request(self, small):
        files = [("photographs", b"x")] * 4
        refused(small.post("/photographs", files=files), 413, "4 files; expected 1 to 3 files")

    def test_a_request_that_never_ends(self, small):
        host, port = small.base_url.host, small.base_url.port
        with socket.create_connection((host, port), timeout=10) as slow:
            slow.sendall(
                f"POST /photograph HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b".encode()
            )
            said = b""
            while b"}" not in said:
                said += slow.recv(4096)
        assert said.startswith(b"HTTP/1.1 408")
        assert b"did not arrive within 0.5 seconds" in said

    def test_more_than_may_wait(self):
        namer = ColorNamer()
        limits = api.Limits(waiting=1)
        with (
            serving(namer, limits=limits) as client,
            concurrent.futures.ThreadPoolExecutor(5) as pool,
        ):
            namer.go.clear()
            asked = [
                pool.submit(client.post, "/photograph", files={"photograph": picture()})
                for _ in range(5)
            ]
            refusal = next(concurrent.futures.as_completed(asked)).result()
            refused(refusal, 503, "1 photographs are waiting already; try again")
            assert refusal.headers["retry-after"] == "1"
            namer.go.set()
            assert 200 in {answer.result().status_code for answer in asked}

    def test_the_page_names_the_usual_ones(self, root):
        page = (root / "book" / "command_line.md").read_text(encoding="utf-8")
        usual = api.Limits()
        pixels = reading.MAX_PIXELS / 1e6
        said = f"{usual.photographs} files and {usual.request_bytes / 1e6:.0f} MB, a file "
        said += f"{usual.photograph_bytes / 1e6:.0f} MB and {pixels:.0f} million pixels"
        assert said in page


class TestGate:
    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "10.0.0.1"]
    )
    def test_a_name_that_is_not_the_servers(self, client, host):
        refused(client.get("/classes", headers={"Host": host}), 421, "this server is not")

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8000"])
    def test_its_own_names(self, client, host):
        assert client.get("/classes", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:3000"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_a_page_of_elsewhere(self, client, namer, headers):
        before = len(namer.batches)
        answer = client.post("/photograph", files={"photograph": picture()}, headers=headers)
        refused(answer, 403, "may not ask this server")
        assert len(namer.batches) == before

    def test_a_page_of_its_own(self, client):
        own = {"Origin": f"http://{client.base_url.netloc.decode()}"}
        own["Sec-Fetch-Site"] = "same-origin"
        assert client.get("/classes", headers=own).status_code == 200

    def test_the_token(self):
        with serving(ColorNamer(), token=TOKEN) as client:
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}):
                for path in ("/classes", "/metrics", "/openapi.json", "/nothing"):
                    answer = client.get(path, headers=headers)
                    refused(answer, 401, "Authorization: Bearer TOKEN")
                    assert answer.headers["www-authenticate"] == "Bearer"
            assert client.get("/healthz").status_code == 200
            own = {"Authorization": f"Bearer {TOKEN}"}
            assert client.get("/classes", headers=own).status_code == 200
            assert "HTTPBearer" in client.get("/openapi.json", headers=own).text

    def test_the_names_of_an_address_that_others_reach(self):
        with serving(ColorNamer(), token=TOKEN, hosts=["garden.example"]) as client:
            for host, status in (
                ("garden.example:8000", 401),
                ("192.168.1.7", 401),
                ("[fe80::1]", 401),
                ("localhost", 401),
                ("evil.example", 421),
            ):
                assert client.get("/classes", headers={"Host": host}).status_code == status


def photographs():
    """Small pictures, and bytes that are none."""
    drawn = strategies.builds(
        picture,
        strategies.tuples(*[strategies.integers(0, 255)] * 3),
        strategies.tuples(*[strategies.integers(6, 30)] * 2),
        strategies.sampled_from(["PNG", "JPEG", "GIF", "BMP"]),
    )
    return drawn | strategies.binary(max_size=200)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("POST", "/photograph", schemathesis.GenerationMode.POSITIVE),
        ("POST", "/photograph", schemathesis.GenerationMode.NEGATIVE),
        ("POST", "/photographs", schemathesis.GenerationMode.POSITIVE),
        ("POST", "/photographs", schemathesis.GenerationMode.NEGATIVE),
        ("GET", "/classes", schemathesis.GenerationMode.POSITIVE),
        ("GET", "/healthz", schemathesis.GenerationMode.POSITIVE),
        ("GET", "/metrics", schemathesis.GenerationMode.POSITIVE),
    ],
)
def test_what_its_description_promises_it_keeps(client, namer, method, path, mode):
    """Schemathesis makes requests from the description, right ones and wrong ones."""
    schemathesis.openapi.format("binary", photographs())
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    assert set(schema) == {"/photograph", "/photographs", "/classes", "/healthz", "/metrics"}
    seen = set()

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def each(case):
        answer = case.call()
        seen.add(answer.status_code)
        # A file of the right form may still be no picture, and is refused with 422.
        left_out = [checks.positive_data_acceptance]
        if answer.status_code == 413:  # too many files: a refusal that Schemathesis has not listed
            left_out.append(checks.negative_data_rejection)
        case.validate_response(answer, excluded_checks=left_out)

    each()
    if mode is schemathesis.GenerationMode.POSITIVE:
        assert 200 in seen
