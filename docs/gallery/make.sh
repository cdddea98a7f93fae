#!/usr/bin/env bash
# Makes the gallery: each built-in track once, with a technique or two, its number as the seed. Nothing is chosen by ear.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=docs/gallery

cargo build --release --features audio,png --example chain --example render
examples=target/release/examples
steps=$(mktemp)
trap 'rm -f "$steps"' EXIT

piece() {
    local number=$1 track=$2 name=$3
    cat >"$steps"
    local file=$out/$number-$track-$name
    "$examples/chain" "$track" "$file.mid" --steps "$steps" --seed "$((10#$number))"
    "$examples/render" "$file.mid" "$file.png" --compare "$track" --scale 1 --title "$number. $track, $name"
}

piece 01 ode-to-joy enhanced <<<'[{"technique": "ar-cnn"}]'
piece 02 twinkle-twinkle extended <<<'[{"technique": "transformer"}]'
piece 03 new-world-largo classical <<<'[{"technique": "gan", "genre": "classical", "end_naturally": true}]'
piece 04 deck-the-halls jazz <<<'[{"technique": "gan", "genre": "jazz", "end_naturally": true}]'
piece 05 we-wish-you-a-merry-christmas pop <<<'[{"technique": "gan", "genre": "pop", "end_naturally": true}]'
piece 06 frere-jacques reggae <<<'[{"technique": "gan", "genre": "reggae", "end_naturally": true}]'
piece 07 greensleeves enhanced <<<'[{"technique": "ar-cnn"}]'
piece 08 amazing-grace country <<<'[{"technique": "gan", "genre": "country", "end_naturally": true}]'
piece 09 auld-lang-syne ended <<<'[{"technique": "transformer", "end_naturally": true}]'
piece 10 silent-night edm <<<'[{"technique": "gan", "genre": "edm", "end_naturally": true}]'
piece 11 minuet-in-g extended-rock <<<'[{"technique": "transformer"}, {"technique": "gan", "genre": "rock"}]'
piece 12 au-clair-de-la-lune enhanced-classical <<<'[{"technique": "ar-cnn"}, {"technique": "gan", "genre": "classical"}]'
