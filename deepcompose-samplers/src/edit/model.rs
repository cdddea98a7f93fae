//! [`EditModel`] and [`EditSession`]: what piano-roll editing needs of a model.

use ndarray::{Array2, ArrayView2};

/// A model of edits: a window of a piano roll goes in, and for every cell comes the logit of that
/// cell being the one to flip.
///
/// The softmax of the logits over the whole window is the model's distribution of the next edit,
/// as an AR-CNN learns it.
///
/// A model says what it makes of a window in [`edit_logits`](Self::edit_logits), and that is all
/// there need be. One that is asked again about a window of which a cell has changed, and can
/// answer faster for having been asked before, also has [sessions](EditSession).
pub trait EditModel {
    /// What can go wrong in the model.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The length of the window in steps, in `1..=`[`MAX_WINDOW_STEPS`](crate::MAX_WINDOW_STEPS).
    fn window_steps(&self) -> usize;

    /// One logit a cell, unnormalised natural logarithms, of a window of sounding cells. Both have
    /// the shape `[window_steps, 128]`: steps by MIDI pitches.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of.
    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error>;

    /// Begins a session. By default it keeps nothing and asks [`edit_logits`](Self::edit_logits)
    /// every time.
    fn session(&self) -> Box<dyn EditSession<Error = Self::Error> + '_> {
        Box::new(Afresh { model: self, logits: Array2::default((0, 0)) })
    }

    /// About how much memory a [`session`](Self::session) takes, in bytes, at its largest. By
    /// default, that of one window of logits.
    fn session_bytes(&self) -> usize {
        self.window_steps().saturating_mul(128 * size_of::<f32>())
    }
}

/// What an [`EditModel`] keeps from one pass over a window to the next.
///
/// A session may be as clever as it likes about what it has computed before; what it returns is
/// always what [`EditModel::edit_logits`] returns for that roll, whatever it was asked before. So
/// an [`EditSampler`](crate::EditSampler) gives the same edits however it shares out its sessions.
///
/// ```
/// use deepcompose_samplers::{EditModel, EditSession};
/// use ndarray::{Array2, ArrayView2};
/// use std::convert::Infallible;
///
/// /// Likes every cell as much as there are cells that sound.
/// struct Crowds;
///
/// impl EditModel for Crowds {
///     type Error = Infallible;
///
///     fn window_steps(&self) -> usize {
///         16
///     }
///
///     fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Infallible> {
///         let sounding = roll.iter().filter(|sounds| **sounds).count();
///         Ok(Array2::from_elem(roll.dim(), sounding as f32))
///     }
///
///     fn session(&self) -> Box<dyn EditSession<Error = Infallible> + '_> {
///         let logits = Array2::zeros((16, 128));
///         Box::new(Counted { roll: Array2::from_elem((16, 128), false), logits })
///     }
/// }
///
/// /// Silence at first; then corrected by each cell that is not as it was.
/// struct Counted {
///     roll: Array2<bool>,
///     logits: Array2<f32>,
/// }
///
/// impl EditSession for Counted {
///     type Error = Infallible;
///
///     fn logits(&mut self, roll: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, Infallible> {
///         let change = |(now, before): (&bool, &bool)| f32::from(*now) - f32::from(*before);
///         let change: f32 = roll.iter().zip(&self.roll).map(change).sum();
///         self.logits += change;
///         self.roll.assign(&roll);
///         Ok(self.logits.view())
///     }
/// }
///
/// let mut roll = Array2::from_elem((16, 128), false);
/// let mut session = Crowds.session();
/// for pitch in [60, 64, 67] {
///     roll[[0, pitch]] = true;
///     assert_eq!(session.logits(roll.view())?, Crowds.edit_logits(roll.view())?);
/// }
/// # Ok::<(), Infallible>(())
/// ```
pub trait EditSession {
    /// What can go wrong in the model.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The model's [`edit_logits`](EditModel::edit_logits) for `roll`, kept by the session.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of. The next call is answered as if there had been no failure.
    fn logits(&mut self, roll: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, Self::Error>;
}

/// The session of a model that has none of its own.
struct Afresh<'a, M: ?Sized> {
    model: &'a M,
    logits: Array2<f32>,
}

impl<M: EditModel + ?Sized> EditSession for Afresh<'_, M> {
    type Error = M::Error;

    fn logits(&mut self, roll: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, M::Error> {
        self.logits = self.model.edit_logits(roll)?;
        Ok(self.logits.view())
    }
}

impl<M: EditModel + ?Sized> EditModel for &M {
    type Error = M::Error;

    fn window_steps(&self) -> usize {
        (**self).window_steps()
    }

    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error> {
        (**self).edit_logits(roll)
    }

    fn session(&self) -> Box<dyn EditSession<Error = Self::Error> + '_> {
        (**self).session()
    }

    fn session_bytes(&self) -> usize {
        (**self).session_bytes()
    }
}

impl<M: EditModel + ?Sized> EditModel for Box<M> {
    type Error = M::Error;

    fn window_steps(&self) -> usize {
        (**self).window_steps()
    }

    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error> {
        (**self).edit_logits(roll)
    }

    fn session(&self) -> Box<dyn EditSession<Error = Self::Error> + '_> {
        (**self).session()
    }

    fn session_bytes(&self) -> usize {
        (**self).session_bytes()
    }
}
