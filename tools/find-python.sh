#!/bin/sh
# Prints the first Python on the PATH that the book supports (3.11.4 to 3.13); PYTHON overrides.
# 3.11.4 is the first whose tarfile refuses archives that would write elsewhere.
supported='import sys; sys.exit(not (3, 11, 4) <= sys.version_info[:3] < (3, 14))'
candidates=${PYTHON:-python3 python3.13 python3.12 python3.11 python}
for python in $candidates; do
    if "$python" -c "$supported" >/dev/null 2>&1; then
        echo "$python"
        exit 0
    fi
done
echo "No Python 3.11 (3.11.4 or later), 3.12 or 3.13 found (looked for: $candidates)." >&2
echo "Install one, or name it: make book PYTHON=/path/to/python3.11" >&2
exit 1
