#!/usr/bin/env bash
# Builds the documentation as a site: the articles, and what `import AddonRace` gives. A warning is an error.
#
#     scripts/docs.sh [FOLDER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config python3
site=${1:-.build/site}

graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT
# It says nothing of what it builds; a module that does not build is an error all the same.
swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members >"$graphs/log" 2>&1 ||
  { cat "$graphs/log" >&2; exit 1; }
from=$(sed -n 's/^Files written to //p' "$graphs/log")
# Users import one module, which exports the others: in the site, theirs are its symbols too.
python3 - "$from" "$graphs" <<'PYTHON'
import json, pathlib, re, sys
source, target = map(pathlib.Path, sys.argv[1:])
exported = re.findall(r"^@_exported import (\w+)", pathlib.Path("Sources/AddonRace/Exports.swift").read_text(), re.M)
whole = json.loads((source / "AddonRace.symbols.json").read_text())
for module in ["AddonRace"] + exported:
    for file in source.glob(f"{module}*.symbols.json"):
        if re.split("[@.]", file.name)[0] == module and "@Swift" not in file.name:
            graph = json.loads(file.read_text())
            whole["symbols"] += graph["symbols"]
            whole["relationships"] += graph["relationships"]
whole["symbols"] = list({symbol["identifier"]["precise"]: symbol for symbol in whole["symbols"]}.values())
(target / "AddonRace.symbols.json").write_text(json.dumps(whole))
PYTHON
docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
rm -rf "$site"
"$docc" convert Sources/AddonRace/AddonRace.docc --additional-symbol-graph-dir "$graphs" --output-path "$site" \
  --fallback-bundle-identifier addonrace --fallback-display-name AddonRace --warnings-as-errors
echo "$(find "$site" -name index.html | wc -l) pages: $site/documentation/addonrace/index.html (python3 -m http.server --directory $site)"
