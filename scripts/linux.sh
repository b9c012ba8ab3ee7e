#!/usr/bin/env bash
# Cuts functions out of a kernel tree, as they are, and explores and races them: linux/ has the structures around them.
#
#     scripts/linux.sh [TREE]
#     scripts/linux.sh --cut TREE FOLDER
#
# TREE is a folder or a tar file; without it, Debian's linux-source-6.12 is installed and used. What is cut out stands in
# linux/*.cut.h afterwards, with the tree's line numbers, and is not committed. --cut only cuts, into another folder.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

into=linux only_cuts=
if [ "${1:-}" = --cut ]; then
  [ $# -eq 3 ] && [ -d "$3" ] || { echo "error: --cut takes a tree and a folder that exists" >&2; exit 64; }
  only_cuts=yes into=$3
  shift
fi
tree=${1:-}
if [ -z "$tree" ]; then
  install linux-source-6.12 xz-utils
  tree=/usr/src/linux-source-6.12.tar.xz
fi
[ -e "$tree" ] || { echo "error: there is no $tree; name a kernel tree, or its tar file" >&2; exit 66; }

mapfile -t rows < <(grep -v '^#' linux/functions.txt)
if [ -f "$tree" ]; then
  say "Taking the files that are needed from $tree"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  files=(Makefile)
  for row in "${rows[@]}"; do read -r _ file _ <<<"$row"; files+=("$file"); done
  mapfile -t patterns < <(printf '%s\n' "${files[@]}" | sort -u | sed 's|^|*/|')
  tar --extract --file "$tree" --directory "$scratch" --wildcards --strip-components 1 "${patterns[@]}"
  tree=$scratch
fi
[ -f "$tree/Makefile" ] || { echo "error: $tree is no kernel tree: it has no Makefile" >&2; exit 66; }
version=$(awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 } $1 == "SUBLEVEL" { s = $3 } END { print v "." p "." s }' "$tree/Makefile")

# cut FILE FUNCTION: the definition, from the line of its type to the brace in the first column; the first, if a
# configuration has several.
cut() {
  awk -v name="$2" -v file="$1" '
    !found && $0 ~ "^([a-zA-Z_].*[ *])?" name "\\(" && $0 !~ /;[ \t]*$/ {
      found = NR; text = $0 "\n"; start = NR
      # The type may stand in a line of its own.
      if ($0 ~ "^" name "\\(" && previous ~ /^[a-zA-Z_]/) { text = previous "\n" text; start = NR - 1 }
      next
    }
    found && !done {
      # A declaration over several lines is none.
      if (!body && /;[ \t]*$/ && text !~ /\n{/) { found = 0; previous = $0; next }
      if (/^{/) body = 1
      text = text $0 "\n"
      if (/^}/) done = 1
    }
    { previous = $0 }
    END {
      if (!done) exit 1
      printf "#line %d \"%s\"\n%s", start, file, text
    }' "$tree/$1"
}

say "Linux $version: cutting ${#rows[@]} functions out"
rm -f "$into"/*.cut.h
failed=0
for row in "${rows[@]}"; do
  read -r model file function <<<"$row"
  if [ ! -f "$tree/$file" ]; then
    echo "error: $tree has no $file, where $function was looked for" >&2
    failed=1
  elif ! cut "$file" "$function" >>"$into/$model.cut.h"; then
    echo "error: $file of Linux $version defines no $function: no line that begins a definition of that name" >&2
    failed=1
  fi
done
[ $failed -eq 0 ] || exit 65
echo "$into/*.cut.h"
[ -z "$only_cuts" ] || exit 0

install libatomic-ops-dev pkg-config
swift build -c release --product addonrace "${build_options[@]}" >&2
addonrace=$(swift build -c release --show-bin-path)/addonrace
say "Explored under every model"
"$addonrace" explore linux || status=$?
say "Raced on real threads"
"$addonrace" run linux --engine stress || status=$?
exit ${status:-0}
