#!/bin/bash
# One Python environment in /lake/envs/<name>: exactly what <name>.txt holds, by hash. uv.txt lies beside it in the working folder.
set -euo pipefail
name=$1
python3 -m venv uv
uv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r uv.txt
uv/bin/uv venv --python /usr/local/bin/python3.11 "/lake/envs/$name"
uv/bin/uv pip sync --no-cache --require-hashes --python "/lake/envs/$name/bin/python" "$name.txt"
