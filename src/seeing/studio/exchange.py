"""Labels for other programs and from them: CSV, COCO-style JSON, Label Studio's JSON, folders.

All but the folders come back as they went. Photographs are named by their paths below the
folder; the files are only ever read.

Explained on the page *The Studio*.
"""

import contextlib
import csv
import dataclasses
import io
import json
import os
import pathlib
import re
import shutil
import tempfile
import unicodedata
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax import saxutils

from seeing.photos import folders
from seeing.studio import names, opinions, store

COLUMNS = ("path", "kind", "class", "labeler", "part")
# How other programs call the columns that are needed.
PATH_COLUMNS = ("path", "file_name", "filename", "file", "image")
CLASS_COLUMNS = ("class", "label", "category", "class_name")

SUGGESTION = "suggestion"  # of a classifier, in a file

PART_FOLDERS = {"training": "train", "test": "test"}

LOCAL_FILES = "/data/local-files/?d="  # how Label Studio names a file of its own machine
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the names of uploaded files

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$", re.IGNORECASE)  # of Windows


class NotReadable(ValueError):
    """A file does not hold labels in the form that was asked for. The message says what it is."""


class CannotCopy(ValueError):
    """Photographs cannot be copied to a folder. The message says why. Nothing was copied."""


@dataclasses.dataclass(frozen=True)
class Record:
    """What is said of one photograph, in words that other programs understand.

    Attributes:
        path: of the photograph, below the folder, with ``/`` between its parts.
        kind: ``"label"``, ``"unsure"`` or ``"skip"``; in a file that ``watch`` wrote,
            ``"suggestion"``, a classifier's answer that nobody has looked at.
        class_names: of a label; none means "none of these".
        labeler: who says so; empty if all who said something agree.
        part: ``"training"``, ``"test"``, ``"neither"``; empty if the file does not say.
    """

    path: str
    kind: str
    class_names: tuple[str, ...] = ()
    labeler: str = ""
    part: str = ""


@dataclasses.dataclass(frozen=True)
class Read:
    """What a file says.

    Attributes:
        records: at most one for each photograph and labeler.
        left_out: what was not understood, each with its place in the file and the reason.
    """

    records: tuple[Record, ...]
    left_out: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class TakenIn:
    """What an import has brought.

    Attributes:
        labeled: how many photographs got a label or another answer, of each labeler by name.
        new_classes: names of classes that were not there.
        left_out: what was not taken, and why.
    """

    labeled: dict[str, int]
    new_classes: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Copied:
    """What was copied into folders.

    Attributes:
        count: how many photographs.
        left_out: the others, each with the reason.
    """

    count: int
    left_out: tuple[str, ...]


def records_of(opened: store.Store, *, each: bool = False) -> list[Record]:
    """What a project says of its photographs that are there.

    Args:
        opened: the project.
        each: what each labeler says, instead of what all agree on. What is disputed is in no
            agreed label, and stands as ``"unsure"``.

    Returns:
        By path, then by labeler.
    """
    said = opened.current()
    names_of = {one.id: one.name for one in opened.classes()}
    who = {one.id: one.name for one in opened.labelers()}
    there = {one.id: one for one in opened.photographs() if one.present}
    found = []
    if each:
        answers = [
            (one.photograph_id, one.kind, one.class_ids, who[one.labeler_id]) for one in said
        ]
    else:
        answers = [
            (one.photograph_id, "unsure" if one.class_ids is None else "label", one.class_ids, "")
            for one in opinions.agreed(said).values()
        ]
    for number, kind, class_ids, labeler in answers:
        if number in there:
            named = tuple(sorted(names_of[class_id] for class_id in class_ids or ()))
            photograph = there[number]
            found.append(Record(photograph.path, kind, named, labeler, photograph.place.part))
    return sorted(found, key=lambda one: (one.path, one.labeler))


# CSV.


def write_csv(path: pathlib.Path, records: Iterable[Record]) -> None:
    """Write a table, one line for each class of each record; UTF-8, RFC 4180.

    Args:
        path: the file; one that is there is replaced.
        records: what to write.

    Raises:
        OSError: when it cannot be written; then the old file is left.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in records:
        for name in one.class_names or ("",):
            writer.writerow([one.path, one.kind, name, one.labeler, one.part])
    # Names of files need not be UTF-8: their bytes are written as they are.
    _replace(path, text.getvalue().encode("utf-8", "surrogateescape"))


def read_csv(path: pathlib.Path) -> Read:
    """Read a table of photographs and classes, of this program or of another.

    Columns ``path`` and ``class`` are needed (or as others call them: ``filename``, ``label``
    ...); ``kind``, ``labeler`` and ``part`` are not. Commas, semicolons or tabs may separate them.

    Raises:
        NotReadable: when a column is missing, or the file is no text in UTF-8.
        OSError: when it cannot be read.
    """
    text = _text(path, errors="surrogateescape")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        titles = [title.strip().casefold() for title in next(lines, [])]
        columns = {
            "path": _column(path, titles, PATH_COLUMNS),
            "class": _column(path, titles, CLASS_COLUMNS),
        }
        columns |= {
            name: titles.index(name) for name in ("kind", "labeler", "part") if name in titles
        }
        gathered = _Gathered()
        for row in lines:
            where = f"line {lines.line_num}"
            if not any(row):
                continue
            if len(row) <= max(columns.values()):
                gathered.leave_out(where, f"has {len(row)} columns; expected {len(titles)}")
                continue
            cell = {name: row[k] for name, k in columns.items()}
            # A file's name may be any bytes; what is typed may not.
            if not cell["class"].isascii() and not _is_utf8(cell["class"]):
                raise NotReadable(f"{path}, {where}, is not UTF-8; save it as UTF-8")
            kind = cell.get("kind") or ("label" if cell["class"] else "")
            gathered.add(
                where,
                cell["path"],
                kind,
                [cell["class"]] if cell["class"] else [],
                labeler=cell.get("labeler", ""),
                part=cell.get("part", ""),
            )
    except csv.Error as error:
        raise NotReadable(f"{path}, line {lines.line_num}, is no CSV: {error}") from error
    return gathered.read()


def _column(path: pathlib.Path, titles: Sequence[str], wanted: Sequence[str]) -> int:
    for name in wanted:
        if name in titles:
            return titles.index(name)
    raise NotReadable(
        f"{path} has no column {wanted[0]!r}; its first line names {', '.join(titles) or 'nothing'}"
    )


# COCO.


def write_coco(path: pathlib.Path, records: Iterable[Record], class_names: Sequence[str]) -> None:
    """Write a JSON file like COCO's: images, categories, and an annotation for each label.

    Other than in COCO itself, annotations have no boxes: they are of the whole image. What has
    no annotation (unsure, skipped, none of the classes) stands under ``answers`` of its image.

    Args:
        path: the file; one that is there is replaced.
        records: what to write.
        class_names: all classes, those without a photograph too.

    Raises:
        OSError: when it cannot be written; then the old file is left.
    """
    records = list(records)
    number = {name: k for k, name in enumerate(class_names, start=1)}
    images: dict[str, dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    for one in records:
        image = images.setdefault(
            one.path, {"id": len(images) + 1, "file_name": one.path, "part": one.part}
        )
        if not one.class_names:
            image.setdefault("answers", []).append({"kind": one.kind, "labeler": one.labeler})
        annotations += [
            {
                "id": len(annotations) + 1 + k,
                "image_id": image["id"],
                "category_id": number[name],
                "labeler": one.labeler,
            }
            for k, name in enumerate(one.class_names)
        ]
    _write_json(
        path,
        {
            "info": {"description": "labels of whole images; no boxes"},
            "images": list(images.values()),
            "annotations": annotations,
            "categories": [{"id": k, "name": name} for name, k in number.items()],
        },
    )


def read_coco(path: pathlib.Path) -> Read:
    """Read a JSON file like COCO's. Boxes and outlines are left aside: what counts is the category.

    Raises:
        NotReadable: when the file is no JSON, or has no images, annotations and categories.
        OSError: when it cannot be read.
    """
    written = _json(path)
    parts = [written.get(key) if isinstance(written, dict) else None for key in _COCO_PARTS]
    if not all(isinstance(part, list) for part in parts):
        raise NotReadable(f"{path} is not like COCO's; expected lists {', '.join(_COCO_PARTS)}")
    images, annotations, categories = parts
    gathered = _Gathered()
    name_of = {
        one["id"]: one["name"] for one in gathered.entries("category", categories, id=int, name=str)
    }
    image_of = {}
    for one in gathered.entries("image", images, id=int, file_name=str):
        image_of[one["id"]] = one
        for answer in one.get("answers") or ():
            if isinstance(answer, dict):
                gathered.add(
                    f"image {one['id']}",
                    one["file_name"],
                    _str(answer.get("kind")),
                    [],
                    labeler=_str(answer.get("labeler")),
                    part=_str(one.get("part")),
                )
    for one in gathered.entries("annotation", annotations, image_id=int, category_id=int):
        where = f"annotation {one.get('id')}"
        image, name = image_of.get(one["image_id"]), name_of.get(one["category_id"])
        if image is None or name is None:
            what = f"image {one['image_id']}" if image is None else f"category {one['category_id']}"
            gathered.leave_out(where, f"is of {what}, which is not in the file")
            continue
        gathered.add(
            where,
            image["file_name"],
            "label",
            [name],
            labeler=_str(one.get("labeler")),
            part=_str(image.get("part")),
        )
    return gathered.read()


_COCO_PARTS = ("images", "annotations", "categories")


# Label Studio.


def write_label_studio(path: pathlib.Path, records: Iterable[Record], *, below: str = "") -> None:
    """Write tasks with annotations, as Label Studio's JSON import takes them.

    It finds the photographs itself if it serves local files: ``below`` is the photographs' folder
    as seen from its ``LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT``. Nobody is named as its user, as it
    refuses users that it does not know; the labeler stands beside each annotation.

    Args:
        path: the file; one that is there is replaced.
        records: what to write.
        below: a path with ``/`` between its parts.

    Raises:
        OSError: when it cannot be written; then the old file is left.
    """
    tasks: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(records, start=1):
        place = f"{below.strip('/')}/{one.path}" if below.strip("/") else one.path
        quoted = urllib.parse.quote(place.encode("utf-8", "surrogateescape"))
        task = tasks.setdefault(
            one.path,
            {
                "id": len(tasks) + 1,
                "data": {"image": LOCAL_FILES + quoted, "path": one.path, "part": one.part},
                "annotations": [],
            },
        )
        task["annotations"].append(
            {
                "id": number,
                "was_cancelled": one.kind != "label",
                "ground_truth": False,
                "labeler": one.labeler,
                "kind": one.kind,
                "result": _choices(one.class_names),
            }
        )
    _write_json(path, list(tasks.values()))


def _choices(class_names: Sequence[str]) -> list[dict[str, Any]]:
    if not class_names:
        return []
    return [
        {
            "id": "class",
            "from_name": "class",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": list(class_names)},
        }
    ]


def label_studio_config(class_names: Iterable[str], *, multi_label: bool) -> str:
    """The labeling interface that a project of Label Studio needs for these labels, XML.

    Args:
        class_names: all classes.
        multi_label: whether a photograph may have several.
    """
    choices = "\n".join(f"    <Choice value={saxutils.quoteattr(name)}/>" for name in class_names)
    how = "multiple" if multi_label else "single"
    return "\n".join(
        [
            "<View>",
            '  <Image name="image" value="$image"/>',
            f'  <Choices name="class" toName="image" choice="{how}">',
            choices,
            "  </Choices>",
            "</View>",
            "",
        ]
    )


def read_label_studio(path: pathlib.Path) -> Read:
    """Read a JSON file that Label Studio has exported (its form "JSON", not "JSON-MIN").

    Choices count; boxes and other shapes are left out. A skipped task is skipped. Of several
    annotations of one person, the last counts.

    Raises:
        NotReadable: when the file is no JSON, or no list of tasks.
        OSError: when it cannot be read.
    """
    written = _json(path)
    if not isinstance(written, list):
        raise NotReadable(f"{path} is no export of Label Studio; expected a list of tasks")
    gathered = _Gathered()
    for k, task in enumerate(written, start=1):
        where = f"task {task.get('id', k)}" if isinstance(task, dict) else f"task {k}"
        data = task.get("data") if isinstance(task, dict) else None
        image = data.get("path") or data.get("image") if isinstance(data, dict) else None
        if not isinstance(image, str):
            gathered.leave_out(
                where, "has no data with an image; export as JSON, and call the data image"
            )
            continue
        place = image if data.get("path") else _local_path(image)
        of_labeler: dict[str, tuple[str, list[str]]] = {}
        annotations = task.get("annotations")
        for annotation in annotations if isinstance(annotations, list) else ():
            if not isinstance(annotation, dict):
                gathered.leave_out(where, "has an annotation that is none")
                continue
            found = _annotated(gathered, where, annotation)
            if found is not None:
                of_labeler[_annotator(annotation)] = found
        for labeler, (kind, classes) in of_labeler.items():
            part = _str(data.get("part"))
            gathered.add(where, place, kind, classes, labeler=labeler, part=part)
    return gathered.read()


def _annotated(
    gathered: "_Gathered", where: str, annotation: Mapping[str, Any]
) -> tuple[str, list[str]] | None:
    """The kind and the classes of one annotation."""
    if annotation.get("was_cancelled"):
        return ("unsure" if annotation.get("kind") == "unsure" else "skip"), []
    results = annotation.get("result")
    results = results if isinstance(results, list) else []
    classes: list[str] = []
    for one in results:
        value = one.get("value") if isinstance(one, dict) else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if not isinstance(choices, list):
            gathered.leave_out(where, "has a result that is no choice of a class")
            continue
        classes += [name for name in choices if isinstance(name, str)]
    if results and not classes:
        return None
    return "label", classes


def _annotator(annotation: Mapping[str, Any]) -> str:
    if isinstance(annotation.get("labeler"), str):
        return annotation["labeler"]
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    if isinstance(who, str):
        return who
    return f"annotator {who}" if isinstance(who, int) else ""


def _local_path(image: str) -> str:
    """The path that an image's address names, as far as it does."""
    parsed = urllib.parse.urlsplit(image)
    named = urllib.parse.parse_qs(parsed.query, errors="surrogateescape").get("d")
    if named:
        return named[0]
    path = urllib.parse.unquote(parsed.path, errors="surrogateescape")
    if "/upload/" in path:
        return _UPLOADED.sub("", path.rpartition("/")[2])
    return path.lstrip("/") if parsed.scheme else image


# What is read, put together.


class _Gathered:
    """Records that grow line by line, and what was left out."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Record] = {}
        self._left_out: list[str] = []

    def leave_out(self, where: str, why: str) -> None:
        self._left_out.append(f"{where} {why}")

    def entries(self, what: str, listed: Sequence[Any], **needed: type) -> Iterable[dict[str, Any]]:
        """The entries of a list that have what is needed."""
        for k, one in enumerate(listed, start=1):
            if isinstance(one, dict) and all(
                isinstance(one.get(key), kind) for key, kind in needed.items()
            ):
                yield one
            else:
                self.leave_out(f"{what} {k}", f"is not as expected: with {', '.join(needed)}")

    def add(
        self,
        where: str,
        path: str,
        kind: str,
        class_names: Sequence[str],
        *,
        labeler: str,
        part: str,
    ) -> None:
        """One more line about a photograph: another class of it, or its only one."""
        if kind not in ("label", "unsure", "skip", SUGGESTION):
            what = f"is of kind {kind!r}" if kind else "names no class"
            self.leave_out(where, f"{what}; expected label (with a class), unsure or skip")
            return
        if kind not in ("label", SUGGESTION) and class_names:
            self.leave_out(where, f"is {kind} and names {class_names[0]!r}; expected no class")
            return
        if kind == SUGGESTION and not class_names:
            self.leave_out(where, "suggests no class")
            return
        if not path:
            self.leave_out(where, "names no photograph")
            return
        old = self._found.get((path, labeler))
        if old is not None and old.kind != kind:
            self.leave_out(where, f"says {kind} of {path}, which was {old.kind} before")
            return
        classes = set(class_names) | set(old.class_names if old else ())
        self._found[path, labeler] = Record(path, kind, tuple(sorted(classes)), labeler, part)

    def read(self) -> Read:
        return Read(tuple(self._found.values()), tuple(self._left_out))


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""


# Into a project.


def take_in(
    opened: store.Store,
    labeler_id: int,
    records: Sequence[Record],
    *,
    seen: int,
    keep_names: bool = True,
) -> TakenIn:
    """Write what a file says into a project, in one action for each labeler.

    A photograph is found by its path; if there is none of that path, by the end of it, if only
    one photograph fits. Classes that are not there are made.

    Args:
        opened: the project.
        labeler_id: who imports; what names no labeler is theirs.
        records: what a file says.
        seen: number of the last event that the labeler knows of.
        keep_names: whether the labelers that the file names are kept apart. Otherwise all is said
            by the one who imports.

    Raises:
        store.Conflict: when somebody has written about one of the photographs since. What other
            labelers of the file said may then have been written; it can be undone.
    """
    left_out: list[str] = []
    own = next(one.name for one in opened.labelers() if one.id == labeler_id)
    multi_label = opened.project.multi_label
    chosen: dict[tuple[str, int], Record] = {}
    photographs = opened.photographs()
    finder = _Finder(photographs)
    is_test = {one.id for one in photographs if one.place.part == "test"}
    is_labeled = {one.photograph_id for one in opened.current() if one.kind != "clear"}

    def no_suggestion(number: int) -> str | None:
        if number in is_test:
            return "it is in the test set, whose labels are blind: no suggestion is taken for it"
        if number in is_labeled:
            return "it is labeled already, and a suggestion changes nothing"
        return None

    for one in records:
        number, why = finder.find(one.path)
        if number is not None and one.kind == SUGGESTION:
            one, why = dataclasses.replace(one, kind="label", labeler=""), no_suggestion(number)
            number = number if why is None else None
        fits = multi_label or one.kind != "label" or len(one.class_names) == 1
        if number is not None and not fits:
            number, why = None, f"has {len(one.class_names)} classes; expected one"
        if number is None:
            left_out.append(f"{one.path}: {why}")
            continue
        key = (one.labeler if keep_names and one.labeler else own, number)
        before = chosen.get(key)
        if before is not None and (before.kind, before.class_names) != (one.kind, one.class_names):
            left_out.append(f"{one.path}: {key[0]} says something else of it before")
            continue
        chosen[key] = one
    class_of, new, bad = _classes(opened, labeler_id, chosen.values())
    of_labeler: dict[str, list[opinions.Answer]] = {}
    for (name, number), one in chosen.items():
        lacking = [bad[known] for known in one.class_names if known in bad]
        if lacking:
            left_out.append(f"{one.path}: {lacking[0]}")
            continue
        class_ids = tuple(class_of[known] for known in one.class_names)
        answer = opinions.Answer(number, one.kind, class_ids, seen)
        of_labeler.setdefault(name, []).append(answer)
    labeled = {}
    written: dict[int, int] = {}  # by this import, which is no news to it
    for name, answers in of_labeler.items():
        who = labeler_id if name == own else opened.labeler(name).id
        answers = [
            dataclasses.replace(one, seen=written.get(one.photograph_id, seen)) for one in answers
        ]
        done = opened.label(who, answers, how="import")
        written |= {one.photograph_id: one.event for one in done.now}
        labeled[name] = len(answers)
    return TakenIn(labeled, new, tuple(left_out))


def _classes(
    opened: store.Store, labeler_id: int, records: Iterable[Record]
) -> tuple[dict[str, int], tuple[str, ...], dict[str, str]]:
    """The class of each name, names that had to be made, and those that cannot be, with why."""
    there = {names.folded(one.name): one.id for one in opened.classes() if one.merged_into is None}
    class_of, new, bad = {}, [], {}
    for name in sorted({name for one in records for name in one.class_names}):
        try:
            kept = names.clean(name, "class")
        except names.BadName as error:
            bad[name] = str(error)
            continue
        if names.folded(kept) not in there:
            there[names.folded(kept)] = opened.add_class(labeler_id, kept).id
            new.append(kept)
        class_of[name] = there[names.folded(kept)]
    return class_of, tuple(new), bad


class _Finder:
    """Finds photographs by paths that other programs have written."""

    def __init__(self, photographs: Iterable[store.Photograph]) -> None:
        self._exact: dict[str, int] = {}
        self._by_name: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for one in photographs:
            if one.present:
                self._exact[one.path] = one.id
                parts = _parts(one.path)
                self._by_name.setdefault(parts[-1], []).append((parts, one.id))

    def find(self, path: str) -> tuple[int | None, str]:
        """A photograph's number; or None, and why."""
        if path in self._exact:
            return self._exact[path], ""
        for parts in dict.fromkeys((_parts(path), _parts(path.replace("\\", "/")))):
            if not parts:
                continue
            fitting = [
                number
                for known, number in self._by_name.get(parts[-1], [])
                if known[-len(parts) :] == parts or parts[-len(known) :] == known
            ]
            if len(fitting) == 1:
                return fitting[0], ""
            if fitting:
                return None, f"{len(fitting)} photographs have a path that ends so"
        return None, "there is no such photograph in the folder"


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in unicodedata.normalize("NFC", path).split("/") if part)


# Into folders.


def copy_into_folders(
    records: Iterable[Record],
    source: pathlib.Path,
    target: pathlib.Path,
    *,
    by_part: bool = False,
) -> Copied:
    """Copy labeled photographs into a new folder, one subfolder a class, as ``train`` reads it.

    Below its class's folder, a photograph keeps its path, so that no two collide. The folder
    is there whole, or not at all.

    Args:
        records: what is said of the photographs, of one labeler or agreed.
        source: the photographs' folder.
        target: the new folder; not inside the other.
        by_part: whether there are folders ``train`` and ``test`` above those of the classes.

    Raises:
        CannotCopy: when the target is there already, or lies inside the photographs' folder.
        OSError: when it cannot be written, as on a full disk; then nothing is left of it.
    """
    source, target = source.resolve(), target.absolute()
    if target.resolve().is_relative_to(source):
        raise CannotCopy(f"{target} lies inside the photographs' folder; name one beside it")
    if os.path.lexists(target):
        raise CannotCopy(f"{target} is there already; name a new folder")
    records = list(records)
    folder_of = _folder_names({name for one in records for name in one.class_names})
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    left_out, copied = [], set()
    try:
        for one in records:
            why = _why_not_copied(one, source, by_part=by_part, copied=copied)
            if why is not None:
                left_out.append(f"{one.path}: {why}")
                continue
            above = partial / PART_FOLDERS[one.part] if by_part else partial
            place = above / folder_of[one.class_names[0]] / one.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / one.path, place)
            copied.add(one.path)
        partial.chmod(0o755)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Copied(len(copied), tuple(left_out))


def _why_not_copied(
    one: Record, source: pathlib.Path, *, by_part: bool, copied: set[str]
) -> str | None:
    if one.kind != "label":
        return f"it has no label ({one.kind})"
    if len(one.class_names) != 1:
        return f"it has {len(one.class_names)} classes; a folder is for one"
    if by_part and one.part not in PART_FOLDERS:
        return "it belongs to neither part: it is like photographs of both"
    if one.path in copied:
        return "another labeler's label has placed it already"
    parts = pathlib.PurePosixPath(one.path).parts
    if ".." in parts or one.path.startswith("/"):
        return "its path leads out of the folder"
    if not (source / one.path).is_file():
        return "the file is gone"
    return None


def _folder_names(class_names: Iterable[str]) -> dict[str, str]:
    """A folder's name for each class: allowed on every system, and no two the same on any."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(class_names):
        safe = _UNSAFE.sub("_", name).rstrip(". ")
        if not safe or safe.startswith(".") or _DEVICES.match(safe):
            safe = f"_{safe}"
        if safe.casefold() in folders.SYSTEM_FOLDERS:
            safe = f"_{safe}"
        unique, k = safe, 2
        while names.folded(unique) in taken:
            unique, k = f"{safe}_{k}", k + 1
        taken.add(names.folded(unique))
        found[name] = unique
    return found


# Files.


def _replace(path: pathlib.Path, content: bytes) -> None:
    """Write a file whole, or leave the old one."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as file:
        partial = pathlib.Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            file.close()
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def _write_json(path: pathlib.Path, content: object) -> None:
    # Escaped: names of files that are no UTF-8 come back as they were, and the file is ASCII.
    _replace(path, json.dumps(content, indent=1).encode("ascii") + b"\n")


def _text(path: pathlib.Path, *, errors: str = "strict") -> str:
    content = path.read_bytes()
    if b"\0" in content:  # as in UTF-16, and in no text in UTF-8
        raise NotReadable(f"{path} is not UTF-8; save it as UTF-8")
    try:
        return content.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise NotReadable(f"{path} is not UTF-8; save it as UTF-8") from error


def _is_utf8(text: str) -> bool:
    """Whether a text that was read with ``surrogateescape`` holds no byte that is none of UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json(path: pathlib.Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, NotReadable):
            raise
        raise NotReadable(f"{path} is no JSON: {error}") from error
