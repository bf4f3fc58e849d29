"""``python -m seeing studio``: what it refuses before it starts, and what it says of a folder."""

import importlib.util
import socket

import pytest
import studio_photographs

from seeing import __main__ as command_line
from seeing.app import serve
from seeing.studio import routes, run, service


@pytest.fixture
def folder(tmp_path):
    studio_photographs.draw(tmp_path / "photos", 8)
    (tmp_path / "photos" / "notes.txt").write_text("x")
    return tmp_path / "photos"


def refused(capsys, *words: str) -> str:
    """What the command says on its way out, in one line."""
    assert command_line.main(["studio", "--no-browser", *words]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ")
    return said.err


def test_a_folder_that_is_none(tmp_path, capsys):
    assert "does not exist" in refused(capsys, str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("x")
    assert "is a file" in refused(capsys, str(tmp_path / "file"))
    assert not (tmp_path / "nothing_studio").exists()


def test_a_folder_without_a_photograph(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    assert "no photograph" in refused(capsys, str(tmp_path / "photos"), "--port", "0")


def test_an_address_that_others_reach_needs_a_token(folder, capsys):
    assert "give a --token" in refused(capsys, str(folder), "--host", "0.0.0.0")
    assert "16 to 512" in refused(capsys, str(folder), "--token", "short")


def test_a_port_that_is_taken(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = str(place.getsockname()[1])
        assert "choose another --port" in refused(capsys, str(folder), "--port", port)


def test_a_folder_that_is_open_is_named_before_the_port(folder, capsys):
    opened = service.Studio(folder)
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = str(place.getsockname()[1])
        said = refused(capsys, str(folder), "--port", port)
    assert "is open in another studio" in said
    opened.close()


def test_a_project_of_another_kind(folder, capsys):
    service.Studio(folder, seed=4).close()
    assert "that is for good" in refused(capsys, str(folder), "--seed", "5")
    assert "that is for good" in refused(capsys, str(folder), "--multi-label")
    assert "URL" in refused(capsys, str(folder), "--database", "nonsense")


def test_without_the_packages_it_names_the_extras(folder, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said = refused(capsys, str(folder))
    assert "sqlalchemy" in said and "pip install '.[app,studio]'" in said


@pytest.mark.parametrize(
    "words",
    [["--test-share", "0"], ["--test-share", "1"], ["--test-share", "x"], ["--seed", "-1"], []],
)
def test_wrong_options(words, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["studio", *(["photos", *words] if words else [])])
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_it_serves_what_it_found_and_closes_it(folder, capsys, monkeypatch):
    served = []

    def answer(app, place, what, **options):
        served.append((what, options["query"], place.getsockname()[0]))
        assert {one.path for one in app.routes} >= {"/", "/api/labels"}

    monkeypatch.setattr(serve, "answer", answer)
    studio = service.Studio(folder, seed=1, recipe=studio_photographs.recipe())
    token = "a/token+of~enough-characters="
    run.run(studio, serve.bind("127.0.0.1", 0), "127.0.0.1", token)
    assert served == [
        ("studio of photos", "/?token=a%2Ftoken%2Bof~enough-characters%3D", "127.0.0.1")
    ]
    said = capsys.readouterr().out
    assert "from other machines" not in said
    assert "8 photographs" in said and "notes.txt: its name does not end" in said
    service.Studio(folder).close()  # nobody else has it any more


def test_other_machines_are_told_an_address_that_they_can_open(folder, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(serve, "answer", lambda app, place, what, **_: shown.append(place))
    monkeypatch.setattr(serve, "address", shown.append)
    (folder / "photo 00000.jpg").rename(folder.parent / "kept.jpg")
    for path in folder.glob("*.jpg"):
        path.unlink()
    (folder.parent / "kept.jpg").rename(folder / "photo 00000.jpg")
    studio = service.Studio(folder, seed=1, recipe=studio_photographs.recipe())
    place = serve.bind("0.0.0.0", 0)
    port = place.getsockname()[1]
    run.run(studio, place, "0.0.0.0", "a-token-of-enough-characters")
    said = capsys.readouterr().out
    assert "1 photograph, " in said
    assert f"from other machines: http://{socket.gethostname()}:{port}/?token=a-token-" in said


def test_where_there_is_no_screen_no_browser_is_opened(monkeypatch):
    asked = []
    monkeypatch.setattr(run.webbrowser, "open", asked.append)
    monkeypatch.setattr(run.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    run._show("http://localhost")
    monkeypatch.setenv("DISPLAY", ":0")
    run._show("http://localhost")
    assert asked == ["http://localhost"]


def test_who_labels_has_a_name_here(monkeypatch):
    assert run._user()
    monkeypatch.setattr(run.getpass, "getuser", lambda: (_ for _ in ()).throw(OSError()))
    assert run._user() is None
    assert routes.COOKIE.isidentifier()
