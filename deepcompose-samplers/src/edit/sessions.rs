//! Which session of the model answers for which window.

use ndarray::ArrayView2;

use super::model::{EditModel, EditSession};

type Session<'m, E> = Box<dyn EditSession<Error = E> + 'm>;

/// The sessions of one edit, each begun when it is first needed.
///
/// Windows are passed over in turn, so what was used longest ago is what is needed next: an
/// exchange of sessions by use would never find one in place. Instead the first windows keep a
/// session each, as many as there is memory for, and all others share the last one.
pub(super) struct Sessions<'m, M: EditModel + ?Sized> {
    model: &'m M,
    begun: Vec<Option<Session<'m, M::Error>>>,
}

impl<'m, M: EditModel + ?Sized> Sessions<'m, M> {
    /// For `windows` windows within `memory` bytes, though at least one session.
    pub(super) fn new(model: &'m M, windows: usize, memory: usize) -> Self {
        let affordable = memory / model.session_bytes().max(1);
        let count = affordable.min(windows).max(1);
        Self { model, begun: std::iter::repeat_with(|| None).take(count).collect() }
    }

    /// The logits of the `window`th window, which looks like `roll`.
    pub(super) fn logits(
        &mut self,
        window: usize,
        roll: ArrayView2<'_, bool>,
    ) -> Result<ArrayView2<'_, f32>, M::Error> {
        let at = window.min(self.begun.len() - 1);
        self.begun[at].get_or_insert_with(|| self.model.session()).logits(roll)
    }
}
