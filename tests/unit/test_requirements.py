"""What a reader installs: Colab's own packages satisfy it, and CI's versions are pinned by hash."""

import ast
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
from packaging import markers, requirements, specifiers, utils, version

COLAB_PYTHON = "3.13"

# In none of our notes on Colab's list; each is a dependency of a package that is. Where they are
# too old there, pip may replace them without touching what a running kernel has imported.
NOT_NOTED = {
    "scipy",
    "requests",
    "tqdm",
    "filelock",
    "platformdirs",
    "psutil",
    "threadpoolctl",
    "ipywidgets",
}
# The first versions of Keras without CVE-2026-0897 and CVE-2026-1669 are 3.12.1 and 3.13.2.
FLAWED_KERAS = ["3.12.0", "3.13.0", "3.13.1"]

# Put together here, so that this file does not hold them.
REGISTRY_ADDRESSES = ["registry." + "npmjs", "python" + "hosted", "deb." + "debian.org"]


def read_lines(path: pathlib.Path) -> list[str]:
    """A requirements file's lines, without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def read_pins(path: pathlib.Path) -> list[tuple[requirements.Requirement, list[str]]]:
    """A lock file's entries: what is pinned, and the hashes of its files."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    pins = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            pinned, *hashes = line.split("--hash=")
            pins.append((requirements.Requirement(pinned.strip()), [h.strip() for h in hashes]))
    return pins


@pytest.fixture(scope="module")
def checkout() -> pathlib.Path:
    """The book's checkout."""
    return pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ranges(checkout: pathlib.Path) -> dict[str, requirements.Requirement]:
    """The lines of requirements.txt by package."""
    parsed = [requirements.Requirement(line) for line in read_lines(checkout / "requirements.txt")]
    assert parsed
    return {utils.canonicalize_name(one.name): one for one in parsed}


@pytest.fixture(scope="module")
def project(checkout: pathlib.Path) -> dict:
    """pyproject.toml."""
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins(checkout: pathlib.Path) -> list[tuple[requirements.Requirement, list[str]]]:
    """The entries of requirements.lock."""
    return read_pins(checkout / "requirements.lock")


# Colab.


@pytest.fixture(scope="module")
def colab(checkout: pathlib.Path) -> dict[str, str]:
    """Colab's version of each package that we know of there."""
    pins = map(requirements.Requirement, read_lines(checkout / "requirements-colab.txt"))
    found = {}
    for one in pins:
        [specifier] = one.specifier
        assert specifier.operator == "==", one
        found[utils.canonicalize_name(one.name)] = specifier.version
    assert {"tensorflow", "keras", "numpy"} <= set(found)
    return found


def test_colabs_own_versions_satisfy_our_ranges(ranges, colab):
    assert set(colab) <= set(ranges)
    refused = {
        name: found for name, found in colab.items() if not ranges[name].specifier.contains(found)
    }
    assert refused == {}, "on Colab, the first cell would replace these"


def test_every_line_is_known_from_colabs_list_or_noted_as_missing_there(ranges, colab):
    assert set(ranges) == set(colab) | NOT_NOTED


@pytest.mark.parametrize("flawed", FLAWED_KERAS)
def test_no_keras_with_a_known_flaw_in_reading_hdf5_files_is_allowed(ranges, flawed):
    assert not ranges["keras"].specifier.contains(flawed)


@pytest.mark.parametrize("sound", ["3.12.1", "3.13.2", "3.14.0"])
def test_a_keras_that_mended_the_flaw_is_allowed(ranges, sound):
    assert ranges["keras"].specifier.contains(sound)


def test_every_line_gives_a_lowest_version_and_no_exact_one(ranges):
    for requirement in ranges.values():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert ">=" in operators, requirement
        assert operators <= {">=", "<", "!="}, requirement
        assert requirement.url is None
        assert requirement.marker is None


def test_a_lower_version_than_colabs_major_is_refused(ranges):
    # The test of the tests above: a range does rule something out.
    assert not ranges["tensorflow"].specifier.contains("2.19.0")
    assert not ranges["keras"].specifier.contains("2.15.0")
    assert not ranges["numpy"].specifier.contains("1.26.4")


SUPPORTED_PYTHONS = ["3.11.4", "3.12.0", f"{COLAB_PYTHON}.0"]
# tarfile's data filter came with 3.11.4.
OTHER_PYTHONS = ["3.10.14", "3.11.3", "3.14.0"]


@pytest.mark.parametrize("python", [*SUPPORTED_PYTHONS, *OTHER_PYTHONS])
def test_the_package_installs_on_colabs_python_and_ours_and_no_other(project, python):
    allowed = specifiers.SpecifierSet(project["project"]["requires-python"])
    assert allowed.contains(python) is (python in SUPPORTED_PYTHONS)


@pytest.mark.parametrize("python", [*SUPPORTED_PYTHONS, *OTHER_PYTHONS])
def test_make_looks_for_the_same_pythons(checkout, tmp_path, python):
    program = tmp_path / "python"
    version_info = tuple(map(int, python.split(".")))
    question = f"import sys; sys.version_info = {version_info}; exec(sys.argv[1])"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{question}' \"$2\"\n", "utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", str(checkout / "tools" / "find-python.sh")],
        env={**os.environ, "PYTHON": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    supported = python in SUPPORTED_PYTHONS
    assert done.returncode == (0 if supported else 1)
    assert done.stdout == (f"{program}\n" if supported else "")
    assert ("3.11.4 or later" in done.stderr) is not supported


# What the tests need.


def imported_by(folder: pathlib.Path) -> set[str]:
    """The first names of every module that the files in a folder import."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


# Modules whose package has another name.
PACKAGE_OF = {"PIL": "pillow", "bs4": "beautifulsoup4", "skimage": "scikit-image"}
PACKAGE_OF |= {"sklearn": "scikit-learn", "yaml": "pyyaml", "IPython": "ipython"}
PACKAGE_OF |= {"fontTools": "fonttools", "ai_edge_litert": "ai-edge-litert"}


def test_the_extra_for_tests_brings_everything_that_the_unit_tests_import(
    checkout, project, ranges
):
    test_extra = project["project"]["optional-dependencies"]["test"]
    named = {utils.canonicalize_name(requirements.Requirement(text).name) for text in test_extra}
    needed = imported_by(checkout / "tests" / "unit") | imported_by(
        checkout / "tools" / "bookbuild"
    )
    ours = {
        path.stem
        for folder in ("src", "tools", "tests/unit")
        for path in (checkout / folder).iterdir()
    }
    # The extensions, such as numbering.py, are Sphinx's to load; no unit test does.
    of_sphinx = {"sphinx", "docutils", "latex2mathml"}
    packages = {PACKAGE_OF.get(name, name) for name in needed - ours - of_sphinx}
    assert packages - named - set(ranges) == set()


def test_the_package_asks_for_what_requirements_txt_says(project):
    dynamic = project["tool"]["setuptools"]["dynamic"]["dependencies"]
    assert project["project"]["dynamic"] == ["dependencies"]
    assert dynamic == {"file": ["requirements.txt"]}


# The lock file.


def test_every_version_is_pinned_and_has_hashes(pins):
    assert len(pins) > 50
    for requirement, hashes in pins:
        [specifier] = requirement.specifier
        assert specifier.operator == "==", requirement
        assert "*" not in specifier.version, requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), requirement
        assert len(hashes) == len(set(hashes)), requirement


def wanted(project: dict, ranges: dict) -> list[requirements.Requirement]:
    """Everything that `make book`, `make test` and `make bench` need."""
    texts = [
        text for extra in project["project"]["optional-dependencies"].values() for text in extra
    ]
    texts += project["build-system"]["requires"]
    return [*ranges.values(), *(requirements.Requirement(text) for text in texts)]


def test_every_package_we_name_is_pinned_within_its_range(pins, project, ranges):
    for requirement in wanted(project, ranges):
        name = utils.canonicalize_name(requirement.name)
        versions = [
            next(iter(pinned.specifier)).version
            for pinned, _ in pins
            if utils.canonicalize_name(pinned.name) == name
        ]
        assert versions, f"{name} is not in the lock file: run tools/lock.sh"
        for one in versions:
            assert requirement.specifier.contains(one), f"{name} {one}: run tools/lock.sh"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    "system",
    [
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    ],
    ids=lambda system: system["sys_platform"],
)
def test_no_package_is_pinned_twice_where_it_is_installed(pins, ranges, python, system):
    environment = {
        **markers.default_environment(),
        **system,
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    chosen = [
        utils.canonicalize_name(pinned.name)
        for pinned, _ in pins
        if pinned.marker is None or pinned.marker.evaluate(environment)
    ]
    assert sorted(chosen) == sorted(set(chosen))
    assert set(ranges) <= set(chosen)


def test_the_lock_file_names_no_address(checkout):
    text = (checkout / "requirements.lock").read_text(encoding="utf-8")
    for forbidden in ("://", " @ ", "--index", "--extra-index", "--find-links", "-i ", "-e "):
        assert forbidden not in text, forbidden


def test_the_newest_pins_are_no_release_candidates(pins):
    for requirement, _ in pins:
        pinned = version.Version(next(iter(requirement.specifier)).version)
        assert not pinned.is_devrelease, requirement


# Addresses, and what the package carries.


def source_files(checkout: pathlib.Path) -> list[pathlib.Path]:
    """Every file that git has, or would have."""
    command = ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others"]
    listed = subprocess.run([*command, "--exclude-standard"], capture_output=True, check=True)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [checkout / name for name in names if (checkout / name).is_file()]


@pytest.mark.parametrize("address", REGISTRY_ADDRESSES)
def test_no_file_names_the_address_of_a_registry(checkout, address):
    files = source_files(checkout)
    assert checkout / "requirements.lock" in files
    assert pathlib.Path(__file__).resolve() in files
    naming = [path for path in files if address.encode() in path.read_bytes()]
    assert naming == []


def test_the_package_carries_every_subpackage_and_data_file(checkout, project):
    setuptools = project["tool"]["setuptools"]
    src = checkout / "src"
    folders = {path.parent for path in (src / "seeing").rglob("*.py")}
    packages = {folder.relative_to(src).as_posix().replace("/", ".") for folder in folders}
    assert set(setuptools["packages"]) == packages | {"seeing._reference"}
    for folder in folders:
        package = folder.relative_to(src).as_posix().replace("/", ".")
        patterns = setuptools["package-data"].get(package, [])
        for path in folder.iterdir():
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert any(path.match(pattern) for pattern in patterns), (
                    f"{path.name} is not in [tool.setuptools.package-data] of {package}"
                )
