#!/usr/bin/env bash
# Prints how far exploration goes, in one process and in as many as there are processors: executions and seconds against
# racers and inodes, and the throughput of two jobs against two explorations side by side. Names another command with ADDONRACE.
#
#     scripts/parallel-figures.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command=${ADDONRACE:-$(swift build -c release --show-bin-path)/addonrace}
jobs=$(nproc)

# explore JOBS ARGUMENT...: executions, blocked runs, seconds
explore() {
  local count=$1
  shift
  "$command" explore "$@" --jobs "$count" --no-journal --executions 1000000000 --time 600 --format json 2>/dev/null |
    python3 -c '
import json, sys
e = json.load(sys.stdin)["verdicts"][0]["exploration"]
print(e["executions"], e["blockedRuns"], e["seconds"] if e["isExhaustive"] else "-")'
}

echo "| scenario | racers, inodes | model | executions | blocked runs | 1 job, s | $jobs jobs, s |"
echo "|---|---|---|---|---|---|---|"
row() { # row NAME SIZE MODEL ARGUMENT...
  local name=$1 size=$2 model=$3 executions blocked alone several
  shift 3
  read -r executions blocked alone < <(explore 1 "$@" --memory-model "$model")
  read -r _ _ several < <(explore "$jobs" "$@" --memory-model "$model")
  printf "| %s | %s | %s | %d | %d | %.2f | %.2f |\n" \
    "$name" "$size" "$model" "$executions" "$blocked" "$alone" "$several"
}
owner=(scenarios/sites/file-owner-c11.yaml --no-symmetry)
row file-owner-c11 "4, 3" c11 "${owner[@]}" --racers allocate=4 --inodes 3
row file-owner-c11 "4, 4" c11 "${owner[@]}" --racers allocate=4 --inodes 4
row file-owner-c11 "5, 3" c11 "${owner[@]}" --racers allocate=5 --inodes 3
row file-owner-c11 "12, 1" c11 "${owner[@]}" --racers allocate=12
marks=scenarios/sites/fsnotify-marks.yaml
for model in sc tso; do
  row fsnotify-marks "2, 1" "$model" "$marks" --racers add-and-remove=1,hook=1
  row fsnotify-marks "3, 1" "$model" "$marks" --racers add-and-remove=2,hook=1
done
for model in sc tso kernel; do row bpf-storage "3, 1" "$model" scenarios/sites/bpf-storage.yaml; done

echo
echo "4 racers, 4 inodes, c11: executions a second of $jobs jobs, against $jobs explorations side by side with one job each"
for _ in 1 2 3; do
  read -r executions _ seconds < <(explore "$jobs" "${owner[@]}" --memory-model c11 --racers allocate=4 --inodes 4)
  beside=$(for _ in $(seq "$jobs"); do
    explore 1 "${owner[@]}" --memory-model c11 --racers allocate=4 --inodes 4 &
  done | awk '{ rate += $1 / $3 } END { print rate }'; wait)
  awk -v n="$executions" -v s="$seconds" -v b="$beside" 'BEGIN { printf "%.0f against %.0f: %.2f\n", n / s, b, n / s / b }'
done
