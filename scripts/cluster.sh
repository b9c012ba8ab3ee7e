#!/usr/bin/env bash
# Sets engines for campaigns up on this one machine, runs one exploration in parts on each of them, kills a worker in the
# middle, and compares the sum with the exploration in one process. What it has started is stopped again.
#
#   scripts/cluster.sh [ENGINE...]     local, parallel, slurm, hyperqueue; without a name all that can be installed here
#
# With $ADDONRACE_RELEASE, that program is used instead of a new release build.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install python3

addonrace=${ADDONRACE_RELEASE:-}
if [ -z "$addonrace" ]; then
  say "The release build"
  swift build "${build_options[@]}" -c release --product addonrace
  addonrace=$(swift build "${build_options[@]}" -c release --show-bin-path)/addonrace
fi

# As a job's process names it.
addonrace=$(readlink -f "$addonrace")

work=$(mktemp -d)
export XDG_STATE_HOME=$work/state
daemons=()
clean_up() {
  for daemon in "${daemons[@]}"; do as_root pkill -x "$daemon" || true; done
  rm -rf "$work"
}
trap clean_up EXIT

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# start DAEMON COMMAND...: unless it is running.
start() {
  local daemon=$1
  shift
  # One that is dead, and that nobody has waited for, does not count.
  ps -C "$daemon" -o stat= | grep -qv '^Z' && return
  as_root "$@" && daemons+=("$daemon")
}

# Each set_up_ENGINE answers whether there is one.
set_up_local() { :; }
set_up_parallel() { command -v parallel >/dev/null || install parallel; }

set_up_slurm() {
  # A cluster that is there is used as it is.
  if [ -f /etc/slurm/slurm.conf ] && ! grep -q '^ClusterName=addonrace$' /etc/slurm/slurm.conf; then
    sinfo -h | grep -q . && return
    echo "note: there is an /etc/slurm/slurm.conf, and no cluster" >&2
    return 1
  fi
  command -v slurmctld >/dev/null || install slurm-wlm munge || return 1
  as_root mkdir -p /etc/slurm /var/spool/slurmd /var/spool/slurmctld /run/munge
  [ -f /etc/munge/munge.key ] || as_root sh -c 'dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none'
  as_root chown -R munge:munge /etc/munge /run/munge
  as_root chmod 400 /etc/munge/munge.key
  start munged runuser -u munge -- munged || return 1
  local node
  node=$(hostname -s)
  as_root tee /etc/slurm/slurm.conf >/dev/null <<CONF
ClusterName=addonrace
SlurmctldHost=$node
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
NodeName=$node CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  start slurmctld slurmctld || return 1
  start slurmd slurmd || return 1
  for _ in $(seq 30); do
    sinfo -h -t idle 2>/dev/null | grep -q . && return
    sleep 1
  done
  echo "note: slurm has no idle node; see /var/log/slurmctld.log" >&2
  return 1
}

# Without a server, the campaign starts one for itself.
set_up_hyperqueue() {
  if ! python3 -c 'import hyperqueue' 2>/dev/null; then
    install python3-venv || return 1
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --timeout 10 --retries 1 hyperqueue || return 1
    PATH=$work/venv/bin:$PATH
    export PATH
  fi
  export HQ_SERVER_DIR=$work/no-server
}

# One number of a report in JSON, of its first verdict.
executions() { python3 -c 'import json, sys; print(json.load(sys.stdin)["verdicts"][0]["exploration"]["executions"])'; }

scenario=(scenarios/sites/file-owner-c11.yaml --racers allocate=4 --inodes 3 --no-symmetry --memory-model c11 --time 600)
say "In one process"
whole=$("$addonrace" explore "${scenario[@]}" --jobs 1 --no-journal --format json | executions)
echo "$whole executions"
"$addonrace" explore "${scenario[@]}" --frontier "$work/frontier.json" -n 64

[ $# -gt 0 ] || set -- local parallel slurm hyperqueue
for engine in "$@"; do
  say "On $engine"
  declare -F "set_up_$engine" >/dev/null || { echo "error: there is no engine '$engine'" >&2; exit 64; }
  if ! "set_up_$engine"; then
    echo "note: $engine cannot be installed here"
    continue
  fi
  printf 'name: %s\njobs:\n  - from: %s\n    shards: 16\n' "$engine" "$work/frontier.json" >"$work/$engine.yaml"
  # Once a job has begun, its process is killed.
  (
    while sleep 0.05; do
      victim=$(pgrep -of "^$addonrace explore --from $work/frontier.json" || true)
      if [ -n "$victim" ]; then
        kill -9 "$victim" && echo "note: process $victim was killed"
        break
      fi
    done
  ) &
  killer=$!
  "$addonrace" campaign "$work/$engine.yaml" --on "$engine" >"$work/$engine.txt" || { cat "$work/$engine.txt"; exit 1; }
  kill "$killer" 2>/dev/null || true
  tail -n 1 "$work/$engine.txt"
  sum=$("$addonrace" merge "$work/$engine.campaign"/*.jsonl --format json | executions)
  echo "$sum executions"
  [ "$sum" = "$whole" ] || { echo "error: $engine's parts come to $sum, one process to $whole" >&2; exit 1; }
done
say "All add up"
