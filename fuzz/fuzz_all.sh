#!/usr/bin/env bash
# Runs every target for so many seconds (60), one after the other: fuzz/fuzz_all.sh [SECONDS] [TARGET...]
# What fails is in fuzz/artifacts/TARGET; the last lines of each say how many runs there were.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1 # cargo-fuzz asks for a nightly compiler's options; these work in a stable one.
seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    list=$(cargo fuzz list)
    mapfile -t targets <<<"$list"
fi
failed=0
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "seeds/$target"
    echo "== $target"
    if ! nice -n 15 cargo fuzz run --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 2>&1 |
        { grep -E "panicked|ERROR|^error|SUMMARY|stat::number_of_executed_units|stat::peak_rss_mb|Test unit written|left:|right:" || true; }; then
        failed=1
    fi
done
exit "$failed"
