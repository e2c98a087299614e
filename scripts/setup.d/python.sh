# .venv with the project and its tools, from pinned versions.

python_environment() {
  have git || install git
  [ -s /etc/ssl/certs/ca-certificates.crt ] || install ca-certificates
  local tools docs project
  # Includes the folder: scripts in .venv contain its path.
  tools=$(cat requirements-dev.txt <(pwd) | sha256sum)
  project=$(sha256sum pyproject.toml)
  if [ "$(cat .venv/stamp-tools 2>/dev/null)" != "$tools" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    make_venv
    echo "$tools" > .venv/stamp-tools
  fi
  docs=$(sha256sum < requirements-docs.txt)
  if [ "$(cat .venv/stamp-docs 2>/dev/null)" != "$docs" ]; then
    pip install --requirement requirements-docs.txt || fail "pip could not install the documentation's requirements: check the network"
    echo "$docs" > .venv/stamp-docs
  fi
  if [ "$(cat .venv/stamp-project 2>/dev/null)" != "$project" ]; then
    pip install --no-deps --no-build-isolation --editable . || fail "pip could not install the project itself"
    echo "$project" > .venv/stamp-project
  fi
  .venv/bin/python -m compileall -q src # if Python may not write bytecode, each command would compile everything
}

make_venv() {
  local python
  python=$(find_python) || { install python3; python=$(find_python); } ||
    fail "Python 3.11 or newer is required, but this machine's packages have an older one"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install_venv "$python"
  say "creating .venv from requirements-dev.txt (about half a minute)"
  rm -rf .venv
  "$python" -m venv .venv
  pip install --requirement requirements-dev.txt || fail "pip could not install the requirements: check the network"
}

pip() { .venv/bin/python -m pip -qq --disable-pip-version-check "$@"; }

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

install_venv() { # python: the package of its version if apt has one
  local version
  version=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if in_apt "$version"; then install "$version"; else install python3-venv; fi
}
