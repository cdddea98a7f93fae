//! Lists of things at ticks.

use crate::score::At;
use crate::units::Tick;

/// Puts a list in order of time. Items of one tick keep their order.
pub(super) fn sort<T>(items: &mut [At<T>]) {
    if !items.is_sorted_by_key(|item| item.tick) {
        items.sort_by_key(|item| item.tick);
    }
}

/// Moves each item to `tick(its tick)`.
pub(super) fn map_ticks<T>(items: &mut [At<T>], tick: &mut impl FnMut(Tick) -> Tick) {
    for item in items.iter_mut() {
        item.tick = tick(item.tick);
    }
    sort(items);
}

/// Sorts, keeps the last of each tick, and puts `initial` at tick 0 if nothing is there.
pub(crate) fn in_order<T: Copy>(mut items: Vec<At<T>>, initial: Option<T>) -> Vec<At<T>> {
    sort(&mut items);
    let mut out: Vec<At<T>> = Vec::with_capacity(items.len() + 1);
    if let Some(value) = initial {
        out.push(At { tick: Tick::ZERO, value });
    }
    for item in items {
        match out.last_mut() {
            Some(last) if last.tick == item.tick => last.value = item.value,
            _ => out.push(item),
        }
    }
    out
}

/// The items that change what is in force.
pub(crate) fn without_repeats<T: PartialEq>(mut items: Vec<At<T>>) -> Vec<At<T>> {
    items.dedup_by(|next, kept| next.value == kept.value);
    items
}
