//! The stretches of a piece with one beat each.

/// Ticks a beat until a tick, stretch by stretch; the last one has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sections(Vec<(i64, i64)>);

impl Sections {
    /// Of time signatures as `(tick, upper, lower)`, the first at tick 0: what `ticks` says of
    /// each lower number, equal neighbours taken together.
    pub(super) fn new(signatures: &[(i64, u8, u8)], ticks: impl Fn(u8) -> i64) -> Self {
        let mut sections: Vec<(i64, i64)> = Vec::with_capacity(signatures.len());
        let ends = signatures.iter().skip(1).map(|s| s.0).chain([i64::MAX]);
        for ((_, _, lower), end) in signatures.iter().zip(ends) {
            let ticks = ticks(*lower).max(1);
            match sections.last_mut() {
                Some(last) if last.1 == ticks => last.0 = end,
                _ => sections.push((end, ticks)),
            }
        }
        Self(sections)
    }

    pub(super) fn of_one(ticks: i64) -> Self {
        Self(vec![(i64::MAX, ticks)])
    }

    /// A reader that goes forward in time.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { sections: &self.0, at: 0 }
    }

    /// Start and grid of the section that a tick is in.
    fn section_of(&self, tick: i64) -> (i64, i64) {
        let at = self.0.partition_point(|(end, _)| *end <= tick).min(self.0.len().saturating_sub(1));
        let start = at.checked_sub(1).and_then(|before| self.0.get(before)).map_or(0, |s| s.0);
        (start, self.0.get(at).map_or(1, |s| s.1))
    }

    /// The grid step where a tick is.
    pub(super) fn step_at(&self, tick: i64) -> i64 {
        self.section_of(tick).1
    }

    /// The tick on the grid of its section that is nearest; of two as near the even one.
    pub(super) fn snap(&self, tick: i64) -> i64 {
        let (start, step) = self.section_of(tick);
        let (whole, rest) = ((tick - start).div_euclid(step), (tick - start).rem_euclid(step));
        let up = 2 * rest > step || (2 * rest == step && whole % 2 != 0);
        (whole + i64::from(up)) * step + start
    }
}

/// See [`Sections::cursor`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    sections: &'a [(i64, i64)],
    at: usize,
}

impl Cursor<'_> {
    /// Ticks a beat at a tick that is not before the last one asked for.
    pub(super) fn ticks_at(&mut self, tick: i64) -> i64 {
        while self.sections.get(self.at).is_some_and(|(end, _)| tick >= *end) {
            self.at += 1;
        }
        self.ticks()
    }

    /// Goes on by at most one section.
    pub(super) fn step_to(&mut self, tick: i64) -> bool {
        let passed = self.sections.get(self.at).is_some_and(|(end, _)| tick >= *end);
        self.at += usize::from(passed);
        passed
    }

    pub(super) fn ticks(&self) -> i64 {
        self.sections.get(self.at).or(self.sections.last()).map_or(1, |s| s.1)
    }
}
