# What the scripts share. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

# install PACKAGE...: Debian packages, those that are missing.
install() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "Installing ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# install_if_there PACKAGE: one that not every distribution has.
install_if_there() {
  if apt-cache show "$1" >/dev/null 2>&1; then install "$1"; else echo "note: there is no package $1 here"; fi
}

if ! command -v swift >/dev/null; then
  echo "error: there is no Swift toolchain; install one from https://www.swift.org/install, 6.1 or newer" >&2
  exit 1
fi

# For `addonrace --version`; with a + where files have been changed since.
if ADDONRACE_COMMIT=$(git rev-parse --short=8 HEAD 2>/dev/null); then
  git diff --quiet HEAD 2>/dev/null || ADDONRACE_COMMIT+=+
  export ADDONRACE_COMMIT
fi

# A module that imports what it does not declare is an error: the layout is enforced.
build_options=(--explicit-target-dependency-import-check error)
# ADDONRACE_TRAITS=Results builds `addonrace results` too, which takes SQLite.
if [ -n "${ADDONRACE_TRAITS:-}" ]; then
  build_options+=(--traits "$ADDONRACE_TRAITS")
  install libsqlite3-dev
fi
