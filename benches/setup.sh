#!/bin/sh
# Installs what oneex is compared with into a virtual environment of its own, below `target/`.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv target/peers
target/peers/bin/pip install --quiet 'ansible-core==2.19.*' 'pyinfra==3.*'
