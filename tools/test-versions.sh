#!/bin/sh
# Runs the unit tests with other versions of the libraries than the locked ones, in an environment
# of their own: sh tools/test-versions.sh oldest|newest|colab
#   oldest  the lowest version of everything that pyproject.toml and requirements.txt name
#   newest  the highest versions that they allow
#   colab   what Colab has (requirements-colab.txt), the rest as new as it allows
# PYTHON names another Python than the first on the PATH that the book supports.
set -eu
versions=${1:-}
case "$versions" in
    oldest) choose='--resolution lowest-direct' ;;
    newest) choose='--upgrade' ;;
    colab) choose='--constraint requirements-colab.txt' ;;
    *)
        echo "which versions? sh tools/test-versions.sh oldest|newest|colab" >&2
        exit 2
        ;;
esac
cd "$(dirname "$0")/.."
python=$(sh tools/find-python.sh)
environment=.venv-$versions
echo "Making $environment with $("$python" --version) ..."
rm -rf "$environment"
"$python" -m venv "$environment"
# Only uv can take the lowest versions.
"$environment/bin/python" -m pip install --quiet uv
# shellcheck disable=SC2086 # two words on purpose
"$environment/bin/uv" pip install --quiet --python "$environment/bin/python" $choose --editable '.[test]'
"$environment/bin/uv" pip freeze --python "$environment/bin/python" --exclude-editable
exec "$environment/bin/python" -m pytest tests/unit
