"""``python -m seeing watch``: from a served photograph to an alarm, and to a label."""

import csv
import dataclasses
import io
import shutil
import threading

import numpy as np
import pytest
from PIL import Image
from test_api import picture, serving
from test_serve import untrained

from seeing import __main__ as command_line
from seeing.app import answering, held_out, logged, stored, watching
from seeing.studio import exchange, store

NAMES = ("a", "b", "c")
SIDE = 32


def said_of(count, seed, shift=0.0):
    """Features and probabilities of photographs, as a network might give them."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 6)).astype("float32")
    features[:, 0] += shift
    scores = np.exp(features[:, :3])
    return held_out.HeldOut(features, scores / scores.sum(axis=1, keepdims=True))


@pytest.fixture
def model(tmp_path):
    """A saved classifier with what it says of 200 held-out photographs."""
    dataclasses.replace(untrained(), on_held_out=said_of(200, 0)).save(tmp_path / "model")
    return tmp_path / "model"


def write(of, folder, said, *, unsure_below=0.0, names=NAMES, content=None, **options):
    """Log answers as a server does."""
    description = stored.describe(of)
    options = {"model": description.network_sha256, "class_names": names} | options
    log = logged.Log(folder, **options)
    for k in range(len(said)):
        row = said.probabilities[k]
        best = int(row.argmax())
        answer = names[best] if row[best] >= unsure_below else None
        features = None if said.features is None else said.features[k]
        file = io.BytesIO(b"" if content is None else content(k))
        assert log.add(row, features, answer, unsure_below, file)
    log.close()


def run(capsys, *words):
    status = command_line.main(["watch", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


class TestWatch:
    def test_what_is_like_the_reference_is_no_drift(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(170, 5))
        status, out, err = run(capsys, model, tmp_path / "log", "--false-alarms", "0.01")
        assert status == 0
        assert err.startswith("note: the reference holds 200 photographs only")
        lines = out.splitlines()
        assert lines[0].startswith("compared with 200 photographs that it was not trained on")
        assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
        assert "20 more wait for their batch to be full" in out
        assert lines[-1].startswith("No drift: 3 batches looked at")
        assert "can be missed" in lines[-1]

    def test_what_differs_is_an_alarm_that_says_what_it_does_not_say(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(50, 5))
        write(model, tmp_path / "log", said_of(100, 2, shift=2.0))
        status, out, _ = run(capsys, model, tmp_path / "log", "--false-alarms", "0.01")
        assert status == watching.DRIFT == 3
        lines = out.splitlines()
        assert not lines[2].endswith("inputs, answers")
        assert lines[3].endswith("inputs, answers") and lines[4].endswith("inputs, answers")
        assert lines[-1].startswith("Drift: 2 of 3 batches differ from the reference (inputs in 2")
        assert "does not say that answers are wrong more often" in lines[-1]

    def test_the_last_batches_alone(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(100, 2, shift=2.0))
        write(model, tmp_path / "log", said_of(60, 5))
        words = (model, tmp_path / "log", "--false-alarms", "0.01")
        assert run(capsys, *words)[0] == 3
        status, out, _ = run(capsys, *words, "--last", 1)
        assert status == 0
        assert [line.split()[0] for line in out.splitlines()[2:-3]] == ["3"]
        assert "No drift: 1 batch looked at" in out

    def test_batches_one_by_one_and_the_last_ones_are_tested_alike(self, model, tmp_path):
        write(model, tmp_path / "log", said_of(150, 1))
        known = watching.reference(model, None, print)
        found = [watching.watch(model, tmp_path / "log", known, last=last) for last in (None, 2)]
        assert repr(found[0].batches[1:]) == repr(found[1].batches)
        assert [len(one.records) for one in found] == [150, 100]
        assert found[0].records[50:] == found[1].records

    def test_a_share_of_dont_know_is_tested_where_it_is_answered(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(50, 1), unsure_below=0.5)
        _, out, _ = run(capsys, model, tmp_path / "log")
        row = out.splitlines()[2]
        expected = (said_of(50, 1).probabilities.max(axis=1) < 0.5).mean()
        assert f"{expected:.0%}, " in row

    def test_rounding_is_no_drift(self, model, tmp_path):
        """A sure network's small probabilities are many and tiny."""
        said = said_of(200, 0)
        tiny = np.stack(
            [1 - 2e-9 * said.features[:, 0] ** 2] + [said.features[:, 0] ** 2 * 1e-9] * 2
        )
        sure = held_out.HeldOut(said.features, tiny.T)
        known = dataclasses.replace(sure, probabilities=sure.probabilities.astype("float32"))
        write(model, tmp_path / "log", sure)
        found = watching.watch(model, tmp_path / "log", known, batch_size=200)
        [batch] = found.batches
        assert batch.tested.answers == 1.0

    def test_another_classifiers_answers_and_renamed_classes_are_passed_over(
        self, model, tmp_path, capsys
    ):
        write(model, tmp_path / "log", said_of(50, 1))
        write(model, tmp_path / "log", said_of(3, 2), model="cd" * 32)
        write(model, tmp_path / "log", said_of(2, 2), names=("a", "b", "d"))
        plain = dataclasses.replace(said_of(4, 2), features=None)
        write(model, tmp_path / "log", plain)
        _, out, err = run(capsys, model, tmp_path / "log")
        assert "note: answers of another classifier: 3 passed over" in err
        assert "note: answers that name other classes: 2 passed over" in err
        assert "note: answers without the features: 4 passed over" in err
        assert "1 batch " in out

    def test_a_network_without_features(self, tmp_path, capsys):
        known = dataclasses.replace(said_of(60, 0), features=None)
        model = tmp_path / "model"
        dataclasses.replace(untrained(), on_held_out=known).save(model)
        write(model, tmp_path / "log", dataclasses.replace(said_of(50, 1), features=None))
        _, out, err = run(capsys, model, tmp_path / "log")
        assert "only its answers are tested" in err
        assert "holds 60 photographs only, fewer than 10 batches: false alarms may be" in err
        assert out.splitlines()[2].split()[5] == "-"


class TestRefused:
    def test_too_little_is_no_absence_of_drift(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(49, 1))
        status, _, err = run(capsys, model, tmp_path / "log")
        assert status == 1
        assert "holds 49 answers of this classifier; expected 50" in err

    def test_a_classifier_of_before(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(50, 1))
        (model / held_out.FILE).unlink()
        status, _, err = run(capsys, model, tmp_path / "log")
        assert status == 1
        assert "holds no held_out.npz" in err
        assert "--reference PHOTOGRAPHS" in err

    def test_folders_that_are_something_else(self, model, tmp_path, capsys):
        status, _, err = run(capsys, model, tmp_path / "none")
        assert status == 1
        assert "is no folder; expected one that `serve MODEL --log FOLDER` writes" in err
        assert "expected a folder that `train` wrote" in run(capsys, tmp_path / "x", tmp_path)[2]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--batch", "1"], "'1' is not a whole number of 2 or more"),
            (["--false-alarms", "0"], "'0' is not a share of 0.01 to 0.5"),
            (["--false-alarms", "5"], "'5' is not a probability"),
            (["--last", "0"], "'0' is not a whole number of 1 or more"),
        ],
    )
    def test_options_out_of_range(self, capsys, words, message):
        with pytest.raises(SystemExit):
            command_line.main(["watch", "model", "log", *words])
        assert message in capsys.readouterr().err

    def test_a_place_that_is_taken_is_said_before_the_work(self, model, tmp_path, capsys):
        (tmp_path / "mine").mkdir()
        words = (model, tmp_path / "none", "--collect", tmp_path / "mine")
        assert "mine exists already; choose another name" in run(capsys, *words)[2]
        (tmp_path / "new_answers.csv").write_text("")
        words = (model, tmp_path / "none", "--collect", tmp_path / "new")
        assert "new_answers.csv exists already" in run(capsys, *words)[2]

    def test_serve_says_before_keras_is_loaded_that_a_log_cannot_be_written(
        self, model, tmp_path, capsys, monkeypatch
    ):
        def load():
            raise AssertionError("Keras is loaded")

        monkeypatch.setattr(command_line.keras_settings, "require_usable", load)
        (tmp_path / "file").write_text("")
        words = ["serve", str(model), "--port", "0"]
        assert command_line.main([*words, "--log", str(tmp_path / "file")]) == 1
        assert "file cannot be logged to" in capsys.readouterr().err
        assert command_line.main([*words, "--log-photographs"]) == 1
        assert "--log-photographs needs --log FOLDER" in capsys.readouterr().err


def noise(k, side=40):
    """A picture of its own for each number."""
    pixels = np.random.default_rng(k).integers(0, 255, (side, side, 3)).astype("uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


class Ready(answering.Compiled):
    """A compiled classifier, as the tests of the API serve one."""

    go = threading.Event()


class TestReference:
    def test_photographs_of_ones_own(self, model, tmp_path, monkeypatch):
        """As the classifier sees them: what it serves from the same folder is no drift."""
        monkeypatch.setenv("SEEING_PROGRESS", "0")
        (model / held_out.FILE).unlink()
        mine = tmp_path / "mine" / "deep"
        mine.mkdir(parents=True)
        for k in range(12):
            (mine / f"{k}.png").write_bytes(noise(k))
        (mine / "notes.jpg").write_text("none")
        digest = stored.describe(model).network_sha256
        log = logged.Log(tmp_path / "log", model=digest, class_names=NAMES)
        with serving(Ready(untrained(), with_features=True), names=NAMES, log=log) as client:
            for content in [noise(k) for k in range(8)] + 8 * [picture((250, 0, 0))]:
                assert client.post("/photograph", files={"photograph": content}).status_code == 200
        log.close()
        said = []
        known = watching.reference(model, tmp_path / "mine", said.append)
        assert len(known) == 12
        [left_out] = said
        assert "notes.jpg: no image that can be read" in left_out
        found = watching.watch(model, tmp_path / "log", known, batch_size=8)
        assert [one.differs for one in found.batches] == [(), ("inputs", "answers")]
        np.testing.assert_allclose(  # served or asked from Python: the same features
            next(logged.read(tmp_path / "log", print)).features.astype(float),
            known.features[0],
            rtol=1e-2,
            atol=1e-3,
        )

    def test_a_folder_without_photographs(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(50, 1))
        (tmp_path / "empty").mkdir()
        words = (model, tmp_path / "log", "--reference", tmp_path / "empty")
        assert "holds 0 photographs that can be read" in run(capsys, *words)[2]


class TestCollect:
    def test_photographs_land_in_a_folder_and_answers_in_the_studios_import(
        self, model, tmp_path, capsys
    ):
        said = said_of(60, 1)
        write(
            model,
            tmp_path / "log",
            said,
            unsure_below=0.45,
            keeps_photographs=True,
            content=lambda k: noise(k % 58),  # two are sent twice
        )
        words = (model, tmp_path / "log", "--collect", tmp_path / "to label")
        _, out, _ = run(capsys, *words)
        folder, sheet = tmp_path / "to label", tmp_path / "to label_answers.csv"
        assert f"58 photographs to label: {folder}" in out
        assert f"python -m seeing studio {folder}" in out
        assert {path.read_bytes() for path in folder.iterdir()} == {noise(k) for k in range(58)}
        with sheet.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        sure = [float(row["probability"]) for row in rows]
        assert sure == sorted(sure) and sure[0] >= 0.45
        records = list(logged.read(tmp_path / "log", print))
        latest = {one.photograph: one for one in records}
        expected = {name: one.answer for name, one in latest.items() if one.answer is not None}
        assert {row["path"]: row["class"] for row in rows} == expected
        assert 0 < len(expected) < 58
        found = exchange.read_csv(sheet)
        assert found.left_out == ()
        assert {one.kind for one in found.records} == {"suggestion"}

    def test_photographs_that_were_not_kept(self, model, tmp_path, capsys):
        write(model, tmp_path / "log", said_of(50, 1))
        words = (model, tmp_path / "log", "--collect", tmp_path / "new")
        status, _, err = run(capsys, *words)
        assert status == 1
        assert "`serve` keeps them where it is started with --log-photographs" in err
        assert not (tmp_path / "new").exists()
        write(
            model,
            tmp_path / "log",
            said_of(2, 2),
            keeps_photographs=True,
            content=noise,
        )
        _, out, _ = run(capsys, *words)
        assert "50 answers have no photograph in the log" in out
        assert "2 photographs to label" in out

    def test_a_full_disk_leaves_nothing(self, model, tmp_path, capsys, monkeypatch):
        write(model, tmp_path / "log", said_of(50, 1), keeps_photographs=True, content=noise)

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(shutil, "copyfile", full)
        before = sorted(path.name for path in tmp_path.iterdir())
        status, _, err = run(capsys, model, tmp_path / "log", "--collect", tmp_path / "new")
        assert status == 1
        assert "No space left" in err
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_suggestions_become_labels_but_not_of_the_test_set_nor_over_a_label(place, tmp_path):
    opened = place.open()
    paths = [f"{k}.png" for k in range(40)]
    opened.register([store.Found(path, f"{k:064x}") for k, path in enumerate(paths)])
    ann = opened.labeler("Ann").id
    parts = {one.path: one.place.part for one in opened.photographs()}
    training = [path for path in paths if parts[path] == "training"]
    mine = exchange.Record(training[0], "label", ("rose",))
    exchange.take_in(opened, ann, [mine], seen=0)
    sheet = tmp_path / "answers.csv"
    lines = ["path,kind,class", *(f"{path},suggestion,daisy" for path in paths)]
    sheet.write_text("\n".join([*lines, "x.png,suggestion,"]))
    found = exchange.read_csv(sheet)
    assert found.left_out == ("line 42 suggests no class",)
    taken = exchange.take_in(opened, ann, found.records, seen=opened.last_event())
    assert taken.labeled == {"Ann": len(training) - 1}
    assert sum("labels are blind" in one for one in taken.left_out) == 40 - len(training) > 0
    assert sum("labeled already" in one for one in taken.left_out) == 1
    said = {one.path: one.class_names for one in exchange.records_of(opened)}
    assert said == {path: ("daisy",) for path in training} | {training[0]: ("rose",)}
