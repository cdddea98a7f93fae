//! The order in which CPython walks through a set of small integers.
//!
//! MidiTok keeps programs in a Python `set`, and its vocabulary lists them in the order of that
//! set, which follows from the hash table: `-1`, the drums, hashes to −2 and comes late. So equal
//! ids need the same table.

/// The neighbouring slots tried before jumping elsewhere.
const LINEAR_PROBES: usize = 9;
/// How far the hash is shifted at each jump.
const PERTURB_SHIFT: u32 = 5;
const SMALLEST_TABLE: usize = 8;

/// The distinct members of `values` in the order of a set built from them one by one.
pub(super) fn set_order(values: &[i16]) -> Vec<i16> {
    let mut table = vec![None; SMALLEST_TABLE];
    let mut used = 0;
    for value in values {
        let slot = slot_of(&table, *value);
        let Some(entry) = table.get_mut(slot) else { continue };
        if entry.replace(*value).is_some() {
            continue;
        }
        used += 1;
        if used * 5 >= (table.len() - 1) * 3 {
            table = grown(&table, used);
        }
    }
    table.into_iter().flatten().collect()
}

/// A list from which a set in this order is built, where there is one.
pub(super) fn list_of(order: &[i16]) -> Vec<i16> {
    let again = set_order(order);
    // Members that collide may change places each time.
    if again != order && set_order(&again) == order { again } else { order.to_vec() }
}

fn grown(table: &[Option<i16>], used: usize) -> Vec<Option<i16>> {
    let mut size = SMALLEST_TABLE;
    while size <= used * 4 {
        size *= 2;
    }
    let mut larger = vec![None; size];
    for value in table.iter().flatten() {
        let slot = slot_of(&larger, *value);
        if let Some(entry) = larger.get_mut(slot) {
            *entry = Some(*value);
        }
    }
    larger
}

/// Where `value` is or, if it is not there, where it goes. There always is a free slot.
fn slot_of(table: &[Option<i16>], value: i16) -> usize {
    let mask = table.len() - 1;
    // As CPython: the hash of −1 is −2, that of any other small integer the integer.
    let hash = if value == -1 { -2 } else { i64::from(value) };
    let mut perturb = hash as u64;
    let mut slot = hash as usize & mask;
    loop {
        let probes = if slot + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
        let found = (slot..=slot + probes)
            .find(|at| table.get(*at).is_some_and(|entry| entry.is_none_or(|there| there == value)));
        if let Some(at) = found {
            return at;
        }
        perturb >>= PERTURB_SHIFT;
        slot = slot.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::{list_of, set_order};

    /// Printed by CPython 3.11: `list(set([...]))`.
    #[test]
    fn the_order_is_that_of_cpython() {
        let all: Vec<i16> = (-1..128).collect();
        let expected: Vec<i16> = (0..128).chain([-1]).collect();
        assert_eq!(set_order(&all), expected);
        assert_eq!(set_order(&[-1, 0, 5]), [0, 5, -1]);
        assert_eq!(set_order(&[6, -1]), [6, -1]);
        assert_eq!(set_order(&[-1, 6]), [-1, 6]);
        assert_eq!(set_order(&[64, 0, 32, 96, -1, 14, 62]), [64, 0, 32, 96, 14, 62, -1]);
        assert_eq!(set_order(&[30, -1, 1, 2, 3, 4]), [1, 2, 3, 4, -1, 30]);
        assert_eq!(set_order(&[-1, 30, 1, 2, 3, 4]), [1, 2, 3, 4, 30, -1]);
        assert!(set_order(&[]).is_empty());
    }

    #[test]
    fn the_order_survives_a_list() {
        for values in [vec![-1, 0, 5], vec![6, -1], vec![30, -1, 1, 2, 3, 4], vec![62, 33, 24, 6, 0, -1]] {
            let order = set_order(&values);
            assert_eq!(set_order(&list_of(&order)), order);
        }
    }
}
