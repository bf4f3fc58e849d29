"""Run the book's quick chapters on every kind of machine and in every state of the data.

``python tools/everywhere.py`` plays other machines, as far as one can, by the variables that decide
in which order numbers are added, and takes data away: first photographs, then all. It prints a row
for each chapter, machine and state: how many results were held to a band, which left it, and which
exactly checked cells printed something else. Executions are not cached. With all of it, expect
hours on two cores; name chapters, machines or states to run fewer::

    python tools/everywhere.py --machines "as found" SSE4.1 --states nothing --chapters metrics

With ``--keep``, a run that was judged is then added to the chapter's results file, and later bands
are made from it, too: a machine that nobody has tried yet is worth keeping. ``--missing`` runs, in
place of named machines, those pairs of machine and seed of ``make reference`` that a chapter's
results file does not hold yet.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import nbformat

from bookbuild import chapters, execute, lock, notebooks, paths, reference
from bookbuild.__main__ import find_chapter

# A build's, too.
SEED = 0


@dataclasses.dataclass(frozen=True)
class Row:
    """What one execution came to.

    Attributes:
        chapter: the notebook's name without ending.
        state: of the data.
        machine: a name in ``reference.MACHINES``.
        seed: of the run.
        asserted: results that were held to a band.
        claims: sentences that were checked.
        outside: what left its band, what was not so, which checked cell printed something else; or
            the exception that ended the chapter.
        said: what the chapter reported; None where it was ended by an exception.
        cost: seconds, memory and download; None likewise.
    """

    chapter: str
    state: str
    machine: str
    seed: int
    asserted: int
    claims: int
    outside: tuple[str, ...]
    said: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """How a results file tells this run from others."""
        return {
            "state": self.state,
            "machine": self.machine,
            "seed": self.seed,
            "processor": reference.processor(),
        }

    def __str__(self) -> str:
        """The row, with what was found on lines of its own."""
        verdict = "all inside" if not self.outside else f"{len(self.outside)} OUTSIDE"
        found = "".join(f"\n      {sentence}" for sentence in self.outside)
        return (
            f"{self.chapter:22} {self.state:15} {self.machine:27} seed {self.seed:3} "
            f"{self.asserted:3} asserted, {self.claims:2} claims: {verdict}{found}"
        )


def run(
    chapter: pathlib.Path,
    checkout: paths.Checkout,
    state: str,
    machine: str,
    seed: int,
    variables: dict,
) -> Row:
    """Execute a chapter once, as another machine would."""
    label = f"data {state}, machine {machine}, seed {seed}"
    environment = {**variables, **reference.MACHINES[machine], "SEEING_SEED": str(seed)}
    try:
        outcome = reference.run(chapter, checkout, "quick", environment, label)
    except execute.ChapterFailed as error:
        return Row(chapter.stem, state, machine, seed, 0, 0, (str(error).splitlines()[0],))
    found = execute.verdict(outcome.executed) or {"outside": ["the chapter draws no conclusion"]}
    unlike = notebooks.differences(nbformat.read(chapter, as_version=4), outcome.executed)
    return Row(
        chapter.stem,
        state,
        machine,
        seed,
        found.get("asserted", 0),
        found.get("claims", 0),
        (*found["outside"], *unlike),
        outcome.said,
        outcome.cost,
    )


def keep(row: Row, checkout: paths.Checkout) -> None:
    """Add a run to its chapter's results file."""
    if row.said is None:
        return
    content = reference.read(row.said["chapter"], checkout)
    reference.write(reference.with_run(content, row.about, row.said, row.cost), checkout)


def missing(chapter: pathlib.Path, checkout: paths.Checkout, state: str) -> list[tuple[str, int]]:
    """Pairs of machine and seed of ``make reference`` that a chapter's results do not hold.

    A chapter that was never run without photographs uses none: nothing is missing there.
    """
    runs = reference.read(chapters.slug(chapter), checkout).get("quick_runs", [])
    here = {(one["machine"], one["seed"]) for one in runs if one["state"] == state}
    if state == reference.NO_PHOTOGRAPHS and runs and not here:
        return []
    return [pair for pair in reference.ROUNDS if pair not in here]


def rows(
    checkout: paths.Checkout,
    names: list[str],
    states: list[str],
    machines: list[str] | None,
) -> Iterator[Row]:
    """Every combination, one after the other; with ``machines`` None, what is missing."""
    wanted = [find_chapter(name, checkout) for name in names] or checkout.chapters()
    for state in states:
        with reference.data(state) as variables:
            for chapter in wanted:
                pairs = (
                    missing(chapter, checkout, state)
                    if machines is None
                    else [(machine, SEED) for machine in machines]
                )
                for machine, seed in pairs:
                    yield run(chapter, checkout, state, machine, seed, variables)


def main() -> int:
    """Print the table; the exit code is 0 only where everything lay inside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapters", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--states", nargs="+", default=list(reference.STATES), metavar="STATE")
    parser.add_argument(
        "--machines", nargs="+", default=list(reference.MACHINES), metavar="MACHINE"
    )
    parser.add_argument("--missing", action="store_true", help="what results/ does not hold")
    parser.add_argument("--keep", action="store_true", help="add the runs to results/")
    options = parser.parse_args()
    for given, known in (
        (options.states, reference.STATES),
        (options.machines, reference.MACHINES),
    ):
        unknown = set(given) - set(known)
        if unknown:
            parser.error(f"unknown: {sorted(unknown)}; there are {list(known)}")
    checkout = paths.default()
    found = []
    with lock.hold(checkout):
        machines = None if options.missing else options.machines
        for row in rows(checkout, options.chapters, options.states, machines):
            found.append(row)
            print(row, flush=True)
            if options.keep:
                keep(row, checkout)
    bad = sum(bool(row.outside) for row in found)
    print(f"{len(found)} executions, {bad} with something outside")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
