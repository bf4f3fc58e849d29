"""The store against a model that keeps whole states instead of a log, over random histories."""

import copy
import dataclasses

import hypothesis
import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from seeing.studio import opinions, schema, store

PHOTOGRAPHS = range(1, 6)
SHOWN = opinions.PreLabel(1, ())


@dataclasses.dataclass
class State:
    """All that is in force: what each labeler says, what was merged, what is called how."""

    said: dict[tuple[int, int], tuple[str, frozenset[int]]] = dataclasses.field(
        default_factory=dict
    )
    merged: dict[int, int] = dataclasses.field(default_factory=dict)
    names: dict[int, str] = dataclasses.field(default_factory=dict)

    def now(self, class_id: int) -> int:
        """The class that this one is by now."""
        while class_id in self.merged:
            class_id = self.merged[class_id]
        return class_id

    def shown(self) -> dict[tuple[int, int], tuple[str, tuple[int, ...]]]:
        """What the store should say."""
        return {
            key: (kind, tuple(sorted({self.now(one) for one in classes})))
            for key, (kind, classes) in self.said.items()
            if kind != "clear"
        }


class Histories(stateful.RuleBasedStateMachine):
    """Two labelers, four classes, five photographs, of which some are in the test set."""

    def __init__(self, new_place):
        super().__init__()
        self.place = new_place()
        self.store = self.place.open(seed=1, test_share=0.4, multi_label=True)
        self.who = [self.store.labeler(name).id for name in ("Ann", "Bob")]
        self.store.register([store.Found(f"{i}.jpg", f"{i:064x}") for i in PHOTOGRAPHS])
        parts = {one.id: one.place.part for one in self.store.photographs()}
        self.test = {number for number, part in parts.items() if part == "test"}
        assert self.test and len(self.test) < len(parts)
        self.state = State()
        self.states = {0: copy.deepcopy(self.state)}  # after each action, by its last event
        self.touched: dict[tuple[int, int], int] = {}
        self.undoable: dict[int, list[dict]] = {one: [] for one in self.who}
        self.last = 0
        for name in ("a", "b", "c", "d"):
            made = self.store.add_class(self.who[0], name)
            self.state.names[made.id] = name
            self.happened(1)

    def happened(self, events: int) -> None:
        """Some events were written."""
        self.last += events
        self.states[self.last] = copy.deepcopy(self.state)

    def change(self, who: int, said: dict[int, tuple[str, frozenset[int]]], *, undo=False) -> None:
        """One action of one labeler."""
        if not undo:
            before = {number: self.state.said.get((who, number)) for number in said}
            self.undoable[who].append(before)
        for i, (number, one) in enumerate(said.items(), start=1):
            self.state.said[who, number] = one
            self.touched[who, number] = self.last + i
        self.happened(len(said))

    @stateful.rule(
        who=st.sampled_from([0, 1]),
        numbers=st.lists(st.sampled_from(PHOTOGRAPHS), min_size=1, max_size=3, unique=True),
        kind=st.sampled_from(schema.KINDS),
        classes=st.frozensets(st.sampled_from([1, 2, 3, 4]), max_size=2),
        up_to_date=st.booleans(),
        shown=st.booleans(),
        data=st.data(),
    )
    def label(self, who, numbers, kind, classes, up_to_date, shown, data):
        classes = classes if kind == "label" else frozenset()
        seen = self.last if up_to_date else data.draw(st.integers(0, self.last))
        answers = [
            opinions.Answer(number, kind, tuple(classes), seen, SHOWN if shown else None)
            for number in numbers
        ]
        me, other = self.who[who], self.who[1 - who]
        unseen = {n for n in numbers if self.touched.get((other, n), 0) > seen}
        if shown and self.test & set(numbers):
            with pytest.raises(store.BlindTestSet):
                self.store.label(me, answers)
        elif unseen:
            with pytest.raises(store.Conflict) as raised:
                self.store.label(me, answers)
            assert {one.photograph_id for one in raised.value.others} == unseen
            assert raised.value.last_event == self.last
        else:
            written = self.store.label(me, answers)
            self.change(me, dict.fromkeys(numbers, (kind, classes)))
            assert written.last_event == self.last

    @stateful.rule(who=st.sampled_from([0, 1]))
    def undo(self, who):
        me = self.who[who]
        if not self.undoable[me]:
            with pytest.raises(store.Unknown):
                self.store.undo(me)
            return
        self.store.undo(me)
        before = self.undoable[me].pop()
        nothing = ("clear", frozenset())
        self.change(me, {n: before[n] or nothing for n in sorted(before)}, undo=True)

    @stateful.rule(who=st.sampled_from([0, 1]), data=st.data())
    def roll_back(self, who, data):
        me = self.who[who]
        to = data.draw(st.sampled_from(sorted(self.states)))
        nothing = ("clear", frozenset())
        then, now = (
            {n: state.said.get((me, n), nothing) for n in PHOTOGRAPHS}
            for state in (self.states[to], self.state)
        )
        changed = {n: then[n] for n in PHOTOGRAPHS if then[n] != now[n]}
        if not changed:
            with pytest.raises(store.Unknown, match="nothing to do"):
                self.store.roll_back(me, to)
            return
        self.store.roll_back(me, to)
        self.change(me, changed)

    @stateful.rule(first=st.sampled_from([1, 2, 3, 4]), second=st.sampled_from([1, 2, 3, 4]))
    def merge(self, first, second):
        if first == second or first in self.state.merged or second in self.state.merged:
            with pytest.raises((store.Unknown, store.BadAnswer)):
                self.store.merge_class(self.who[0], first, second)
            return
        self.store.merge_class(self.who[0], first, second)
        self.state.merged[first] = second
        self.happened(1)

    @stateful.rule(which=st.sampled_from([1, 2, 3, 4]), name=st.sampled_from(["a", "B", "e", "É"]))
    def rename(self, which, name):
        live = {k: n for k, n in self.state.names.items() if k not in self.state.merged}
        others = {n.casefold() for k, n in live.items() if k != which}
        if which not in live:
            with pytest.raises(store.Unknown):
                self.store.rename_class(self.who[1], which, name)
        elif name.casefold() in others:
            with pytest.raises(store.NameTaken):
                self.store.rename_class(self.who[1], which, name)
        else:
            self.store.rename_class(self.who[1], which, name)
            self.state.names[which] = name
            self.happened(1)

    @stateful.rule()
    def start_again(self):
        self.store.close()
        self.store = self.place.open()

    @stateful.rule(data=st.data())
    def look_back(self, data):
        as_of = data.draw(st.sampled_from(sorted(self.states)))
        self.require_same(as_of, self.states[as_of])

    @stateful.invariant()
    def is_as_the_model_says(self):
        assert self.store.last_event() == self.last
        self.require_same(None, self.state)

    def require_same(self, as_of: int | None, state: State) -> None:
        found = self.store.current(as_of)
        said = {(one.labeler_id, one.photograph_id): (one.kind, one.class_ids) for one in found}
        assert said == state.shown()
        classes = self.store.classes(as_of)
        assert {one.id: one.name for one in classes} == state.names
        assert {one.id: one.merged_into for one in classes if one.merged_into} == state.merged

    def teardown(self):
        log = self.store.log(limit=10**6)
        assert [one.number for one in log] == list(range(1, self.last + 1))
        self.place.close()


def test_any_history_is_what_a_model_says_now_and_as_of_every_event(new_place):
    server = new_place().url is not None
    stateful.run_state_machine_as_test(
        lambda: Histories(new_place),
        settings=hypothesis.settings(
            max_examples=5 if server else 20,
            stateful_step_count=25,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
