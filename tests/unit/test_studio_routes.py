"""The studio over HTTP: who may ask, what is said of photographs, and what never is."""

import asyncio
import functools
import io
import json
import pathlib
import re

import httpx
import hypothesis
import pytest
import schemathesis
import studio_photographs
from hypothesis import HealthCheck
from PIL import Image
from schemathesis.specs.openapi import checks

from seeing.studio import exchange, names, routes, schema, service, thumbnails

PAGE = pathlib.Path(routes.__file__).parent / "page"
TOKEN = "a-token-of-enough-characters"
COUNT = 30


@pytest.fixture
def studio(tmp_path):
    studio_photographs.draw(tmp_path / "photos", COUNT)
    (tmp_path / "photos" / "notes.txt").write_text("x")
    studio = service.Studio(
        tmp_path / "photos", seed=3, recipe=studio_photographs.recipe(), test_share=0.3
    )
    studio.scan()
    yield studio
    studio.close()


@pytest.fixture
def client(studio):
    with asking(routes.build(studio, labeler="Ann")) as client:
        yield client


class Client:
    """Asks an app without a network: httpx's own client, one request after the other."""

    def __init__(self, app, base_url: str):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url)
        self.get, self.post, self.put, self.patch, self.delete = (
            functools.partial(self.request, method)
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        )

    def request(self, method: str, path: str, **options) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


def asking(app, base_url="http://localhost:8000") -> Client:
    return Client(app, base_url)


@pytest.fixture
def ann(client) -> int:
    """Who labels; there are three classes, 1 to 3."""
    number = client.post("/api/labelers", json={"name": "Ann"}).json()["id"]
    for name in studio_photographs.COLORS:
        assert client.post("/api/classes", json={"labeler": number, "name": name}).is_success
    return number


def answers(client, *, but=()) -> list[dict]:
    """The right label of each photograph, by its color."""
    found = client.get("/api/photographs").json()
    return [
        {
            "photograph": number,
            "kind": "label",
            "classes": [1 + int(path.split()[-1][:5]) % 3],
        }
        for number, path in zip(found["ids"], found["paths"], strict=True)
        if number not in but
    ]


def label(client, labeler: int, given: list[dict], **options) -> httpx.Response:
    body = {"labeler": labeler, "answers": given, "how": "bulk", **options}
    return client.post("/api/labels", json=body)


def train(client, studio) -> None:
    assert client.post("/api/work", json={"kind": "training"}).is_success
    assert studio.wait().state == "done"


def refused(answer: httpx.Response, status: int, *words: str) -> dict:
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert len(found["detail"]) > 15
    for word in words:
        assert word in found["detail"]
    return found


class TestPage:
    def test_it_runs_nothing_but_its_own_files(self, client):
        answer = client.get("/")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy and "http" not in policy and "data:" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get("/api/project").headers["content-security-policy"] == policy
        assert not re.search(r"<script(?! type=\"module\" src=)|\bon\w+=|style=", answer.text)

    def test_each_file_that_it_names_is_there(self, client):
        named = set(re.findall(r'"(/page/[^"]+)"', client.get("/").text))
        for script in PAGE.glob("*.js"):
            named |= {
                f"/page/{one}" for one in re.findall(r"from '\./([^']+)'", script.read_text())
            }
        assert {f"/page/{path.name}" for path in PAGE.iterdir()} - {"/page/index.html"} == named
        for name in named:
            assert client.get(name).is_success
            assert client.get(name).headers["content-type"].split(";")[0] in {
                "text/javascript",
                "text/css",
                "image/svg+xml",
            }

    def test_it_names_no_place_elsewhere(self):
        for path in PAGE.iterdir():
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|//[a-z]+\.[a-z]|innerHTML|eval\(", text), path.name

    def test_no_other_file_is_sent(self, client):
        for name in ("none.js", "..%2Froutes.py", "%2e%2e/routes.py", "__init__.py"):
            refused(client.get(f"/page/{name}"), 404)


class TestGate:
    def test_another_host_is_refused(self, client):
        refused(client.get("/", headers={"Host": "evil.example"}), 421, "evil.example")

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_page_of_another_origin_is_refused(self, client, method):
        headers = {"Origin": "http://evil.example"}
        refused(getattr(client, method)("/api/labels", headers=headers), 403)
        refused(client.get("/", headers={"Sec-Fetch-Site": "cross-site"}), 403)

    def test_too_many_bytes_are_refused(self, client):
        content = b" " * (routes.REQUEST_BYTES + 1)
        refused(client.post("/api/labels", content=content), 413)

    def test_a_token_is_asked_for(self, studio):
        app = routes.build(studio, hosts=["192.168.1.7"], token=TOKEN)
        with asking(app, "http://192.168.1.7:8000") as client:
            refused(client.get("/"), 401)
            refused(client.get("/api/photographs/1/image"), 401)
            assert client.get("/healthz").json() == {"status": "ok"}
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert client.get("/api/project", headers=headers).json()["labeler"] is None

    def test_the_page_gets_in_by_its_address_and_forgets_it(self, studio):
        app = routes.build(studio, hosts=["192.168.1.7"], token=TOKEN)
        with asking(app, "http://192.168.1.7:8000") as client:
            answer = client.get("/", params={"token": "not-the-one-that-it-should-be"})
            refused(answer, 401)
            assert "set-cookie" not in answer.headers
            refused(client.get("/"), 401)
            # A redirect would count as a request of the page that the link stood on.
            headers = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
            answer = client.get("/", params={"token": TOKEN}, headers=headers)
            assert answer.status_code == 200 and 'content="0; url=/"' in answer.text
            assert TOKEN not in answer.text
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie and "samesite=strict" in cookie
            assert client.get("/").is_success
            assert client.get("/api/photographs/1/image").is_success
            refused(client.get("/", headers={"Origin": "http://evil.example"}), 403)

    @pytest.mark.parametrize("params", [{}, {"token": "not-the-one-that-it-should-be"}])
    def test_a_browser_without_the_token_is_told_what_to_open(self, studio, params):
        with asking(routes.build(studio, token=TOKEN)) as client:
            answer = client.get("/", params=params, headers={"Accept": "text/html,*/*"})
            assert answer.status_code == 401 and "Open the whole link" in answer.text
            assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("cookie", ["studio", "seeing_studio=x", 'seeing_studio="\\777"', "=;"])
    def test_a_wrong_cookie_does_not(self, studio, cookie):
        with asking(routes.build(studio, token=TOKEN)) as client:
            refused(client.get("/", headers={"Cookie": cookie}), 401)


class TestPhotographs:
    def test_all_are_listed_by_columns(self, client, studio):
        found = client.get("/api/photographs").json()
        assert {len(found[key]) for key in found if key != "alike"} == {COUNT}
        assert found["paths"] == [one.path for one in studio.listed.photographs]
        assert found["parts"].count(1) == len(studio.listed.test_order)
        assert client.get("/api/skipped").json() == [
            {"path": "notes.txt", "reason": "its name does not end like an image's (.txt)"}
        ]

    def test_one_is_sent_as_pixels_only(self, client, studio):
        answer = client.get("/api/photographs/1/image", params={"side": 128})
        assert answer.headers["content-type"] == thumbnails.TYPE
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.content)).size == (96, 72)
        assert answer.content != studio.path(studio.listed.photographs[0]).read_bytes()

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("999/image", 404),
            ("1/image?side=3", 422),
            ("1/image?side=x", 422),
            ("-1/image", 422),
            ("99999999999999999999/image", 422),
            ("x/image", 422),
        ],
    )
    def test_what_there_is_not_is_refused(self, client, path, status):
        refused(client.get(f"/api/photographs/{path}"), status)

    def test_one_that_is_gone_is_told_so(self, client, studio):
        studio.path(studio.listed.photographs[0]).unlink()
        number = studio.listed.photographs[0].id
        refused(client.get(f"/api/photographs/{number}/image?side=512"), 422, "does not exist")

    def test_names_that_are_no_text_are_shown(self, client, studio):
        path = b"\xff\xfe.jpg"
        image = studio.path(studio.listed.photographs[0]).read_bytes()
        (studio.folder / path.decode("utf-8", "surrogateescape")).write_bytes(image)
        studio.scan()
        assert "\ufffd\ufffd.jpg" in client.get("/api/photographs").json()["paths"]


class TestLabels:
    def test_what_is_written_is_there_for_all(self, client, ann):
        given = answers(client)[:4]
        written = label(client, ann, given).json()
        assert [one["classes"] for one in written["now"]] == [one["classes"] for one in given]
        found = client.get("/api/state").json()
        assert found["full"] and found["labels"] == written["now"]
        assert found["last_event"] == written["last_event"]
        after = client.get("/api/state", params={"after": written["last_event"] - 1}).json()
        assert not after["full"] and len(after["labels"]) == len(after["changed"]) == 1
        nothing = client.get("/api/state", params={"after": written["last_event"]}).json()
        assert nothing["changed"] == nothing["labels"] == []

    def test_what_is_sent_twice_counts_once(self, client, ann):
        given = answers(client)[:1]
        first = label(client, ann, given, token="one")
        assert label(client, ann, given, token="one").json() == first.json()
        assert client.post("/api/undo", json={"labeler": ann, "token": "two"}).is_success
        assert client.post("/api/undo", json={"labeler": ann, "token": "two"}).is_success
        refused(client.post("/api/undo", json={"labeler": ann}), 404, "nothing to take back")
        assert client.get("/api/state").json()["labels"] == []

    def test_nobody_is_overwritten_unseen(self, client, ann):
        ben = client.post("/api/labelers", json={"name": "Ben"}).json()["id"]
        [given] = answers(client)[:1]
        label(client, ben, [{**given, "classes": [2]}])
        found = refused(label(client, ann, [{**given, "classes": [1]}]), 409, "Ben")
        assert [(one["labeler"], one["classes"]) for one in found["others"]] == [(ben, [2])]
        assert len(client.get("/api/state").json()["labels"]) == 1
        seen = {**given, "classes": [1], "seen": found["last_event"]}
        assert label(client, ann, [seen]).is_success
        assert len(client.get("/api/state").json()["labels"]) == 2
        disputed = client.get("/api/queues/disputed").json()["items"]
        assert [one["photograph"] for one in disputed] == [given["photograph"]]

    def test_labels_go_back(self, client, ann):
        before = label(client, ann, answers(client)[:3]).json()
        label(client, ann, answers(client))
        body = {"labeler": ann, "to": before["last_event"]}
        assert len(client.post("/api/rollback", json=body).json()["now"]) == COUNT - 3
        assert len(client.get("/api/state").json()["labels"]) == 3
        refused(client.post("/api/rollback", json={"labeler": ann, "to": 10**6}), 404)

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"photograph": 999}, 404),
            ({"classes": [99]}, 404),
            ({"classes": []}, 422),
            ({"classes": [1, 2]}, 422),
            ({"kind": "nonsense"}, 422),
            ({"kind": "unsure"}, 422),
            ({"seen": 10**6}, 422),
            ({"photograph": 2**60}, 422),
            ({"photograph": "x"}, 422),
            ({"classes": "x"}, 422),
        ],
    )
    def test_a_bad_answer_is_refused_and_nothing_written(self, client, ann, change, status):
        last = client.get("/api/state").json()["last_event"]
        given = answers(client)[:2]
        refused(label(client, ann, [given[0], {**given[1], **change}]), status)
        assert client.get("/api/state").json()["last_event"] == last

    @pytest.mark.parametrize("path", ["labels", "undo", "labelers", "classes", "work", "rollback"])
    def test_what_is_no_request_is_refused(self, client, path):
        headers = {"Content-Type": "application/json"}
        for content in (b"", b"{", b"[]", b"null", b'{"name": "\\ud800"}', b'{"labeler": "x"}'):
            refused(client.post(f"/api/{path}", content=content, headers=headers), 422)
        refused(client.post(f"/api/{path}", content=b"\xff", headers=headers), 400, "UTF-8")

    def test_the_log_says_who_and_when(self, client, ann):
        label(client, ann, answers(client)[:1])
        client.post("/api/undo", json={"labeler": ann})
        *_, said, undone = client.get("/api/log").json()
        assert (said["labeler"], said["how"], said["kind"]) == (ann, "bulk", "label")
        assert (undone["how"], undone["undoes"]) == ("undo", said["action"])
        number = said["photograph"]
        assert len(client.get("/api/log", params={"photograph": number}).json()) == 2


class TestClasses:
    def test_they_are_made_renamed_given_keys_and_merged(self, client, ann):
        label(client, ann, answers(client)[:3])
        last = client.get("/api/state").json()["last_event"]
        renamed = client.patch("/api/classes/1", json={"labeler": ann, "name": "Rouge"})
        assert renamed.json()["name"] == "Rouge"
        keyed = client.patch("/api/classes/1", json={"labeler": ann, "key": "r"})
        assert keyed.json()["key"] == "r"
        taken = client.patch("/api/classes/1", json={"labeler": ann, "key": ""})
        assert taken.json()["key"] is None
        merged = client.post("/api/classes/3/merge", json={"labeler": ann, "into": 1})
        assert merged.json()["id"] == 1
        state = client.get("/api/state", params={"after": last}).json()
        assert state["full"], "what was labeled 3 counts as 1 now"
        assert {one["classes"][0] for one in state["labels"]} == {1, 2}

    def test_what_cannot_be_is_refused(self, client, ann):
        for name in ("RED", " red "):
            refused(client.post("/api/classes", json={"labeler": ann, "name": name}), 409, "red")
        for name in ("", "a\nb", "x" * 201):
            refused(client.post("/api/classes", json={"labeler": ann, "name": name}), 422)
        for key in names.RESERVED_KEYS:
            refused(client.patch("/api/classes/1", json={"labeler": ann, "key": key}), 422)
        refused(client.patch("/api/classes/1", json={"labeler": ann}), 422, "either")
        refused(client.patch("/api/classes/9", json={"labeler": ann, "name": "x"}), 404)
        refused(client.post("/api/classes/1/merge", json={"labeler": ann, "into": 1}), 422)
        refused(client.post("/api/classes", json={"labeler": 99, "name": "x"}), 404)


class TestBlindness:
    """Nothing that a model says of a photograph of the test set is ever sent."""

    def test_no_answer_says_anything_of_them(self, client, ann, studio):
        of_test = set(studio.listed.test_order)
        left = {*sorted(of_test)[:3], *studio.listed.ids[:6].tolist()}
        label(client, ann, answers(client, but=left))
        train(client, studio)
        train(client, studio)
        every = {"photograph": studio.listed.ids.tolist()}
        sent = [client.get("/api/suggestions", params=every).json()]
        assert sent[0]["version"] == 2 and sent[0]["suggestions"]
        sent += [client.get(f"/api/queues/{name}?labeler={ann}").json() for name in service.QUEUES]
        for one in sent:
            assert not of_test & set(map(int, one["suggestions"])), one["name"]
        assert [one["photograph"] for one in sent[1 + service.QUEUES.index("test")]["items"]]
        report = client.get("/api/report").json()
        assert report["accuracy"]["count"] == len(of_test - left)
        assert not of_test & {one["photograph"] for one in report["mistakes"]}
        comparison = client.get("/api/comparison?first=1&second=2").json()
        assert not any(isinstance(value, list) for value in comparison.values())

    def test_an_answer_that_saw_a_suggestion_is_refused(self, client, ann, studio):
        number = studio.listed.test_order[0]
        given = {"photograph": number, "kind": "label", "classes": [1]}
        shown = {**given, "shown_by": 1, "shown": [1]}
        refused(label(client, ann, [shown]), 422, "test set")
        assert label(client, ann, [given]).is_success

    def test_what_was_shown_of_others_is_kept(self, client, ann, studio):
        number = next(one.id for one in studio.listed.photographs if one.place.part == "training")
        given = {"photograph": number, "kind": "label", "classes": [1], "shown_by": 1, "shown": [2]}
        assert label(client, ann, [given]).is_success
        line = client.get("/api/log").json()[-1]
        assert (line["shown_by"], line["shown"], line["classes"]) == (1, [2], [1])


class TestModels:
    def test_before_a_training_there_is_nothing(self, client):
        assert client.get("/api/report").json()["version"] is None
        assert client.get("/api/versions").json() == []
        refused(client.get("/api/queues/uncertain"), 409, "no model yet")
        refused(client.get("/api/clusters"), 409)
        refused(client.get("/api/comparison?first=1&second=2"), 404, "no version 1")
        refused(client.post("/api/versions/1/current"), 404)

    def test_train_report_roll_back_compare(self, client, ann, studio):
        label(client, ann, answers(client))
        train(client, studio)
        state = client.get("/api/state").json()
        assert state["work"]["state"] == "done"
        model = state["model"]
        assert model["version"] == 1 and model["accuracy"]["value"] > model["baseline"]
        assert model["accuracy"]["low"] < model["accuracy"]["value"] <= model["accuracy"]["high"]
        assert sum(model["test_counts"].values()) == model["test_labeled"]
        report = client.get("/api/report").json()
        assert sum(map(sum, report["confusion"])) == report["accuracy"]["count"]
        hits = sum(one["recall"]["hits"] for one in report["recalls"])
        assert hits == report["accuracy"]["hits"] and len(report["recalls"]) == 3
        train(client, studio)
        assert client.post("/api/versions/1/current").json()["current"]
        versions = client.get("/api/versions").json()
        assert [(one["number"], one["current"]) for one in versions] == [(2, False), (1, True)]
        assert versions[0]["labels_sha256"] == versions[1]["labels_sha256"]
        compared = client.get("/api/comparison?first=1&second=2").json()
        assert (compared["only_first"], compared["only_second"], compared["p"]) == (0, 0, 1)

    def test_a_damaged_version_is_listed_as_such(self, client, ann, studio):
        label(client, ann, answers(client))
        train(client, studio)
        train(client, studio)
        (studio.own / "models" / "version-000001.npz").write_bytes(b"x")
        first = client.get("/api/versions").json()[1]
        assert (first["number"], first["damaged"]) == (1, True)
        refused(client.post("/api/versions/1/current"), 500, "version-000001.npz")

    def test_it_is_canceled(self, client, ann, studio):
        assert client.delete("/api/work").is_success
        assert client.get("/api/work").json()["state"] == "idle"
        refused(client.post("/api/work", json={"kind": "nonsense"}), 422)

    def test_agreement(self, client, ann):
        ben = client.post("/api/labelers", json={"name": "Ben"}).json()["id"]
        given = answers(client)
        last = label(client, ann, given).json()["last_event"]
        given = [{**one, "seen": last} for one in given]
        given[0]["classes"] = [1 + given[0]["classes"][0] % 3]
        assert label(client, ben, given).is_success
        found = client.get("/api/agreement", params={"first": ann, "second": ben}).json()
        assert found["photographs"] == COUNT and 0.9 < found["kappa"] < 1
        assert found["different"] == [given[0]["photograph"]]
        refused(client.get(f"/api/agreement?first={ann}&second={ann}"), 422)
        nothing = client.get("/api/agreement", params={"first": ann, "second": 77}).json()
        assert nothing["kappa"] is None and nothing["photographs"] == 0


class TestExchange:
    @pytest.mark.parametrize("form", ["csv", "coco", "label-studio"])
    def test_labels_go_out_and_come_in(self, client, ann, studio, form):
        given = answers(client)[:6]
        label(client, ann, given)
        answer = client.get(f"/api/export/{form}", params={"each": True})
        assert "attachment" in answer.headers["content-disposition"]
        body = {"labeler": ann, "to": 3}
        assert client.post("/api/rollback", json=body).is_success
        seen = client.get("/api/state").json()["last_event"]
        taken = client.post(
            f"/api/import/{form}", params={"labeler": ann, "seen": seen}, content=answer.content
        )
        assert taken.json() == {"labeled": {"Ann": 6}, "new_classes": [], "left_out": []}
        now = client.get("/api/state").json()["labels"]
        assert [one["classes"] for one in now] == [one["classes"] for one in given]

    def test_photographs_are_copied_into_folders(self, client, ann, studio):
        label(client, ann, answers(client))
        found = client.post("/api/export/folders", params={"by_part": True}).json()
        place = pathlib.Path(found["folder"])
        assert place.is_relative_to(studio.own) and found["count"] == COUNT
        assert {path.name for path in place.iterdir()} == {"train", "test"}
        again = client.post("/api/export/folders").json()
        assert again["folder"] != found["folder"]

    def test_a_file_that_is_none_is_refused(self, client, ann):
        for form in ("csv", "coco", "label-studio"):
            answer = client.post(
                f"/api/import/{form}", params={"labeler": ann, "seen": 0}, content=b"\xff{"
            )
            said = refused(answer, 422, "the file")["detail"]
            assert "/tmp" not in said
        answer = client.post("/api/import/csv?labeler=99&seen=0", content=b"path,class\n")
        refused(answer, 404, "no labeler 99")
        refused(client.get("/api/export/xml"), 422)

    def test_of_what_is_left_out_no_more_is_listed_than_anybody_reads(self, client, ann):
        lines = [b"path,class", *(b"gone %d.jpg,red" % i for i in range(routes.MOST_LEFT_OUT + 7))]
        answer = client.post(
            f"/api/import/csv?labeler={ann}&seen=0", content=b"\n".join(lines)
        ).json()
        assert answer["left_out"][0].startswith("gone 0.jpg: ")
        assert len(answer["left_out"]) == routes.MOST_LEFT_OUT + 1
        assert answer["left_out"][-1] == "... and 7 more"


class TestDescription:
    def test_openapi_names_every_path_and_its_refusals(self, client):
        found = client.get("/openapi.json").json()
        assert {"/api/labels", "/api/undo", "/api/queues/{name}", "/api/work"} <= set(
            found["paths"]
        )
        for path, methods in found["paths"].items():
            for described in methods.values():
                assert described["summary"], path
                assert {"401", "403", "421"} <= described["responses"].keys()
        json.dumps(found, allow_nan=False)

    def test_what_it_promises_it_keeps(self, studio):
        """Schemathesis makes requests from the description: no answer surprises, none is 500."""
        ann = studio.store.labeler("Ann")
        for name in studio_photographs.COLORS:
            studio.store.add_class(ann.id, name)
        app = routes.build(studio, hosts=["testserver"])
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        promises = [
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
        ]
        seen = set()

        def keep(operation) -> None:
            @hypothesis.settings(max_examples=6, suppress_health_check=list(HealthCheck))
            @hypothesis.given(case=operation.as_strategy())
            def each(case):
                answer = case.call()
                case.validate_response(answer, checks=promises)
                assert answer.status_code < 500, case.as_curl_command()
                seen.add(answer.status_code)

            each()

        for found in schema.get_all_operations():
            keep(found.ok())
        studio.cancel()
        studio.wait()
        assert {200, 422} <= seen

    def test_what_there_is_not_says_where_to_look(self, client):
        refused(client.get("/api/nothing"), 404, "/openapi.json")
        refused(client.put("/api/labels"), 405, "/openapi.json")

    def test_its_words_are_those_of_the_store(self):
        assert set(routes.Name.__args__) == set(service.QUEUES)
        assert {"key", "bulk"} < set(schema.HOWS)
        assert exchange.COLUMNS[0] == "path"
