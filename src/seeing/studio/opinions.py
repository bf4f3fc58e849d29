"""What labelers say of photographs, and what they agree on: plain data, without a database.

Explained on the page *The Studio*.
"""

import dataclasses
from collections.abc import Iterable
from typing import Literal

Kind = Literal["label", "unsure", "skip", "clear"]


@dataclasses.dataclass(frozen=True)
class PreLabel:
    """A model's suggestion that was shown before somebody answered.

    Attributes:
        model_version: which model made it.
        class_ids: what it suggested.
    """

    model_version: int
    class_ids: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a labeler is about to say of a photograph.

    Attributes:
        photograph_id: which one.
        kind: ``"label"``, ``"unsure"``, ``"skip"`` or ``"clear"``, which takes back what the
            labeler said before.
        class_ids: of a label: exactly one in a single-label project; any number in a
            multi-label one, where none means "none of these".
        seen: number of the last event that the labeler knows of: of this photograph, or of the
            whole project when the page was drawn. 0: of none.
        prelabel: the suggestion that was shown, if one was.
        decides: whether it settles a dispute: what others said before no longer counts.
    """

    photograph_id: int
    kind: Kind
    class_ids: tuple[int, ...] = ()
    seen: int = 0
    prelabel: PreLabel | None = None
    decides: bool = False


@dataclasses.dataclass(frozen=True)
class Opinion:
    """What a labeler says of a photograph now, or said at some time: their last event.

    Attributes:
        photograph_id: which one.
        labeler_id: whose.
        event: the event's number.
        kind: ``"label"``, ``"unsure"``, ``"skip"`` or ``"clear"``.
        class_ids: sorted; merged classes are replaced by those they were merged into.
        prelabel: the suggestion that was shown, as it was shown.
        decides: whether it settles a dispute.
        since: the event that said so first, where an undo has restored it; else as ``event``.
    """

    photograph_id: int
    labeler_id: int
    event: int
    kind: Kind
    class_ids: tuple[int, ...]
    prelabel: PreLabel | None
    decides: bool
    since: int


@dataclasses.dataclass(frozen=True)
class Agreed:
    """What all who have an opinion of a photograph say together.

    Attributes:
        photograph_id: which one.
        class_ids: their label; None if there is none, as they are unsure or differ.
        disputed: whether they differ: in the classes, or because only some are sure.
        labelers: how many opinions count.
    """

    photograph_id: int
    class_ids: tuple[int, ...] | None
    disputed: bool
    labelers: int


def agreed(opinions: Iterable[Opinion]) -> dict[int, Agreed]:
    """What is agreed on each photograph that anybody is sure or unsure of.

    Skipped and cleared ones say nothing. After a decision, only opinions from it on count.

    Args:
        opinions: at most one of each labeler for each photograph.

    Returns:
        By photograph.
    """
    of_photograph: dict[int, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.kind in ("label", "unsure"):
            of_photograph.setdefault(opinion.photograph_id, []).append(opinion)
    return {number: _agreed(number, said) for number, said in of_photograph.items()}


def _agreed(photograph_id: int, said: list[Opinion]) -> Agreed:
    decided = max((opinion.since for opinion in said if opinion.decides), default=0)
    said = [opinion for opinion in said if opinion.since >= decided]
    different = {opinion.class_ids if opinion.kind == "label" else None for opinion in said}
    class_ids = next(iter(different)) if len(different) == 1 else None
    return Agreed(photograph_id, class_ids, len(different) > 1, len(said))
