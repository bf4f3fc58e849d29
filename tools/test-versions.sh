#!/bin/sh
# Runs the unit tests and every chapter, quickly, with other versions of the libraries than the
# locked ones, in an environment of their own:
#   sh tools/test-versions.sh oldest|newest|colab [TEST ...]
#   oldest  the lowest version of everything that pyproject.toml and requirements.txt name
#   newest  the highest versions that they allow
#   colab   what Colab has (requirements-colab.txt), the rest as new as it allows
# TEST names some of it: tests/unit, notebooks/04_first_cnn.ipynb. PYTHON names another Python than
# the first on the PATH that the book supports.
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
shift
cd "$(dirname "$0")/.."
# As the Makefile has it, but never the full budgets: those measure, and take hours.
export SEEING_PROFILE=quick SEEING_PROGRESS=0
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
export PYDEVD_DISABLE_FILE_VALIDATION="${PYDEVD_DISABLE_FILE_VALIDATION:-1}"
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
# Kernels of nbval's own, of this environment: what the build has executed stays as it is.
[ $# -gt 0 ] || set -- tests/unit notebooks
exec "$environment/bin/python" -m pytest --nbval-current-env "$@"
