#!/usr/bin/env bash
# Installs AddonRace, or takes it away again: the command, its manual pages, completions for bash, zsh and fish, headers for code
# of your own, the scenarios and the articles.
#
#     scripts/install.sh [PREFIX]              into PREFIX, by default /usr/local
#     scripts/install.sh --uninstall [PREFIX]
#
# DESTDIR is put before PREFIX, as for a package. `addonrace results` needs SQLite; ADDONRACE_TRAITS= leaves both out.
# ADDONRACE_BUILT names a command that is built already, which is taken as it is.
export ADDONRACE_TRAITS=${ADDONRACE_TRAITS-Results}
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

uninstalls=0
if [ "${1:-}" = --uninstall ]; then
  uninstalls=1
  shift
fi
prefix=${1:-/usr/local}
case $prefix in
  /*) ;;
  *) echo "error: the prefix $prefix is not an absolute path; name one that begins with /" >&2; exit 64 ;;
esac
root=${DESTDIR:-}$prefix
list=$root/share/addonrace/installed

if [ "$uninstalls" = 1 ]; then
  if [ ! -f "$list" ]; then
    echo "error: AddonRace is not installed in $root: there is no $list" >&2
    exit 1
  fi
  while IFS= read -r file; do rm -f "$root/$file"; done <"$list"
  rm -f "$list"
  # Folders that are empty now, the deepest first.
  find "$root/share/addonrace" "$root/share/doc/addonrace" "$root/include/addonrace" -depth -type d -empty -delete 2>/dev/null || true
  echo "AddonRace is gone from $root"
  exit
fi

if [ -e "$root" ] && [ ! -w "$root" ]; then
  echo "error: $root cannot be written; name another prefix, as scripts/install.sh ~/.local, or become root" >&2
  exit 73
fi

install libatomic-ops-dev pkg-config help2man
built=${ADDONRACE_BUILT:-}
if [ -z "$built" ]; then
  say "Building"
  # The Swift libraries are part of it: it runs where there is no toolchain.
  static=(-c release --static-swift-stdlib --scratch-path .build-static)
  swift build "${static[@]}" --product addonrace "${build_options[@]}"
  built=$(swift build "${static[@]}" --show-bin-path)/addonrace
fi

say "Installing into $root"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/bin "$stage"/include "$stage"/share/{man/man1,addonrace,doc/addonrace} \
  "$stage"/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
command=$stage/bin/addonrace
cp "$built" "$command"
strip "$command"
# It is read by a shell, not run.
"$command" --generate-completion-script bash | sed '1{/^#!/d}' >"$stage/share/bash-completion/completions/addonrace"
"$command" --generate-completion-script zsh >"$stage/share/zsh/site-functions/_addonrace"
"$command" --generate-completion-script fish >"$stage/share/fish/vendor_completions.d/addonrace.fish"
version=$("$command" --version)
page() { # page NAME SUBCOMMAND...
  local name=$1 summary
  shift
  summary=$("$command" "$@" --help | sed -n 's/^OVERVIEW: //p')
  help2man --no-info --section 1 --name "${summary%.}" --version-string "addonrace $version" \
    --help-option "$* --help" "$command" | sed 's/^\.TH [^ ]*/.TH '"${name^^}"'/' |
    gzip -9n >"$stage/share/man/man1/$name.1.gz"
}
page addonrace
for subcommand in $("$command" --help | sed -n '/^SUBCOMMANDS:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  page "addonrace-$subcommand" "$subcommand"
done
cp Sources/CCandidate/runtime/addonrace.h "$stage/include/"
mkdir -p "$stage/include/addonrace"
cp Sources/CCandidate/runtime/addonrace/*.h "$stage/include/addonrace/"
cp -r scenarios schemas "$stage/share/addonrace/"
# What `addonrace new` begins with.
mkdir -p "$stage/share/addonrace/Examples/OwnSite"
(cd Examples/OwnSite && cp -r Package.swift README.md Sources Tests scenarios "$stage/share/addonrace/Examples/OwnSite/")
cp README.md Sources/AddonRace/AddonRace.docc/*.md "$stage/share/doc/addonrace/"

mkdir -p "$root"
(cd "$stage" && find . -type f | sed 's|^\./||' | sort) >"$stage.list"
while IFS= read -r file; do
  mode=644
  [ "$file" = bin/addonrace ] && mode=755
  command install -D -m "$mode" "$stage/$file" "$root/$file"
done <"$stage.list"
mv "$stage.list" "$list"
echo "addonrace $version is installed: $root/bin/addonrace"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) [ -n "${DESTDIR:-}" ] || echo "note: $prefix/bin is not in PATH" ;;
esac
