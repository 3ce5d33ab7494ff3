#!/bin/bash
# The whole path on real cells: trains two small models on the data in demo/data, serves both from
# one server, predicts cells that training has not seen through gRPC, and scores the predictions
# against the true cells and against baselines. Needs no step before it.
#
#   scripts/demo.sh                  results go to demo-out/, in place of an earlier run's
#   scripts/demo.sh --out DIR        results go to DIR
#   scripts/demo.sh --reuse-models   train only the models that DIR does not hold
set -euo pipefail
called_from="$PWD"
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

out="$repository/demo-out"
reuse_models=false
while (($#)); do
  case "$1" in
    --out)
      [[ -n "${2:-}" ]] || { echo "demo: --out needs a folder" >&2; exit 2; }
      [[ "$2" == /* ]] && out="$2" || out="$called_from/$2"
      shift ;;
    --reuse-models) reuse_models=true ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "demo: unknown option '$1'; expected --out DIR, --reuse-models or none" >&2; exit 2 ;;
  esac
  shift
done

bin="$repository/build/release/bin"
logs="$out/logs"
mkdir -p "$logs" "$out/predictions"

# --- what the stages are made of -----------------------------------------------------------------

STAGES=7
stage_number=0
stage_start=0
stage() {  # stage TITLE
  stage_number=$((stage_number + 1))
  stage_start=$SECONDS
  echo "[$stage_number/$STAGES] $1"
}
stage_done() {  # stage_done [REMARK]
  local seconds=$((SECONDS - stage_start))
  printf '      %s%dm%02ds\n' "${1:+$1, }" $((seconds / 60)) $((seconds % 60))
}

# Runs a command with its output in logs/NAME.log; where it fails, shows the end of it and stops.
quietly() {  # quietly NAME COMMAND ...
  local log="$logs/$1.log" status=0
  shift
  "$@" >"$log" 2>&1 || status=$?
  ((status == 0)) || give_up "$log" "$status" "$@"
}
# The same for long work: its progress bar is shown where there is a terminal.
with_progress() {  # with_progress NAME COMMAND ...
  if [[ ! -t 2 ]]; then
    quietly "$@"
    return
  fi
  local log="$logs/$1.log" status=0
  shift
  "$@" >"$log" || status=$?
  ((status == 0)) || give_up "$log" "$status" "$@"
}
give_up() {  # give_up LOG STATUS COMMAND ...
  local log="$1" status="$2"
  shift 2
  echo "demo: failed with exit status $status: $*" >&2
  tail -n 40 "$log" >&2
  echo "demo: the whole log is $log" >&2
  exit 1
}

server_pid=""
stop_server() {
  [[ -n "$server_pid" ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=""
}
trap stop_server EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The first port from $1 up on which nobody listens on this host.
free_port() {
  local port="$1"
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

train() {  # train NAME DATA
  if $reuse_models && [[ -f "$out/$1/manifest.json" ]]; then
    return
  fi
  with_progress "train-$1" "$bin/unlasting-train" fit --data "$2" --config "demo/$1.json" \
    --out "$out/$1" --force
}

# --- the stages ----------------------------------------------------------------------------------

stage "Packages"
quietly packages scripts/install-deps.sh --build-only
stage_done

stage "Build (takes minutes when nothing is built yet)"
quietly configure cmake --preset release
# Compilers' warnings go to the log; the count of finished steps is shown.
build_status=0
build_with_progress build/release --target unlasting-train unlasting-server unlasting |
  tee "$logs/build.log" | grep --line-buffered '^      \[' || build_status="${PIPESTATUS[0]}"
((build_status == 0)) || give_up "$logs/build.log" "$build_status" cmake --build --preset release
stage_done

stage "Train on THP-1 knockouts; three cells in ten of every knockout are held out"
train thp1 demo/data/thp1_knockouts.h5ad
stage_done

stage "Train on panobinostat in glioblastoma; the treated cells of patient PW034 are held out"
train glioblastoma demo/data/glioblastoma_panobinostat.h5ad
stage_done

# Writes truth.h5ad, control.h5ad and training.h5ad: the held-out cells, the controls to predict
# from, and what the baselines may learn from; log1p, as the model was trained.
stage "Set the held-out cells apart and start one server with both models"
quietly export-thp1 "$bin/unlasting-train" evaluate --bundle "$out/thp1" \
  --data demo/data/thp1_knockouts.h5ad --export "$out/cells/thp1"
quietly export-glioblastoma "$bin/unlasting-train" evaluate --bundle "$out/glioblastoma" \
  --data demo/data/glioblastoma_panobinostat.h5ad --export "$out/cells/glioblastoma"

port="$(free_port 50051)"
admin_port="$(free_port 9464)"
server="127.0.0.1:$port"
"$bin/unlasting-server" --bundle "thp1=$out/thp1" --bundle "glioblastoma=$out/glioblastoma" \
  --listen "$server" --admin-listen "127.0.0.1:$admin_port" >"$logs/server.log" 2>&1 &
server_pid=$!
for ((attempt = 0; ; attempt++)); do
  if "$bin/unlasting" health --server "$server" >"$logs/health.log" 2>&1; then
    break
  fi
  if ! kill -0 "$server_pid" 2>/dev/null; then
    status=0
    wait "$server_pid" || status=$?
    server_pid=""
    give_up "$logs/server.log" "$status" unlasting-server
  fi
  ((attempt < 240)) || give_up "$logs/server.log" "none after two minutes" unlasting health
  sleep 0.5
done
quietly models "$bin/unlasting" models --server "$server"
stage_done "listening on $server"

stage "Predict through gRPC"
thp1_prediction="$out/predictions/thp1_knockouts.h5ad"
quietly predict-knockouts "$bin/unlasting" predict --server "$server" --model thp1 \
  --control "$out/cells/thp1/control.h5ad" --cell-type THP-1 --gene STAT1 --gene JAK2 \
  --gene IFNGR1 --gene IFNGR2 --gene SMAD4 --gene IRF1 --out "$thp1_prediction" \
  --report "$out/prediction-thp1.html"
echo "      STAT1, JAK2, IFNGR1, IFNGR2, SMAD4, IRF1, each knocked out in the held-out control cells"
PANOBINOSTAT_SMILES="Cc1[nH]c2ccccc2c1CCNCc1ccc(/C=C/C(=O)NO)cc1"
glioblastoma_prediction="$out/predictions/glioblastoma_PW034_panobinostat.h5ad"
quietly predict-panobinostat "$bin/unlasting" predict --server "$server" --model glioblastoma \
  --control "$out/cells/glioblastoma/control.h5ad" --smiles "$PANOBINOSTAT_SMILES" --dose 0.2uM \
  --cell-type PW034 --out "$glioblastoma_prediction" --report "$out/prediction-glioblastoma.html"
echo "      panobinostat 0.2 uM on the DMSO cells of patient PW034"
stop_server
stage_done

# The table of what was predicted through gRPC goes into a report; what is printed is the model
# card's evaluation, which is of every held-out group and says which of them training had seen.
score() {  # score NAME TITLE PREDICTED_FLAG ...
  local name="$1" title="$2"
  shift 2
  quietly "metrics-$name" "$bin/unlasting-train" metrics "$@" \
    --truth "$out/cells/$name/truth.h5ad" --control "$out/cells/$name/control.h5ad" \
    --training "$out/cells/$name/training.h5ad" --report "$out/report-$name.html"
  printf '\n%s\n\n' "$title"
  sed -n '/^## Evaluation/,/^## Limits/p' "$out/$name/card.md" | grep -v '^## ' | cat -s
}
stage "Score against the true cells and the baselines"
score thp1 "THP-1 knockouts, all held-out groups (from thp1/card.md)" --predicted "$thp1_prediction"
score glioblastoma "Panobinostat in glioblastoma, all held-out groups (from glioblastoma/card.md)" \
  --predicted "$glioblastoma_prediction"
stage_done

cat <<END

Done in $((SECONDS / 60))m$(printf %02d $((SECONDS % 60)))s. In $out:
  report-thp1.html, report-glioblastoma.html   scores of what was predicted through gRPC, with plots
  prediction-{thp1,glioblastoma}.html          pages of the same predictions without the truth
  predictions/*.h5ad                           predicted cells, log1p; open them with anndata
  cells/*/{truth,control,training}.h5ad        the true cells they are scored against
  thp1/, glioblastoma/                         the two bundles; card.md in each says what it knows
  logs/                                        what every stage printed

Serve them again:
  build/release/bin/unlasting-server --bundle thp1=$out/thp1 --bundle glioblastoma=$out/glioblastoma
and ask with curl as README.md says, through scripts/gateway.sh
END
