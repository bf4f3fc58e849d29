"""Labels go to other programs and come back as they were; what is not understood is named."""

import csv
import errno
import json
import os
import pathlib
import shutil
from xml.etree import ElementTree

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seeing.photos import folders
from seeing.studio import exchange, names, opinions, store

RECORDS = [
    exchange.Record("a/1.jpg", "label", ("daisy",), "Ann", "training"),
    exchange.Record("a/1.jpg", "unsure", (), "Bob", "training"),
    exchange.Record("a/2.jpg", "label", ("daisy", "rose"), "Ann", "test"),
    exchange.Record("b/1.jpg", "skip", (), "Ann", "neither"),
    exchange.Record("b/2.jpg", "label", (), "Ann", "training"),
]

FORMS = {
    "csv": (exchange.write_csv, exchange.read_csv),
    "coco": (
        lambda path, records: exchange.write_coco(
            path, records, sorted({name for one in records for name in one.class_names})
        ),
        exchange.read_coco,
    ),
    "label studio": (exchange.write_label_studio, exchange.read_label_studio),
}

each_form = pytest.mark.parametrize("form", FORMS)


def went_and_came_back(form: str, path: pathlib.Path, records) -> exchange.Read:
    write, read = FORMS[form]
    write(path, records)
    return read(path)


def in_order(records) -> list[exchange.Record]:
    return sorted(records, key=lambda one: (one.path, one.labeler))


@each_form
def test_records_come_back_as_they_went(form, tmp_path):
    found = went_and_came_back(form, tmp_path / "file", RECORDS)
    assert in_order(found.records) == in_order(RECORDS)
    assert found.left_out == ()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# File names of Linux: any bytes but 0 and /. Names of classes and labelers: what the store takes.
PATHS = st.lists(
    st.binary(min_size=1, max_size=8).filter(lambda part: not set(part) & set(b"\0/")),
    min_size=1,
    max_size=3,
).map(lambda parts: os.fsdecode(b"/".join(parts)))


def kept(text: str) -> str | None:
    try:
        return names.clean(text, "class")
    except names.BadName:
        return None


NAMES = st.text(max_size=12).map(kept).filter(bool)


@st.composite
def any_records(draw):
    keys = draw(st.lists(st.tuples(PATHS, st.one_of(st.just(""), NAMES)), unique=True, max_size=5))
    part_of = {path: draw(st.sampled_from(["training", "test", "neither"])) for path, _ in keys}
    found = []
    for path, labeler in keys:
        kind = draw(st.sampled_from(["label", "unsure", "skip"]))
        classes = draw(st.sets(NAMES, max_size=3)) if kind == "label" else set()
        record = exchange.Record(path, kind, tuple(sorted(classes)), labeler, part_of[path])
        found.append(record)
    return found


@pytest.mark.skipif(os.name == "nt", reason="file names of Windows are text")
@each_form
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(records=any_records())
def test_whatever_names_hold_they_come_back(form, tmp_path, records):
    found = went_and_came_back(form, tmp_path / "file", records)
    assert in_order(found.records) == in_order(records)
    assert found.left_out == ()


@each_form
def test_a_file_that_cannot_be_written_leaves_the_old_one(form, tmp_path, monkeypatch):
    write, read = FORMS[form]
    write(tmp_path / "file", RECORDS[:1])

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "file", RECORDS)
    assert read(tmp_path / "file").records == tuple(RECORDS[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# CSV.


def test_the_table_has_a_line_for_each_class(tmp_path):
    exchange.write_csv(tmp_path / "labels.csv", RECORDS)
    with (tmp_path / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(exchange.COLUMNS)
    assert [(row["path"], row["class"]) for row in rows] == [
        ("a/1.jpg", "daisy"),
        ("a/1.jpg", ""),
        ("a/2.jpg", "daisy"),
        ("a/2.jpg", "rose"),
        ("b/1.jpg", ""),
        ("b/2.jpg", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "filename,label\n1.jpg,daisy\n2.jpg,rose\n",
        "\ufeffLabel;File\ndaisy;1.jpg\nrose;2.jpg\n",
        "image\tcategory\tx\r\n1.jpg\tdaisy\t\r\n\r\n2.jpg\trose\t7\r\n",
    ],
)
def test_tables_of_other_programs_are_read(tmp_path, text):
    (tmp_path / "labels.csv").write_bytes(text.encode())
    assert exchange.read_csv(tmp_path / "labels.csv") == exchange.Read(
        (
            exchange.Record("1.jpg", "label", ("daisy",)),
            exchange.Record("2.jpg", "label", ("rose",)),
        ),
        (),
    )


def test_lines_that_are_not_understood_are_named(tmp_path):
    (tmp_path / "labels.csv").write_text(
        "path,class,kind\n"
        "1.jpg,daisy,label\n"
        "1.jpg,,unsure\n"
        "2.jpg,,\n"
        ",daisy,label\n"
        "3.jpg\n"
        "4.jpg,daisy,skip\n"
        "5.jpg,daisy,perhaps\n"
    )
    found = exchange.read_csv(tmp_path / "labels.csv")
    assert found.records == (exchange.Record("1.jpg", "label", ("daisy",)),)
    assert [line.partition(" of")[0] for line in found.left_out] == [
        "line 3 says unsure",
        "line 4 names no class; expected label (with a class), unsure or skip",
        "line 5 names no photograph",
        "line 6 has 1 columns; expected 3",
        "line 7 is skip and names 'daisy'; expected no class",
        "line 8 is",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column 'path'; its first line names nothing"),
        (b"path,number\n", "no column 'class'; its first line names path, number"),
        (b'path,class\n"1.jpg,daisy\n', "is no CSV"),
        ("path,class\n1.jpg,Gänseblümchen\n".encode("latin-1"), "line 2, is not UTF-8"),
        ("path,class\n1.jpg,daisy\n".encode("utf-16"), "is not UTF-8; save it as UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, said):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(exchange.NotReadable, match=said):
        exchange.read_csv(tmp_path / "labels.csv")


# COCO.


def test_the_coco_file_is_as_its_readers_expect(tmp_path):
    exchange.write_coco(tmp_path / "coco.json", RECORDS, ["daisy", "rose", "tulip"])
    written = json.loads((tmp_path / "coco.json").read_text())
    assert {one["name"] for one in written["categories"]} == {"daisy", "rose", "tulip"}
    for key in ("images", "annotations", "categories"):
        ids = [one["id"] for one in written[key]]
        assert len(set(ids)) == len(ids) > 0
    images = {one["id"] for one in written["images"]}
    categories = {one["id"] for one in written["categories"]}
    assert {one["image_id"] for one in written["annotations"]} <= images
    assert {one["category_id"] for one in written["annotations"]} <= categories


def test_a_coco_file_of_boxes_gives_the_classes_of_its_images(tmp_path):
    (tmp_path / "coco.json").write_text(
        json.dumps(
            {
                "images": [
                    {"id": 5, "file_name": "1.jpg", "width": 640, "height": 480},
                    {"id": 6, "file_name": "2.jpg"},
                    {"id": "seven", "file_name": "3.jpg"},
                ],
                "annotations": [
                    {"id": 1, "image_id": 5, "category_id": 18, "bbox": [1, 2, 3, 4]},
                    {"id": 2, "image_id": 5, "category_id": 18, "iscrowd": 0},
                    {"id": 3, "image_id": 5, "category_id": 1},
                    {"id": 4, "image_id": 99, "category_id": 1},
                    {"id": 5, "image_id": 6, "category_id": 99},
                    "nonsense",
                ],
                "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
            }
        )
    )
    found = exchange.read_coco(tmp_path / "coco.json")
    assert found.records == (exchange.Record("1.jpg", "label", ("dog", "person")),)
    assert found.left_out == (
        "image 3 is not as expected: with id, file_name",
        "annotation 4 is of image 99, which is not in the file",
        "annotation 5 is of category 99, which is not in the file",
        "annotation 6 is not as expected: with image_id, category_id",
    )


# Label Studio.


def test_the_tasks_are_what_label_studio_imports(tmp_path):
    exchange.write_label_studio(tmp_path / "tasks.json", RECORDS, below="/data/photos/")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["image"] for task in tasks] == [
        f"/data/local-files/?d=data/photos/{path}"
        for path in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg")
    ]
    annotations = [one for task in tasks for one in task["annotations"]]
    # It refuses users that it does not know, and annotations without a result.
    assert not any("completed_by" in one for one in annotations)
    assert all(isinstance(one["result"], list) for one in annotations)
    assert [one["was_cancelled"] for one in annotations] == [False, True, False, True, False]
    [result] = annotations[2]["result"]
    assert result["value"] == {"choices": ["daisy", "rose"]}


def test_the_labeling_interface_names_what_the_tasks_use(tmp_path):
    classes = ['<b> & "c"', "daisy"]
    for multi_label, how in ((False, "single"), (True, "multiple")):
        config = exchange.label_studio_config(classes, multi_label=multi_label)
        tree = ElementTree.fromstring(config)
        assert tree.find("Image").attrib == {"name": "image", "value": "$image"}
        assert tree.find("Choices").attrib == {"name": "class", "toName": "image", "choice": how}
        assert [one.get("value") for one in tree.iter("Choice")] == classes
    exchange.write_label_studio(tmp_path / "tasks.json", RECORDS[:1])
    [task] = json.loads((tmp_path / "tasks.json").read_text())
    [result] = task["annotations"][0]["result"]
    assert (result["from_name"], result["to_name"]) == ("class", "image")


def choices(*chosen: str, **more) -> dict:
    """An annotation as Label Studio exports one."""
    value = {"choices": list(chosen)}
    result = {"id": "x", "from_name": "tag", "to_name": "img", "type": "choices", "value": value}
    return {"id": 1001, "result": [result], "was_cancelled": False, "completed_by": 10, **more}


def test_an_export_of_label_studio_is_read(tmp_path):
    box = {"type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["dog"]}}
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/upload/3/0a1b2c3d-one.jpg"},
            "annotations": [choices("daisy")],
        },
        {
            "id": 2,
            "data": {"image": "/data/local-files/?d=photos/a%20b/two.jpg"},
            "annotations": [
                choices("daisy"),
                choices("rose"),
                choices("tulip", completed_by={"id": 4, "email": "ann@example.org"}),
                choices(was_cancelled=True, completed_by=5),
            ],
            "predictions": [{"result": [], "model_version": "one"}],
        },
        {"id": 3, "data": {"image": "https://example.org/x/three.jpg?token=1"}, "annotations": []},
        {
            "id": 4,
            "data": {"image": "s3://bucket/photos/four.jpg"},
            "annotations": [choices("rose")],
        },
        {
            "id": 5,
            "data": {"image": "5.jpg"},
            "annotations": [{"result": [box], "completed_by": 10}],
        },
        {"id": 6, "data": {"text": "no image"}, "annotations": [choices("rose")]},
        {"image": "7.jpg", "choice": "daisy", "id": 7},
        "nonsense",
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    found = exchange.read_label_studio(tmp_path / "export.json")
    two = "photos/a b/two.jpg"
    assert found.records == (
        exchange.Record("one.jpg", "label", ("daisy",), "annotator 10"),
        exchange.Record(two, "label", ("rose",), "annotator 10"),
        exchange.Record(two, "label", ("tulip",), "ann@example.org"),
        exchange.Record(two, "skip", (), "annotator 5"),
        exchange.Record("photos/four.jpg", "label", ("rose",), "annotator 10"),
    )
    why = "has no data with an image; export as JSON, and call the data image"
    assert found.left_out == (
        "task 5 has a result that is no choice of a class",
        f"task 6 {why}",
        f"task 7 {why}",
        f"task 8 {why}",
    )


@pytest.mark.parametrize("form", ["coco", "label studio"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'"text"', "expected (a list of tasks|lists images)"),
        (b'{"images": []}', "expected (a list of tasks|lists images)"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path, form, content, said):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(exchange.NotReadable, match=said):
        FORMS[form][1](tmp_path / "file.json")


KEYS = [
    "id",
    "data",
    "image",
    "path",
    "annotations",
    "result",
    "value",
    "choices",
    "images",
    "categories",
    "file_name",
    "name",
    "image_id",
    "category_id",
    "answers",
    "kind",
    "labeler",
    "completed_by",
    "part",
]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


@pytest.mark.parametrize("form", ["coco", "label studio"])
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(content=JSON)
def test_any_json_is_read_or_refused(form, tmp_path, content):
    wrapped = [content] if form == "label studio" else content
    (tmp_path / "file.json").write_text(json.dumps(wrapped))
    try:
        found = FORMS[form][1](tmp_path / "file.json")
    except exchange.NotReadable:
        return
    assert all(isinstance(one, exchange.Record) for one in found.records)


# Out of a project and into one.


class Project:
    """A project of six photographs, two labelers, two classes."""

    def __init__(self, place, **options):
        self.store = place.open(seed=4, **options)
        self.ann, self.bob = (self.store.labeler(name).id for name in ("Ann", "Bob"))
        paths = [f"{folder}/{i}.jpg" for folder in ("a", "b/é") for i in range(3)]
        self.store.register([store.Found(path, f"{i:064x}") for i, path in enumerate(paths)])
        self.daisy, self.rose = (
            self.store.add_class(self.ann, name).id for name in ("daisy", "rose")
        )

    def label(self, labeler_id: int, number: int, *class_ids: int, kind: str = "label") -> None:
        seen = self.store.last_event()
        self.store.label(labeler_id, [opinions.Answer(number, kind, class_ids, seen)])

    def take_in(self, *records: exchange.Record, **options) -> exchange.TakenIn:
        options = {"seen": self.store.last_event(), **options}
        return exchange.take_in(self.store, self.bob, records, **options)

    def said(self) -> dict[tuple[str, int], tuple]:
        who = {one.id: one.name for one in self.store.labelers()}
        classes = {one.id: one.name for one in self.store.classes()}
        return {
            (who[one.labeler_id], one.photograph_id): (
                one.kind,
                tuple(classes[class_id] for class_id in one.class_ids),
            )
            for one in self.store.current()
        }


@pytest.fixture
def project(place):
    return Project(place)


def record(path: str, *class_names: str, labeler: str = "") -> exchange.Record:
    return exchange.Record(path, "label", class_names, labeler)


def test_what_is_agreed_and_what_each_says_can_be_taken_out(project):
    project.label(project.ann, 1, project.daisy)
    project.label(project.bob, 1, project.daisy)
    project.label(project.ann, 2, project.daisy)
    project.label(project.bob, 2, project.rose)
    project.label(project.ann, 3, kind="skip")
    parts = {one.path: one.place.part for one in project.store.photographs()}
    assert exchange.records_of(project.store) == [
        exchange.Record("a/0.jpg", "label", ("daisy",), "", parts["a/0.jpg"]),
        exchange.Record("a/1.jpg", "unsure", (), "", parts["a/1.jpg"]),
    ]
    each = exchange.records_of(project.store, each=True)
    assert [(one.path, one.kind, one.class_names, one.labeler) for one in each] == [
        ("a/0.jpg", "label", ("daisy",), "Ann"),
        ("a/0.jpg", "label", ("daisy",), "Bob"),
        ("a/1.jpg", "label", ("daisy",), "Ann"),
        ("a/1.jpg", "label", ("rose",), "Bob"),
        ("a/2.jpg", "skip", (), "Ann"),
    ]


@each_form
def test_a_project_goes_through_a_file_into_another_one(form, new_place, tmp_path):
    first, second = Project(new_place(), multi_label=True), Project(new_place(), multi_label=True)
    first.label(first.ann, 1, first.daisy, first.rose)
    first.label(first.bob, 1, first.daisy)
    first.label(first.ann, 5)
    first.label(first.ann, 6, kind="unsure")
    first.label(first.bob, 2, first.store.add_class(first.bob, "tulip, \u201cé\u201d;").id)
    records = exchange.records_of(first.store, each=True)
    found = went_and_came_back(form, tmp_path / "file", records)
    taken = second.take_in(*found.records)
    assert second.said() == first.said()
    assert taken == exchange.TakenIn({"Ann": 3, "Bob": 2}, ("tulip, \u201cé\u201d;",), ())
    assert {event.how for event in second.store.log() if event.said} == {"import"}


def test_an_import_is_undone_as_one(project):
    project.take_in(record("a/0.jpg", "daisy"), record("a/1.jpg", "rose"))
    assert len(project.said()) == 2
    project.store.undo(project.bob)
    assert project.said() == {}


def test_photographs_are_found_by_the_end_of_their_path_if_only_one_fits(project):
    taken = project.take_in(
        record("/home/ann/photos/a/0.jpg", "daisy"),  # from another machine
        record("é/1.jpg".replace("é", "e\u0301"), "rose"),  # from a Mac, and from further below
        record("b\\é\\2.jpg", "rose"),  # from Windows
        record("1.jpg", "rose"),
        record("c/0.jpg", "rose"),
        record("nowhere.jpg", "rose"),
        record("", "rose"),
    )
    assert project.said() == {
        ("Bob", 1): ("label", ("daisy",)),
        ("Bob", 5): ("label", ("rose",)),
        ("Bob", 6): ("label", ("rose",)),
    }
    assert taken.left_out == (
        "1.jpg: 2 photographs have a path that ends so",
        "c/0.jpg: there is no such photograph in the folder",
        "nowhere.jpg: there is no such photograph in the folder",
        ": there is no such photograph in the folder",
    )


def test_what_does_not_fit_is_left_out_and_named(project):
    taken = project.take_in(
        record("a/0.jpg", "daisy", "rose"),
        record("a/1.jpg"),
        record("a/2.jpg", "x" * 201),
        record("b/é/0.jpg", " DAISY "),
        record("é/0.jpg", "rose"),
    )
    assert project.said() == {("Bob", 4): ("label", ("daisy",))}
    assert taken.new_classes == ()
    assert [line[:40] for line in taken.left_out] == [
        "a/0.jpg: has 2 classes; expected one",
        "a/1.jpg: has 0 classes; expected one",
        "é/0.jpg: Bob says something else of it before"[:40],
        "a/2.jpg: the class's name has 201 charac",
    ]


def test_labelers_of_a_file_are_kept_apart_or_taken_for_ones_own(project):
    records = [
        record("a/0.jpg", "daisy", labeler="carol"),
        record("a/1.jpg", "rose", labeler="Dan"),
    ]
    project.take_in(*records, record("a/2.jpg", "rose"))
    assert {who for who, _ in project.said()} == {"carol", "Dan", "Bob"}
    project.take_in(*records, keep_names=False)
    assert project.said()["Bob", 1] == ("label", ("daisy",))


def test_two_labelers_of_a_file_on_one_photograph_are_no_conflict_but_somebody_else_is(project):
    records = [
        record("a/0.jpg", "daisy", labeler="Ann"),
        record("a/0.jpg", "rose", labeler="Carol"),
    ]
    seen = project.store.last_event()
    project.take_in(*records)
    assert {project.said()[who, 1] for who in ("Ann", "Carol")} == {
        ("label", ("daisy",)),
        ("label", ("rose",)),
    }
    with pytest.raises(store.Conflict):
        project.take_in(record("a/0.jpg", "rose"), seen=seen)
    # Also where it is a later labeler of the file whose photograph somebody has labeled since.
    seen = project.store.last_event()
    project.label(project.ann, 2, project.daisy)
    with pytest.raises(store.Conflict):
        project.take_in(
            record("a/2.jpg", "rose", labeler="Ann"),
            record("a/1.jpg", "rose", labeler="Carol"),
            seen=seen,
        )
    assert ("Carol", 2) not in project.said()


# Into folders.


@pytest.fixture
def photographs(tmp_path):
    """Drawn photographs, and records of them."""
    source = tmp_path / "photos"
    records = []
    random = np.random.default_rng(0)
    for i in range(8):
        path = f"{'a' if i % 2 else 'b/c'}/{i // 2}.jpg"
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (16, 16, 3), np.uint8)).save(source / path)
        part = "test" if i in (2, 3) else "training"
        records.append(exchange.Record(path, "label", ("daisy" if i < 5 else "rose",), "", part))
    return source, records


def test_the_folders_are_what_train_reads_and_the_originals_are_as_they_were(photographs, tmp_path):
    source, records = photographs
    before = {path: path.read_bytes() for path in source.rglob("*.jpg")}
    target = tmp_path / "classes"
    assert exchange.copy_into_folders(records, source, target) == exchange.Copied(8, ())
    found = folders.scan(target)
    assert found.skipped == ()
    assert {
        (path.relative_to(target / found.class_names[k]).as_posix(), found.class_names[k])
        for path, k in zip(found.paths, found.y, strict=True)
    } == {(one.path, one.class_names[0]) for one in records}
    assert {path: path.read_bytes() for path in source.rglob("*.jpg")} == before
    for one in records:
        copy = target / one.class_names[0] / one.path
        assert copy.read_bytes() == before[source / one.path]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes", "photos"]


def test_the_locked_test_set_stays_one_in_folders(photographs, tmp_path):
    source, records = photographs
    records.append(exchange.Record("a/0.jpg", "label", ("rose",), "", "neither"))
    copied = exchange.copy_into_folders(records, source, tmp_path / "classes", by_part=True)
    assert copied.left_out == (
        "a/0.jpg: it belongs to neither part: it is like photographs of both",
    )
    found = folders.scan(tmp_path / "classes")
    parts = dict(zip((path.name for path in found.paths), found.given_split, strict=True))
    assert parts["1.jpg"] == "test"
    assert sorted(found.given_split) == ["test"] * 2 + ["training"] * 6


def test_what_has_no_folder_is_named(photographs, tmp_path):
    source, records = photographs
    (source / records[0].path).unlink()
    more = [
        exchange.Record(records[1].path, "label", ("rose",), "Bob"),
        exchange.Record("x.jpg", "unsure"),
        exchange.Record("y.jpg", "label", ("daisy", "rose")),
        exchange.Record("../photos/a/1.jpg", "label", ("daisy",)),
        exchange.Record("/etc/hostname", "label", ("daisy",)),
    ]
    copied = exchange.copy_into_folders([*records, *more], source, tmp_path / "classes")
    assert copied == exchange.Copied(
        7,
        (
            "b/c/0.jpg: the file is gone",
            "a/0.jpg: another labeler's label has placed it already",
            "x.jpg: it has no label (unsure)",
            "y.jpg: it has 2 classes; a folder is for one",
            "../photos/a/1.jpg: its path leads out of the folder",
            "/etc/hostname: its path leads out of the folder",
        ),
    )


def test_classes_of_any_name_get_folders_of_their_own(photographs, tmp_path):
    source, records = photographs
    classes = ["a/b", "a\\b", "a:b", "..", ".git", "CON", "nul.txt", "lost+found"]
    records = [
        exchange.Record(one.path, "label", (name,))
        for one, name in zip(records, classes, strict=True)
    ]
    exchange.copy_into_folders(records, source, tmp_path / "classes")
    made = sorted(path.name for path in (tmp_path / "classes").iterdir())
    assert made == ["_", "_.git", "_CON", "_lost+found", "_nul.txt", "a_b", "a_b_2", "a_b_3"]
    assert len(folders.scan(tmp_path / "classes").paths) == 8


def test_a_folder_that_is_there_or_among_the_photographs_is_refused(photographs, tmp_path):
    source, records = photographs
    (tmp_path / "there").mkdir()
    with pytest.raises(exchange.CannotCopy, match="there already"):
        exchange.copy_into_folders(records, source, tmp_path / "there")
    with pytest.raises(exchange.CannotCopy, match="inside the photographs' folder"):
        exchange.copy_into_folders(records, source, source / "classes")
    (tmp_path / "link").symlink_to(source, target_is_directory=True)
    with pytest.raises(exchange.CannotCopy, match="inside the photographs' folder"):
        exchange.copy_into_folders(records, source, tmp_path / "link" / "classes")


def test_a_disk_that_is_full_leaves_nothing_half_copied(photographs, tmp_path, monkeypatch):
    source, records = photographs
    copy, calls = shutil.copy2, []

    def full(*places) -> None:
        calls.append(places)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copy(*places)

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(OSError, match="No space left"):
        exchange.copy_into_folders(records, source, tmp_path / "classes")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
