//! Notes to rolls and back.

use arbitrary::{Result, Unstructured};
use deepcompose_core::{MultiRoll, Parts, PianoRoll, StepsPerBeat, VelocityRoll};

use super::scores::{any_notes, any_score};

/// Steps of a window: few, so that runs are quick.
const STEPS: usize = 512;

/// A roll's notes make that roll again.
pub fn convert(bytes: &[u8]) {
    let _ = try_convert(&mut Unstructured::new(bytes));
}

fn try_convert(u: &mut Unstructured<'_>) -> Result<()> {
    let steps_per_beat = StepsPerBeat::saturating(i64::from(u.arbitrary::<u8>()?));
    let start = usize::from(u.arbitrary::<u8>()?);
    let window = start..start + usize::from(u.arbitrary::<u16>()?) % STEPS;
    let score = any_score(u)?;
    let tpq = score.ticks_per_quarter();
    let notes = any_notes(u)?;

    let Ok(roll) = VelocityRoll::from_notes(&notes, tpq, steps_per_beat, window.clone()) else {
        return Ok(());
    };
    let plain =
        PianoRoll::from_notes(&notes, tpq, steps_per_beat, window.clone()).expect("as long as the other");
    assert_eq!(roll.to_piano_roll(), plain);
    // Where a step is a whole number of ticks, nothing is lost but what begins before the window.
    if window.start == 0 && u32::from(tpq.get()) % u32::from(steps_per_beat.get()) == 0 {
        let back = VelocityRoll::from_notes(&roll.to_notes(tpq), tpq, steps_per_beat, window.clone());
        assert_eq!(back.expect("as long as the first"), roll);
    }
    let _ = plain.slice(3..7);

    // Short scores only: a long one fills a roll of 2^18 steps.
    if score.end().get() < STEPS as u32 * u32::from(tpq.get()) / 8 {
        for parts in [Parts::All, Parts::Melodic] {
            if let Ok(roll) = MultiRoll::from_score(&score, steps_per_beat, parts) {
                let again = MultiRoll::from_score(&roll.to_score(tpq), steps_per_beat, parts);
                assert_eq!(again.expect("no longer").tracks().len(), roll.tracks().len());
            }
        }
    }
    Ok(())
}
