#!/usr/bin/env bash
# Explores public test suites of other tools, and compares verdicts and counts with what those say. Nothing of the suites is
# kept here: they are cloned into a folder for temporary files, or named.
#
#     scripts/public-suites.sh [--sample 500] [--seed 1] [--nidhugg FOLDER] [--genmc FOLDER]
#
# - nidhugg, tests/litmus/C-tests: the verdict under sequential consistency, and no fewer executions than it has distinct
#   reads-from graphs.
# - GenMC 0.11, tests/correct/litmus: the number of executions under RC11 and SC.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config python3 git

sample=500 seed=1 nidhugg= genmc=
while (($#)); do
  case $1 in
    --sample) sample=$2 ;;
    --seed) seed=$2 ;;
    --nidhugg) nidhugg=$2 ;;
    --genmc) genmc=$2 ;;
    *) echo "error: unknown option $1; they are: --sample, --seed, --nidhugg, --genmc" >&2; exit 64 ;;
  esac
  shift 2
done

swift build -c release --product addonrace "${build_options[@]}" >&2
command=$(swift build -c release --show-bin-path)/addonrace
suites=$(mktemp -d)
trap 'rm -rf "$suites"' EXIT
if [[ -z $nidhugg ]]; then
  git clone --quiet --depth 1 https://github.com/nidhugg/nidhugg "$suites/nidhugg"
  nidhugg=$suites/nidhugg
fi
if [[ -z $genmc ]]; then
  git clone --quiet --depth 1 --branch v0.11.0 https://github.com/MPI-SWS/genmc "$suites/genmc"
  genmc=$suites/genmc
fi

python3 - "$command" "$nidhugg" "$genmc" "$sample" "$seed" <<'PYTHON'
import concurrent.futures, json, os, random, re, subprocess, sys

command, nidhugg, genmc, sample, seed = sys.argv[1:4] + [int(number) for number in sys.argv[4:6]]


def explore(file, model):
    """The outcome, the checkers that reported, and the number of executions."""
    words = [command, "explore", file, "--memory-model", model, "--format", "json", "--no-symmetry", "--time", "60"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=300)
        verdict = json.loads(answer.stdout)["verdicts"][0]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError, IndexError) as error:
        return "broken", [str(error)], None
    findings = [finding["checker"] for finding in verdict["findings"]]
    return verdict["outcome"], findings, (verdict.get("exploration") or {}).get("executions")


def all_of(jobs, judge):
    """Answers how many are as they should be, and prints the others."""
    right = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, result in zip(jobs, pool.map(lambda job: explore(job[1], job[2]), jobs)):
            objection = judge(job, *result)
            if objection is None:
                right += 1
            else:
                print(f"- {job[0]} ({job[2]}): {objection}")
    return right


def nidhuggs():
    folder = os.path.join(nidhugg, "tests/litmus")
    known = {}
    for line in open(os.path.join(folder, "reference.results.txt")):
        if match := re.match(r"(\S+) (Allow|Forbid) : (\d+)", line):
            known[match[1]] = ("fail" if match[2] == "Allow" else "pass", int(match[3]))
    names = sorted(name for name in known if os.path.exists(f"{folder}/C-tests/{name}.c"))
    random.seed(seed)
    names = random.sample(names, min(sample, len(names)))

    def judge(job, outcome, findings, executions):
        wanted, graphs = known[job[0]]
        if outcome != wanted or outcome == "fail" and "assertion" not in findings:
            return f"{outcome} {findings} instead of {wanted}"
        if outcome == "pass" and executions < graphs:
            return f"{executions} executions for {graphs} reads-from graphs"

    jobs = [(name, f"{folder}/C-tests/{name}.c", "sc") for name in names]
    return all_of(jobs, judge), len(jobs)


def genmcs():
    folder = os.path.join(genmc, "tests/correct/litmus")
    jobs, wanted = [], {}
    for name in sorted(os.listdir(folder)):
        variants = f"{folder}/{name}/variants"
        if not os.path.isdir(variants):
            continue
        files = sorted(file for file in os.listdir(variants) if file.endswith(".c"))
        for model, counts in (("c11", "expected.rc11.mo.in"), ("sc", "expected.sc.mo.in")):
            if not os.path.exists(f"{folder}/{name}/{counts}"):
                continue
            lines = open(f"{folder}/{name}/{counts}").read().split()
            for file, count in zip(files, lines):
                jobs.append((file, f"{variants}/{file}", model))
                wanted[file, model] = int(count)

    def judge(job, outcome, findings, executions):
        if outcome != "pass" or executions != wanted[job[0], job[2]]:
            return f"{outcome} {findings}, {executions} executions instead of {wanted[job[0], job[2]]}"

    return all_of(jobs, judge), len(jobs)


rows = [("nidhugg, litmus, verdicts under SC", nidhuggs()), ("GenMC 0.11, correct/litmus, counts under RC11 and SC", genmcs())]
print("\n| suite | as it says | of |\n|---|---|---|")
for name, (right, count) in rows:
    print(f"| {name} | {right} | {count} |")
PYTHON
