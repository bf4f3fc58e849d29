#!/bin/sh
# Writes requirements.lock: every version with hashes, for Python 3.11.4 to 3.13 on every system.
# Needs uv (pip install uv). Run it from the checkout after a change in requirements.txt or
# pyproject.toml.
set -eu
build=$(mktemp)
trap 'rm -f "$build"' EXIT
python3 - >"$build" <<'PYTHON'
import tomllib
print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"]))
PYTHON
uv pip compile --quiet --universal --python-version 3.11.4 --all-extras --generate-hashes \
    --no-emit-index-url --no-header --no-annotate "$@" pyproject.toml "$build" \
    --output-file requirements.lock
