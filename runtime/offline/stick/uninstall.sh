#!/bin/sh
# Removes what install.sh put on this machine: sh uninstall.sh [FOLDER]
here=$(dirname -- "$0")
for python in python@PYTHON@ python3 python; do
    if command -v "$python" >/dev/null 2>&1; then
        exec "$python" "$here/uninstall.py" "$@"
    fi
done
echo "uninstall: there is no Python; delete $here" >&2
exit 2
