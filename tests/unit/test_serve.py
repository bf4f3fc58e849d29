"""``python -m seeing serve``: what it refuses before it starts, and a whole life of a server."""

import concurrent.futures
import importlib.util
import io
import os
import signal
import socket
import subprocess
import sys
import time
import types

import httpx
import keras
import numpy as np
import pytest
from PIL import Image

from seeing import __main__ as command_line
from seeing.app import answering, classifier, serve

TOKEN = "a-token-of-enough-characters"
SIDE = 32


def untrained(looks=("center", "whole")):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(8, 3, strides=2)(keras.layers.Rescaling(1 / 255)(inputs))
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(3, activation="softmax")(pooled)
    return classifier.PhotoClassifier(keras.Model(inputs, outputs), ("a", "b", "c"), looks)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve") / "model"
    untrained().save(folder)
    return folder


def photograph(path, size=(90, 50)):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (*size, 3)).astype("uint8")).save(path)
    return path


class TestCompiled:
    @pytest.mark.parametrize("looks", [("center",), ("whole", "center")])
    def test_it_answers_as_the_classifier_does(self, tmp_path, looks):
        trained = untrained(looks)
        paths = [
            photograph(tmp_path / "wide.png"),
            photograph(tmp_path / "square.png", (60, 60)),
            photograph(tmp_path / "tall.png", (40, 70)),
        ]
        compiled = answering.Compiled(trained)
        views = [compiled.views(path) for path in paths]
        assert [len(one) for one in views] == [len(looks), 1, len(looks)]
        answers = compiled.probabilities(views)
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, trained.probabilities(paths), atol=1e-6)


class TestRefusedBeforeKerasIsLoaded:
    @pytest.fixture(autouse=True)
    def no_keras(self, monkeypatch):
        def load():
            raise AssertionError("Keras is loaded")

        monkeypatch.setattr(command_line.keras_settings, "require_usable", load)

    def refused(self, capsys, *words):
        assert command_line.main(["serve", *map(str, words)]) == 1
        return capsys.readouterr().err

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "garden.example"])
    def test_an_address_that_others_reach_without_a_token(self, model, capsys, host):
        said = self.refused(capsys, model, "--host", host)
        assert f"others can reach {host}: give a --token" in said

    @pytest.mark.parametrize(
        "token", ["", "too-few", "x" * 600, "with a space in between", "é" * 20]
    )
    def test_a_token_that_is_no_good(self, model, capsys, token):
        said = self.refused(capsys, model, "--token", token)
        assert "expected 16 to 512 letters" in said
        assert not token or token not in said  # it may be a password of theirs

    def test_a_folder_that_holds_no_classifier(self, tmp_path, capsys):
        assert "expected a folder that `train` wrote" in self.refused(capsys, tmp_path / "none")
        assert "holds no network.keras" in self.refused(capsys, tmp_path)

    def test_a_port_that_is_taken(self, model, capsys):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            said = self.refused(capsys, model, "--port", port)
        assert f"127.0.0.1, port {port}, cannot be taken" in said
        assert "choose another --port" in said

    def test_what_is_no_address(self, model, capsys):
        said = self.refused(capsys, model, "--host", "a..b", "--token", TOKEN)
        assert "a..b is no address of this machine" in said

    def test_packages_that_are_missing(self, model, capsys, monkeypatch):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name == "uvicorn" else real(name)
        )
        said = self.refused(capsys, model)
        assert said.startswith("error: `serve` needs uvicorn, which the base install does not")
        assert "the extra `app`" in said
        assert said.count("\n") == 1

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--port", "65536"], "'65536' is not a port"),
            (["--port", "-1"], "'-1' is not a port"),
            (["--unsure-below", "1.1"], "'1.1' is not a probability"),
            (["--unsure-below", "nan"], "'nan' is not a probability"),
        ],
    )
    def test_options_out_of_range(self, capsys, words, message):
        with pytest.raises(SystemExit):
            command_line.main(["serve", "model", *words])
        assert message in capsys.readouterr().err


def test_the_other_commands_need_no_package_of_the_extra():
    program = (
        "import sys; from seeing import __main__; from seeing.app import classifier\n"
        "print(sorted({'fastapi', 'uvicorn', 'starlette', 'prometheus_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_servers_life(model, tmp_path, number):
    """It starts, answers, is told to stop during a request, answers that, and ends."""
    command = [sys.executable, "-m", "seeing", "serve", str(model), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--token", TOKEN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        started = process.stdout.readline()
        assert started.startswith("serving a, b, c: http://127.0.0.1:")
        base = started.split()[-1]
        content = photograph(tmp_path / "a.png").read_bytes()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False) as client,
            concurrent.futures.ThreadPoolExecutor(1) as pool,
        ):
            answer = client.post("/photograph", files={"photograph": content})
            assert answer.status_code == 200
            expected = classifier.load(model).top(tmp_path / "a.png", 3)
            said = [(one["name"], one["probability"]) for one in answer.json()["classes"]]
            assert [name for name, _ in said] == [name for name, _ in expected]
            assert client.get("/metrics", headers={"Authorization": ""}).status_code == 401

            request = client.build_request("POST", "/photograph", files={"photograph": content})
            body = io.BytesIO(request.read())
            half = body.getbuffer().nbytes // 2

            def slowly():
                yield body.read(half)
                process.send_signal(number)
                time.sleep(0.5)
                yield body.read()

            kind = {"Content-Type": request.headers["content-type"]}
            asked = pool.submit(client.post, "/photograph", content=slowly(), headers=kind)
            answer = asked.result()
            assert answer.status_code == 200
            assert answer.json()["classes"][0]["name"] == expected[0][0]
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "stopped\n", "")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{base}/healthz", trust_env=False)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no such signal")
def test_a_terminal_that_is_closed_stops_it_unless_that_is_ignored():
    before = signal.getsignal(signal.SIGHUP)
    try:
        for handler, stops in ((signal.SIG_DFL, True), (signal.SIG_IGN, False)):
            signal.signal(signal.SIGHUP, handler)
            server = types.SimpleNamespace(should_exit=False)
            with serve._stopping_is_no_fault(server):
                signal.raise_signal(signal.SIGHUP)
            assert server.should_exit is stops
            assert signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", None), ("0.0.0.0", "http://{}:{}")])
def test_the_address_that_is_shown_can_be_opened(host, shown):
    with serve.bind(host, 0) as place:
        port = place.getsockname()[1]
        assert serve.address(place) == f"http://127.0.0.1:{port}"
        assert serve.elsewhere(place) == (shown and shown.format(socket.gethostname(), port))


def test_the_names_by_which_it_is_asked():
    assert serve.hosts("127.0.0.1") == serve.hosts("localhost") == serve.hosts("::1") == []
    assert serve.hosts("garden.example") == ["garden.example", socket.gethostname()]
