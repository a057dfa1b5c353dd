#!/bin/sh
# Installs edge-run from this folder, without a network: sh install.sh [--uninstall] [FOLDER]
here=$(dirname -- "$0")
for python in python@PYTHON@ python3 python; do
    if command -v "$python" >/dev/null 2>&1; then
        exec "$python" "$here/install.py" "$@"
    fi
done
echo "install: there is no Python; install Python @PYTHON@ first" >&2
exit 2
