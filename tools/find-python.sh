#!/bin/sh
# Prints the first Python on the PATH that the book supports (3.11 to 3.13); PYTHON overrides.
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$python" -c "$supported" >/dev/null 2>&1; then
        echo "$python"
        exit 0
    fi
done
echo "No Python 3.11, 3.12 or 3.13 found (looked for: ${PYTHON:-python3 python3.13 python3.12 python3.11 python})." >&2
echo "Install one, or name it: make book PYTHON=/path/to/python3.11" >&2
exit 1
