#!/bin/bash
# The built unlasting-train from end to end: exit codes, one-line errors, nothing half-written.
set -euo pipefail
train=$1
data=tests/data/golden/zhao2021_glioblastoma_panobinostat_300g.h5ad
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

# refuses EXIT_CODE WORDS COMMAND...: one line on stderr that holds the words.
refuses() {
  local code=$1 words=$2 found=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" || found=$?
  [ "$found" = "$code" ] || fail "exit code $found, expected $code: $* ($(cat "$work/err"))"
  grep -qF -- "$words" "$work/err" || fail "stderr lacks '$words': $(cat "$work/err")"
  [ "$(wc -l <"$work/err")" -le 4 ] || fail "more than a short message: $*"
}

# shows WORDS COMMAND...: success, with the words on stdout. Through a file: grep -q closes a pipe early.
shows() {
  local words=$1
  shift
  "$@" >"$work/out" || fail "exit code $?: $*"
  grep -qF -- "$words" "$work/out" || fail "stdout lacks '$words': $*"
}

shows 'unlasting-train ' "$train" --version
shows 'grn.threshold' "$train" fit --help
refuses 2 'required' "$train" fit
refuses 2 'see unlasting-train fit --help' "$train" fit
# Every command that takes settings checks all of them before it reads data.
for command in fit prepare network; do
  refuses 2 "split: found 'half'" "$train" $command --data absent.h5ad --out "$work/b" \
    --set steps=0 --set split=half
  grep -qF 'steps: found 0' "$work/err" || fail "$command does not name every bad setting"
done
shows '"exclusiveMinimum"' "$train" --settings-schema
shows '| `grn.threshold` |' "$train" --settings-table
refuses 2 'absent.h5ad' "$train" fit --data absent.h5ad --out "$work/b" --progress none
refuses 2 'obs has no column' "$train" fit --data $data --out "$work/b" --progress none \
  --set condition_column=nothing
refuses 2 "--device: found 'gpu', expected auto, cpu, cuda or cuda:NUMBER" "$train" fit --data absent.h5ad \
  --out "$work/b" --device gpu
# What a build for CUDA says depends on the machine, but it names the flag too.
refuses 2 "--device: found 'cuda:77'" "$train" fit --data absent.h5ad --out "$work/b" --device cuda:77
refuses 2 "precision: found 'bf16', expected float32 on the CPU" "$train" fit --data absent.h5ad \
  --out "$work/b" --device cpu --set precision=bf16
refuses 2 "--cuda-graph: found a run on the CPU" "$train" fit --data absent.h5ad \
  --out "$work/b" --device cpu --cuda-graph
refuses 2 "precision: found 'bf8', expected float32, tf32 or bf16" "$train" fit --data absent.h5ad \
  --out "$work/b" --device cpu --set precision=bf8
refuses 2 'stepz' "$train" fit --data $data --out "$work/b" --progress none --set stepz=3
refuses 2 'declared log1p' "$train" fit --data $data --out "$work/b" --progress none \
  --set matrix=log1p --set split=cells
head -c 50000 $data >"$work/truncated.h5ad"
refuses 2 'truncated' "$train" fit --data "$work/truncated.h5ad" --out "$work/b" --progress none
[ -z "$(ls -A "$work" | grep -vE '^(out|err|truncated.h5ad)$' || true)" ] || fail "files left behind"

# The golden cut-down has no SMILES: its drug is taken for a perturbed gene without expression.
small=(--set dim=8 --set hidden=16 --set steps=4 --set mask_steps=4 --set batch_size=8
       --set genes=40 --set split=covariates --set hold_out=cell_type=PW034 --progress none)
"$train" fit --data $data --out "$work/bundle" "${small[@]}"
for file in manifest.json source.pt target.pt mask.pt reference.h5ad card.md training.jsonl; do
  [ -s "$work/bundle/$file" ] || fail "the bundle lacks $file"
done
[ ! -e "$work/bundle.training" ] || fail "the work folder was left behind"
refuses 2 'exists' "$train" fit --data $data --out "$work/bundle" "${small[@]}"

shows 'Evaluation' "$train" inspect "$work/bundle"
shows '"n_obs": 5000' "$train" inspect --json $data
"$train" evaluate --bundle "$work/bundle" --data $data --max-cells 30 --json --progress none \
  >"$work/scores.json"
grep -q 'e_distance.unbiased.all' "$work/scores.json" || fail "evaluate --json"
grep -q 'auc_knn.all' "$work/scores.json" || fail "evaluate scores structure"
# What the model says without its network stands beside it, and so do the condition's own training
# cells where training had any.
grep -q '"expected_response"' "$work/scores.json" || fail "evaluate lacks the expected response"
grep -q '"replay"' "$work/scores.json" && fail "evaluate replays cells that training never had"
grep -q '"left_out": "contexts"' "$work/bundle/manifest.json" || fail "the manifest lacks the choice"
"$train" fit --data $data --out "$work/seen" "${small[@]}" --set split=cells
grep -q '"cells_curve"' "$work/seen/manifest.json" ||
  fail "where all was measured, cells are left out"
"$train" evaluate --bundle "$work/seen" --data $data --max-cells 30 --json --progress none \
  >"$work/seen.json"
grep -q '"replay"' "$work/seen.json" || fail "evaluate lacks the training cells"
grep -q 'AUC kNN' "$work/bundle/card.md" || fail "the card scores structure"
scored=("$train" evaluate --bundle "$work/bundle" --data $data --max-cells 30 --progress none)
"${scored[@]}" --rule cell-eval --json --report "$work/rule.html" >"$work/rule.json"
sed 's/<wbr>//g' "$work/rule.html" | grep -c '<th>pearson_delta</th>' >/dev/null || fail "evaluate --rule --report"
grep -q '"rule": "cell-eval"' "$work/rule.json" || fail "evaluate --rule --json"
refuses 2 'found no label that is the name of a gene' "${scored[@]}" --rule vcc2026
refuses 2 '--export' "${scored[@]}" --rule vcc2026 --export "$work/no"
"$train" evaluate --bundle "$work/bundle" --data $data --export "$work/export" --progress none
for file in truth control training; do
  [ -s "$work/export/$file.h5ad" ] || fail "--export lacks $file.h5ad"
done

printf 'x' >>"$work/bundle/mask.pt"
refuses 2 'mask.pt' "$train" inspect "$work/bundle"
echo "all checks passed"
