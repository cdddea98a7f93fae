#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

fn dataset(lengths: &[usize]) -> TokenDataset {
    // Each piece is told by its velocity token; pitches run up from 30.
    let piece = |(index, length): (usize, &usize)| {
        let tokens = (0..*length).map(|i| if i % 3 == 0 { 276 + index as u32 } else { 30 + i as u32 % 5 });
        Piece::new(tokens.collect())
    };
    let pieces = lengths.iter().enumerate().map(piece).collect();
    TokenDataset::new(pieces, TokenLayout::performance()).unwrap()
}

/// What a lane served: tokens, targets and starts over many segments.
fn walk(lanes: &mut Lanes, count: usize, time: usize) -> Vec<Vec<(u32, Option<u32>, bool)>> {
    let mut out = vec![Vec::new(); lanes.position().lanes.len()];
    for _ in 0..count {
        let Some(segments) = lanes.next(time, 1) else { break };
        for (lane, out) in out.iter_mut().enumerate() {
            for at in 0..time {
                let index = lane * time + at;
                let start = segments[0].starts[lane].contains(&at);
                out.push((segments[0].tokens[index], segments[0].targets[index], start));
            }
        }
    }
    out
}

#[test]
fn validation_serves_each_target_once_in_order_after_a_start() {
    let data = dataset(&[5, 1, 12, 7]);
    let lanes = walk(&mut Lanes::validation(&data, 2), 100, 4);
    let mut found = Vec::new();
    for lane in lanes {
        let mut piece: Vec<u32> = Vec::new();
        for (token, target, start) in lane {
            assert_eq!(start, token == 308);
            if start {
                found.extend((!piece.is_empty()).then(|| std::mem::take(&mut piece)));
            } else if let Some(last) = piece.last() {
                assert!(token == *last || target.is_none());
            }
            assert_eq!(target.is_none(), token == 309);
            piece.extend(target);
        }
        found.push(piece);
    }
    found.sort();
    let mut expected: Vec<Vec<u32>> =
        data.pieces().iter().map(|piece| piece.renditions[0].to_vec()).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn an_epoch_visits_by_weight_and_transposes_within_the_keyboard() {
    let mut pieces = dataset(&[9, 9, 9]).pieces;
    pieces[0].weight = 3.0;
    pieces[1].weight = 0.25;
    pieces[2].renditions = vec![vec![2, 90, 200].into(), vec![86, 174, 200].into()];
    let data = TokenDataset::new(pieces, TokenLayout::performance()).unwrap();
    let (mut counts, mut low, mut high) = ([0usize; 3], 0, 0);
    for epoch in 0..400 {
        for visit in data.epoch(7, epoch, 6) {
            counts[visit.piece] += 1;
            if visit.piece == 2 {
                let allowed = if visit.rendition == 0 { -2..7 } else { -6..2 };
                assert!(allowed.contains(&visit.semitones), "{visit:?}");
                low = low.min(visit.semitones);
                high = high.max(visit.semitones);
            }
        }
    }
    assert_eq!((counts[0], counts[2]), (1200, 400));
    // Five deviations of 400 draws at one in four.
    assert!((counts[1] as f64 - 100.0).abs() < 5.0 * (400.0f64 * 0.25 * 0.75).sqrt(), "{counts:?}");
    assert_eq!((low, high), (-6, 6));
    assert_ne!(data.epoch(7, 0, 6), data.epoch(7, 1, 6));
    assert_eq!(data.epoch(7, 3, 6), data.epoch(7, 3, 6));
}

#[test]
fn transposition_moves_note_tokens_and_nothing_else() {
    let layout = TokenLayout::performance();
    let moved: Vec<u32> =
        [10, 98, 176, 275, 276, 308, 309].into_iter().map(|token| layout.transposed(token, -4)).collect();
    assert_eq!(moved, [6, 94, 176, 275, 276, 308, 309]);
}

#[test]
fn lanes_go_on_from_a_saved_position_and_do_not_depend_on_the_split() {
    let data = dataset(&[5, 40, 12, 7, 23]);
    let mut whole = Lanes::training(&data, 3, 1, 4, None);
    walk(&mut whole, 4, 6);
    let saved = whole.position().clone();
    let fits = |position: &Position, lanes| Lanes::fits(&data, position, (lanes, 1, 4));
    assert!(fits(&saved, 3) && !fits(&saved, 2));
    assert!(
        fits(&Position { taken: 5, ..saved.clone() }, 3) && !fits(&Position { taken: 6, ..saved.clone() }, 3)
    );
    assert!(!fits(&Position { epoch: u64::MAX, ..saved.clone() }, 3));
    let mut resumed = Lanes::training(&data, 3, 1, 4, Some(saved.clone()));
    let mut split = Lanes::training(&data, 3, 1, 4, Some(saved));
    for _ in 0..30 {
        let one = whole.next(6, 1).unwrap().remove(0);
        assert_eq!(resumed.next(6, 1).unwrap()[0], one);
        let parts = split.next(6, 2).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!([&parts[0].tokens[..], &parts[1].tokens].concat(), one.tokens);
        assert_eq!([&parts[0].starts[..], &parts[1].starts].concat(), one.starts);
    }
    assert!(whole.position().epoch > 1);
}

#[test]
fn bad_data_is_refused() {
    let layout = TokenLayout::performance;
    let refused = |pieces: Vec<Piece>| TokenDataset::new(pieces, layout()).unwrap_err().to_string();
    assert_eq!(refused(vec![]), "the pieces' weights are less than one visit");
    assert_eq!(refused(vec![Piece::new(vec![])]), "piece 0 has no rendition or an empty one");
    assert_eq!(refused(vec![Piece::new(vec![310])]), "token 310 is not in the vocabulary of 310");
    assert_eq!(refused(vec![Piece::new(vec![1, 308])]), "piece 0 holds a start or pad token");
    let weightless = Piece { weight: f64::NAN, ..Piece::new(vec![1]) };
    assert!(refused(vec![weightless]).contains("0 to 1000"));
    assert_eq!(
        refused(vec![Piece { weight: 0.0, ..Piece::new(vec![1]) }]),
        "the pieces' weights are less than one visit"
    );
    let odd = TokenLayout { note_off: 88..175, ..layout() };
    assert!(TokenDataset::new(vec![Piece::new(vec![1])], odd).is_err());
}
