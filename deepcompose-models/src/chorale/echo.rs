//! What comes next if the music goes on as it did when it last went as it goes now.

/// Where the past agrees with what came just before, for a sequence of symbols that grows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Echo {
    symbols: Vec<u32>,
    /// For each place after the first, how far back the symbols before it are the last ones.
    agreements: Vec<Agreement>,
    best: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Agreement {
    symbols: u32,
    /// Symbols among them, but for the first, that differ from the one before.
    changes: u32,
}

impl Echo {
    pub(crate) fn push(&mut self, symbol: u32) {
        let changes = u32::from(self.symbols.last().is_some_and(|last| *last != symbol));
        // The place after the new symbol's predecessor agrees with itself and is none of the past's.
        let mut best: Option<(usize, Agreement)> = None;
        for place in (1..=self.symbols.len()).rev() {
            let before =
                place.checked_sub(2).and_then(|at| self.agreements.get(at)).copied().unwrap_or_default();
            let mut now = Agreement::default();
            if self.symbols[place - 1] == symbol {
                let goes_on = before.symbols > 0;
                now = Agreement {
                    symbols: before.symbols + 1,
                    changes: if goes_on { before.changes + changes } else { 0 },
                };
            }
            match self.agreements.get_mut(place - 1) {
                Some(agreement) => *agreement = now,
                None => self.agreements.push(now),
            }
            let is_better = |best: Agreement| (now.changes, now.symbols) > (best.changes, best.symbols);
            if now.symbols > 0 && best.is_none_or(|(_, best)| is_better(best)) {
                best = Some((place, now));
            }
        }
        self.best = best.filter(|(_, best)| best.changes > 0).map(|(place, _)| place);
        self.symbols.push(symbol);
    }

    /// The symbol that came after the longest agreement (by changes, then by symbols, then the latest), and its
    /// changes, one at least.
    pub(crate) fn next(&self) -> Option<(u32, u32)> {
        let place = self.best?;
        Some((*self.symbols.get(place)?, self.agreements.get(place - 1)?.changes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    /// By comparing every place with the end.
    fn plain(symbols: &[u32]) -> Option<(u32, u32)> {
        let end = symbols.len();
        let agreement = |place: usize| {
            let agree =
                (0..place).take_while(|back| symbols[place - 1 - back] == symbols[end - 1 - back]).count();
            let from = end - agree;
            let changes = (from + 1..end).filter(|at| symbols[*at] != symbols[at - 1]).count();
            (changes as u32, agree as u32, place)
        };
        let (changes, _, place) = (1..end).map(agreement).max()?;
        (changes > 0).then(|| (symbols[place], changes))
    }

    proptest! {
        #[test]
        fn it_is_the_longest_agreement(symbols in prop::collection::vec(0_u32..3, 0..60)) {
            let mut echo = Echo::default();
            for end in 0..=symbols.len() {
                prop_assert_eq!(echo.next(), plain(&symbols[..end]));
                if let Some(symbol) = symbols.get(end) {
                    echo.push(*symbol);
                }
            }
        }
    }
}
