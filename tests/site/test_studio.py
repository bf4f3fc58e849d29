"""The studio in a browser: labeled by keys, killed, resumed, trained, corrected, exported."""

import contextlib
import csv
import io
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from playwright import sync_api

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "unit"))

import studio_photographs

pytestmark = pytest.mark.browser

SERVER = pathlib.Path(__file__).with_name("studio_server.py")
COUNT = 36
COLORS = list(studio_photographs.COLORS)
COLORS_NOW = ("crimson", *COLORS[1:])  # after one was renamed
VIEWS = ("label", "grid", "clusters", "model", "project")


class Server:
    """The studio of a folder as a process, which can be killed and started again."""

    def __init__(self, folder: pathlib.Path, kind: str = "single"):
        self.folder, self.kind = folder, kind
        with socket.create_server(("127.0.0.1", 0)) as place:
            self.port = place.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it, and wait until it can be asked."""
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.folder), str(self.port), self.kind],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        for line in self.process.stdout:
            if line.startswith("studio of"):
                return
        pytest.fail(f"the studio did not start: {self.process.wait()}")

    def kill(self) -> None:
        """Kill it as ``kill -9`` does: nothing is said to it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        with contextlib.closing(self.process.stdout):
            return self.process.wait(120)  # it may be loading Keras

    def get(self, path: str, **options) -> httpx.Response:
        """Ask it past the page."""
        with httpx.Client(base_url=self.address, trust_env=False) as client:
            return client.get(path, **options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio of drawn photographs; the module's tests go on from each other."""
    folder = tmp_path_factory.mktemp("studio") / "photos"
    studio_photographs.draw(folder, COUNT)
    server = Server(folder)
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill()


@contextlib.contextmanager
def opened(
    browser: sync_api.Browser, server: Server, view: str = "label", **options
) -> Iterator[sync_api.Page]:
    """The page; whatever its scripts complain about fails the test."""
    options = {"viewport": {"width": 1280, "height": 800}, **options}
    context = browser.new_context(**options)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda one: errors.extend(foreign(one.url, server)))
    page.goto(f"{server.address}/#{view}")
    page.locator("body[data-ready]").wait_for()
    yield page
    wait_saved(page)  # a tab that is closed sends no more
    context.close()
    assert errors == []


def foreign(url: str, server: Server) -> list[str]:
    return [] if url.startswith(server.address) else [f"asked elsewhere: {url}"]


def shown(page: sync_api.Page) -> int:
    """The number in the name of the photograph that is shown, as soon as one is."""
    name = page.locator('#photograph[alt^="Photograph"]').get_attribute("alt")
    return int(re.findall(r"\d{5}", name)[0])


def press_label(page: sync_api.Page, *, wrong: bool = False) -> int:
    """Label the photograph that is shown by its class's key; its number."""
    number = shown(page)
    page.keyboard.press(str((number + wrong) % 3 + 1))
    return number


def paths(server: Server) -> dict[int, str]:
    """Where each photograph is in the folder, by its id."""
    found = server.get("/api/photographs").json()
    return dict(zip(found["ids"], found["paths"], strict=True))


def answered(page: sync_api.Page) -> int:
    return int(page.locator("#counts strong").first.inner_text())


def wait_saved(page: sync_api.Page) -> None:
    page.locator("#saving").wait_for(state="detached")


def complaints(page: sync_api.Page) -> list[str]:
    """What axe-core finds on the page as it is now, in the light theme and in the dark one."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        response = axe_playwright.Axe().run(page).response
        found += [
            f"{theme}: {one['id']}: {one['nodes'][0]['html']}" for one in response["violations"]
        ]
    return found


def test_thirty_photographs_are_labeled_by_keys_and_survive_a_kill(browser, server):
    with opened(browser, server) as page:
        page.keyboard.press("+")
        for name in COLORS:
            page.keyboard.type(name)
            page.keyboard.press("Enter")
            page.locator(".panel .class", has_text=name).wait_for()
        page.keyboard.press("Escape")
        seen = [press_label(page) for _ in range(12)]
        assert len(set(seen)) == 12, "the next one comes by itself"
        wait_saved(page)
        assert answered(page) == 12

        page.keyboard.press("z")
        page.locator("#saying", has_text="Taken back").wait_for()
        assert shown(page) == seen[-1], "what was taken back is shown again"
        assert answered(page) == 11

        page.keyboard.press("u")
        page.keyboard.press("s")
        wait_saved(page)
        assert answered(page) == 13

        server.kill()
        lost = press_label(page)
        page.locator("#counts", has_text="does not answer").wait_for()
        press_label(page)
        server.start()
        page.locator("#counts", has_text="does not answer").wait_for(state="detached")
        wait_saved(page)
        assert answered(page) == 15, "what was said while it was away is sent when it is back"
        for _ in range(17):
            press_label(page)
        wait_saved(page)
        assert answered(page) == 32
    labels = server.get("/api/state").json()["labels"]
    assert len(labels) == 32
    assert {one["kind"] for one in labels} == {"label", "unsure", "skip"}
    table = csv.DictReader(io.StringIO(server.get("/api/export/csv").text))
    assert f"photo {lost:05d}.jpg" in {line["path"] for line in table}


def test_it_resumes_where_it_was(browser, server):
    assert server.stop() == 0
    server.start()
    with opened(browser, server) as page:
        assert answered(page) == 32
        before = shown(page)
        press_label(page, wrong=True)
        wait_saved(page)
        assert shown(page) != before
        for _ in range(3):
            press_label(page)
        page.locator(".stage", has_text="Everything is answered").wait_for()


def test_it_trains_and_a_correction_counts(browser, server):
    with opened(browser, server, "model") as page:
        page.get_by_role("button", name="Train", exact=True).click()
        accuracy = page.locator("#accuracy", has_text="majority baseline")
        accuracy.wait_for(timeout=60_000)
        assert re.search(r"95 % interval \d", accuracy.inner_text())
        page.locator("table", has_text="Recall").wait_for()
        page.goto(f"{server.address}/#label")
        page.locator("#queue").select_option("mislabeled")
        page.locator(".note", has_text="Models that have not met it").wait_for()
        number, before = shown(page), answered(page)
        page.keyboard.press(str(number % 3 + 1))
        wait_saved(page)
        assert answered(page) == before, "a correction is no new answer"
    lines = csv.DictReader(io.StringIO(server.get("/api/export/csv").text))
    assert {line["path"]: line["class"] for line in lines}[f"photo {number:05d}.jpg"] == (
        COLORS[number % 3]
    )


def test_who_has_chosen_with_the_mouse_goes_on_with_keys(browser, server):
    with opened(browser, server) as page:
        page.locator("#queue").click()
        page.locator("#queue").select_option("mislabeled")
        page.locator("#position", has_text="1 of").wait_for()
        page.keyboard.press("ArrowRight")
        page.locator("#position", has_text="2 of").wait_for()
        page.locator("#suggests").click()
        page.keyboard.press("ArrowRight")
        page.locator("#position", has_text="3 of").wait_for()
        page.locator("#suggests").click()
        page.goto(f"{server.address}/#grid")
        page.locator("#filter").click()
        page.locator("#filter").select_option("test")
        count = page.locator("#shown").inner_text().split()[0]
        page.keyboard.press("Control+a")
        assert page.locator("#selected").inner_text() == f"{count} selected"


def test_buttons_stay_where_they_are_from_one_photograph_to_the_next(browser, server):
    with opened(browser, server, "grid") as page:
        page.locator(".tile").first.click()
        places, blind = [], []
        for _ in range(12):
            # Either it is suggested what to answer, or that is for the labeler alone to say.
            page.locator(".answers .main:not(.unseen), .badge:text('blind')").first.wait_for()
            blind.append(page.locator(".badge", has_text="blind").count())
            places.append(page.get_by_role("button", name="Unsure").bounding_box())
            page.keyboard.press("ArrowRight")
        assert set(blind) == {0, 1}
        assert places == places[:1] * 12


def test_versions_are_compared_and_one_goes_back(browser, server):
    with opened(browser, server, "model") as page:
        page.get_by_role("button", name="Train", exact=True).click()
        page.locator("tr.current th", has_text="2").wait_for(timeout=60_000)
        page.get_by_role("button", name="Compare", exact=True).click()
        page.locator("#compared", has_text="McNemar").wait_for()
        assert "Version 1:" in page.locator("#compared").inner_text()
        page.get_by_role("button", name="Make version 1 the current one").click()
        page.locator("tr.current th", has_text="1").wait_for()
    assert server.get("/api/report").json()["version"] == 1


def test_suggestions_are_shown_but_never_of_the_test_set(browser, server):
    with opened(browser, server, "grid") as page:
        page.locator("#filter").select_option("test")
        page.locator(".tile").first.click()
        page.locator(".badge", has_text="blind").wait_for()
        page.keyboard.press("ArrowRight")
        assert page.locator(".class.suggested").count() == 0
        assert page.locator(".probability:not(:empty)").count() == 0


def test_many_are_labeled_at_once_and_taken_back_at_once(browser, server):
    with opened(browser, server, "grid") as page:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        for _ in range(3):
            page.keyboard.press("Shift+ArrowRight")
        assert page.locator("#selected").inner_text() == "4 selected"
        before = page.locator(".tile .says").all_inner_texts()
        page.keyboard.press("3")
        page.locator("#saying", has_text="4 photographs: blue").wait_for()
        texts = page.locator('.tile[data-kind="label"] .says').all_inner_texts()
        assert texts[:4] == ["blue"] * 4
        page.keyboard.press("z")
        page.locator("#saying", has_text="Taken back: 4").wait_for()
        assert page.locator(".tile .says").all_inner_texts() == before


def test_nothing_is_labeled_that_is_neither_selected_nor_seen(browser, server):
    before = server.get("/api/state").json()["last_event"]
    options = {"viewport": {"width": 700, "height": 500}}
    with opened(browser, server, "grid", **options) as page:
        blue = page.locator(".bar .class", has_text="blue")
        page.locator(".field").evaluate("field => { field.scrollTop = field.scrollHeight; }")
        page.locator(f'.tile[aria-posinset="{COUNT}"]').wait_for()
        assert not blue.is_visible()
        page.keyboard.press("3")
        page.locator("#saying", has_text="Select photographs first").wait_for()
        page.locator(f'.tile[aria-posinset="{COUNT}"] .check').click()
        blue.wait_for()
        assert blue.is_enabled()
    assert server.get("/api/state").json()["last_event"] == before


def test_classes_are_renamed_and_merged(browser, server):
    with opened(browser, server, "project") as page:
        page.get_by_role("button", name="Rename red").click()
        page.get_by_label("New name").fill("crimson")
        page.keyboard.press("Enter")
        page.locator("th", has_text="crimson").wait_for()
        page.get_by_label("Name of a new class").fill("navy")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Merge navy into another class").click()
        page.get_by_label("Merge into").select_option(label="blue")
        page.get_by_role("button", name="Merge", exact=True).click()
        page.locator("#saying", has_text="navy was merged").wait_for()
        assert page.locator("th", has_text="navy").count() == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [("CSV", "labels.csv"), ("COCO JSON", "coco.json"), ("Label Studio JSON", "label-studio.json")],
)
def test_labels_are_exported(browser, server, text, name):
    with opened(browser, server, "project") as page:
        with page.expect_download() as downloading:
            page.get_by_role("button", name=text, exact=True).click()
        assert downloading.value.suggested_filename == name
        assert "photo 00000.jpg" in pathlib.Path(downloading.value.path()).read_text("utf-8")


def test_two_labelers_see_each_other_and_nobody_is_overwritten(browser, server):
    options = {"viewport": {"width": 1000, "height": 700}}
    with opened(browser, server, **options) as ann, opened(browser, server, **options) as ben:
        ben.locator("#who").click()
        ben.get_by_label("Your name").fill("Ben")
        ben.keyboard.press("Enter")
        ben.locator("#who", has_text="Ben").wait_for()
        for page in (ann, ben):
            # Neither hears of the other until they write.
            page.route("**/api/state**", lambda route: route.abort())
            page.goto(f"{server.address}/#grid")
            page.locator(".tile").first.click()
            page.locator(".caption", has_text="photo").wait_for()
        assert shown(ben) == shown(ann)
        first, second, third = (press_label(ann) for _ in range(3))
        wait_saved(ann)
        press_label(ben)  # what Ann says, too: nothing is asked
        press_label(ben, wrong=True)
        press_label(ben, wrong=True)
        dialog = ben.get_by_role("dialog")
        for number, choice in ((second, "Keep both answers"), (third, "Leave mine out")):
            dialog.filter(has_text=f"photo {number:05d}").wait_for()
            assert dialog.count() == 1, "one question after the other"
            assert re.search(
                rf"others have answered.*: {COLORS_NOW[number % 3]}. "
                rf"You: {COLORS_NOW[(number + 1) % 3]}",
                dialog.inner_text(),
                re.DOTALL,
            )
            dialog.get_by_role("button", name=choice).click()
        dialog.wait_for(state="detached")
        ben.unroute("**/api/state**")
        wait_saved(ben)
        ben.goto(f"{server.address}/#model")
        ben.locator("p", has_text="kappa").wait_for()
    disputed = server.get("/api/queues/disputed").json()["items"]
    said = server.get("/api/state").json()
    [ben_id] = [one["id"] for one in said["labelers"] if one["name"] == "Ben"]
    path_of = paths(server)
    of_ben = {path_of[one["photograph"]] for one in said["labels"] if one["labeler"] == ben_id}
    assert of_ben == {f"photo {number:05d}.jpg" for number in (first, second)}
    assert [path_of[one["photograph"]] for one in disputed] == [f"photo {second:05d}.jpg"]


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_to_complain_about(browser, server, view):
    with opened(browser, server, view) as page:
        page.wait_for_load_state("networkidle")
        assert complaints(page) == []
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, server, view, **phone) as page:
        page.wait_for_load_state("networkidle")
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_finger_is_enough(browser, server):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, server, "grid", **phone) as page:
        page.locator(".tile .check").first.tap()
        assert page.locator("#selected").inner_text() == "1 selected"
        page.locator(".bar .class", has_text="green").tap()
        page.locator("#saying", has_text="1 photograph: green").wait_for()
        page.locator(".tile").nth(1).tap()
        number = shown(page)
        page.locator(".panel .class", has_text="blue").tap()
        wait_saved(page)
        assert shown(page) == number + 1
        page.get_by_role("button", name="Undo").tap()
        page.locator("#saying", has_text="Taken back").wait_for()


def test_of_twenty_thousand_only_those_that_are_seen_have_an_element(browser, server):
    found = server.get("/api/photographs").json()
    many = 20_000
    columns = {
        key: [values[i % COUNT] for i in range(many)]
        for key, values in found.items()
        if key != "alike"
    }
    columns |= {"ids": list(range(1, many + 1)), "alike": []}
    columns["paths"] = [f"photo {i:05d}.jpg" for i in range(many)]

    def picture(route: sync_api.Route) -> None:
        number = int(re.search(r"photographs/(\d+)/image", route.request.url)[1])
        asked.append(number)
        route.continue_(
            url=re.sub(r"/\d+/image", f"/{number % COUNT + 1}/image", route.request.url)
        )

    asked: list[int] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.route("**/api/photographs", lambda route: route.fulfill(json=columns))
    page.route("**/api/photographs/*/image?**", picture)
    page.goto(f"{server.address}/#grid")
    page.locator(".tile img[src]").first.wait_for()
    assert page.locator("#shown").inner_text() == "20,000 photographs"
    field = page.locator(".field")
    for part in (0.3, 0.31, 0.7, 0.2, 1):
        field.evaluate("(field, part) => { field.scrollTop = part * field.scrollHeight; }", part)
        page.wait_for_timeout(30)
    page.locator('.tile[aria-posinset="20000"] img[src]').wait_for()
    assert page.locator(".tile").count() < 100
    page.keyboard.press("Home")
    page.locator('.tile[aria-posinset="1"] img[src]').wait_for()
    page.keyboard.press("End")
    last = page.locator('.tile.active[aria-posinset="20000"]')
    last.wait_for()
    assert last.get_attribute("id") == field.get_attribute("aria-activedescendant")
    page.wait_for_load_state("networkidle")
    assert len(set(asked)) < 500, "what flies by is not asked for"
    context.close()


def test_a_photograph_may_have_several_classes(browser, tmp_path):
    studio_photographs.draw(tmp_path / "photos", 8)
    server = Server(tmp_path / "photos", "multi")
    server.start()
    with contextlib.closing(server.process.stdout), opened(browser, server) as page:
        page.keyboard.press("+")
        for name in COLORS:
            page.keyboard.type(name)
            page.keyboard.press("Enter")
            page.locator(".panel .class", has_text=name).wait_for()
        page.keyboard.press("Escape")
        for keys in ("13", "", "2", "122"):
            for key in keys:
                page.keyboard.press(key)
            page.keyboard.press("Enter")
        wait_saved(page)
        labels = server.get("/api/state").json()["labels"]
        by_event = sorted(labels, key=lambda one: one["event"])
        assert [one["classes"] for one in by_event] == [[1, 3], [], [2], [1]]
        assert complaints(page) == []
        server.process.kill()
        server.process.wait()


def test_the_keys_are_listed(browser, server):
    with opened(browser, server) as page:
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_text("unsure").wait_for()
        assert complaints(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


def test_a_second_start_is_refused_with_a_sentence(server):
    command = [sys.executable, "-m", "seeing", "studio", str(server.folder), "--no-browser"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: .* is open in another studio; go on in .*\n", ended.stderr)
    assert ended.stdout == ""


def test_it_stops_in_good_order(server):
    assert server.stop() == 0
