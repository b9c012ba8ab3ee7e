#!/usr/bin/env bash
# What reports of many verdicts cost: time and memory of each format, and how long a browser takes to open the page. The
# verdicts are those of exploring the shipped scenarios, half of which have a trace of some 45 steps, over and over.
#
#     scripts/report-figures.sh [VERDICTS] [REPETITIONS]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config python3 time
verdicts=${1:-10000} repetitions=${2:-5}

swift build -c release --product addonrace "${build_options[@]}" >&2
command=$(swift build -c release --show-bin-path)/addonrace
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
"$command" explore scenarios --journal "$scratch/small.jsonl" >/dev/null
python3 - "$scratch/small.jsonl" "$scratch/large.jsonl" "$verdicts" <<'PYTHON'
import json, sys
source, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
head, *lines = [json.loads(line) for line in open(source)]
head["keys"] = [f"{number:016x}" for number in range(count)]
with open(target, "w") as file:
    print(json.dumps(head), file=file)
    for number, key in enumerate(head["keys"]):
        entry = lines[number % len(lines)]
        scenario = dict(entry["scenario"], name=f"{entry['scenario']['name']}-{number // len(lines)}")
        print(json.dumps(dict(entry, scenario=scenario, key=key)), file=file)
PYTHON

# cost FORMAT: seconds and kilobytes of one report, written to $scratch/report.FORMAT.
cost() {
  /usr/bin/time -f '%e %M' "$command" merge "$scratch/large.jsonl" --format "$1" -o "$scratch/report.$1" 2>&1 >/dev/null |
    tail -1
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

echo "$verdicts verdicts, median of $repetitions; reading them from the journal is what \`github\` costs, a line as its report"
printf '| %-12s | %8s | %17s | %11s | %9s |\n' format seconds 'without reading' 'memory (MB)' 'size (MB)'
echo '|---|---|---|---|---|'
for format in github table json jsonl junit ktap markdown sarif html chrome-trace; do
  : >"$scratch/seconds" >"$scratch/beyond"
  for ((i = 0; i < repetitions; i++)); do
    read -r reading _ <<<"$(cost github)"
    read -r seconds kilobytes <<<"$(cost "$format")"
    echo "$seconds" >>"$scratch/seconds"
    awk "BEGIN { print $seconds - $reading }" >>"$scratch/beyond"
  done
  printf '| %-12s | %8.1f | %17.1f | %11.0f | %9.1f |\n' "$format" "$(median <"$scratch/seconds")" \
    "$(median <"$scratch/beyond")" "$((kilobytes / 1024))" "$(stat -c %s "$scratch/report.$format" | awk '{ print $1 / 1e6 }')"
done

browser=$(command -v chromium google-chrome | head -1) || { echo "no browser: the page was not opened"; exit 0; }
sed 's#</body>#<script>addEventListener("load", () => requestAnimationFrame(() => { document.title = "OPEN " + Math.round(performance.now()); }))</script></body>#' \
  "$scratch/report.html" >"$scratch/page.html"
for ((i = 0; i < repetitions; i++)); do
  timeout 60 "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --dump-dom \
    --user-data-dir="$scratch/profile" "file://$scratch/page.html" 2>/dev/null |
    sed -n 's#.*<title>OPEN \([0-9]*\)</title>.*#\1#p'
done | median | awk '{ print "the page is open after " $1 " ms (median)" }'
