#!/usr/bin/env bash
# How many crates each crate of the workspace pulls in, and how long it builds from nothing.
#
#   benches/cold_build.sh            counts only: seconds
#   benches/cold_build.sh --time     builds too, each in an empty folder; those with burn take minutes each
#   benches/cold_build.sh --time deepcompose-core deepcompose-samplers      only these
#
# Prints a Markdown table. Crates are counted with the crate itself, without what only tests need. A build is
# `cargo build --release` with the sources already downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."

timed=false
if [ "${1:-}" = --time ]; then
    timed=true
    shift
fi

# name, then the flags that select it
builds=(
    "deepcompose-core|-p deepcompose-core"
    "deepcompose-core, bpe|-p deepcompose-core --features bpe"
    "deepcompose-midi|-p deepcompose-midi"
    "deepcompose-samplers|-p deepcompose-samplers"
    "deepcompose-engines|-p deepcompose-engines"
    "deepcompose-models, no default features|-p deepcompose-models --no-default-features"
    "deepcompose-models|-p deepcompose-models"
    "deepcompose-models, train|-p deepcompose-models --features train"
    "deepcompose|-p deepcompose"
    "deepcompose, train|-p deepcompose --features train"
)

# The packages that a selection builds, a name and a version a line.
packages() {
    cargo tree -e normal,build --prefix none "$@" | sed 's/ (.*//' | sort -u
}

cargo fetch --quiet
printf '%s cores, %s\n\n' "$(nproc)" "$(rustc --version)"
printf '| crate | crates |%s\n| --- | --: |%s\n' "$($timed && echo ' cold release build, s |')" "$($timed && echo ' --: |')"
for build in "${builds[@]}"; do
    name=${build%%|*}
    read -ra flags <<<"${build#*|}"
    if [ $# -gt 0 ] && [[ " $* " != *" ${name%%,*} "* ]]; then continue; fi
    row="| $name | $(packages "${flags[@]}" | wc -l) |"
    if $timed; then
        folder=$(mktemp -d)
        start=$(date +%s.%N)
        CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$folder cargo build --release --offline --quiet "${flags[@]}"
        row+=" $(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }') |"
        rm -rf "$folder"
    fi
    echo "$row"
done
