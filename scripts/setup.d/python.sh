# .venv with the project and its tools, from pinned versions.

python_environment() {
  have git || install git ca-certificates
  local python stamp
  python=$(find_python) || { install python3; python=$(find_python) || fail "Python 3.11 or newer is needed; the one here is older"; }
  stamp=$(cat pyproject.toml requirements-dev.txt | sha256sum | cut -d' ' -f1)
  if [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ] && .venv/bin/python -c 'import shipway' 2>/dev/null; then return; fi
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
  say "making .venv from requirements-dev.txt"
  rm -rf .venv
  "$python" -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check -r requirements-dev.txt || fail "pip could not install the requirements: is the network there?"
  .venv/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
  echo "$stamp" > .venv/stamp
}

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$name"; return; fi
  done
  return 1
}
