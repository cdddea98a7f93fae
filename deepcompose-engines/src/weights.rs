//! The weights of layers that several networks have, as plain lists.

use crate::EngineError;

/// A convolution's weights, in burn's and PyTorch's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWeights {
    /// `[outputs, inputs, height, width]`.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// A batch normalisation's weights and running statistics, a number a channel each:
/// `(x − mean) / √(variance + epsilon) · gamma + beta`.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights {
    /// The scale, `[channels]`.
    pub gamma: Vec<f32>,
    /// The offset, `[channels]`.
    pub beta: Vec<f32>,
    /// The running mean, `[channels]`.
    pub mean: Vec<f32>,
    /// The running variance, `[channels]`, finite and not negative.
    pub variance: Vec<f32>,
    /// What is added to the variance, finite and above 0.
    pub epsilon: f64,
}

impl ConvWeights {
    /// Checks the lengths for so many inputs, outputs and taps of the kernel, and that all numbers are finite.
    pub(crate) fn check(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
        taps: usize,
    ) -> Result<(), EngineError> {
        expect_finite(|| format!("{name}.weight"), &self.weight, outputs * inputs * taps)?;
        expect_finite(|| format!("{name}.bias"), &self.bias, outputs)
    }
}

impl NormWeights {
    /// Checks the lengths, that all numbers are finite, and that no variance makes the norm divide by nothing.
    pub(crate) fn check(&self, name: &str, channels: usize) -> Result<(), EngineError> {
        for (field, list) in [("gamma", &self.gamma), ("beta", &self.beta), ("mean", &self.mean)] {
            expect_finite(|| format!("{name}.{field}"), list, channels)?;
        }
        expect(|| format!("{name}.variance"), self.variance.len(), channels)?;
        let refuse = |field, value: String, accepted: &str| {
            Err(EngineError::OutOfRange { field, value, accepted: accepted.to_owned() })
        };
        // Written so that NaN is refused, too.
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon", format!("{} of {name}", self.epsilon), "a finite number above 0");
        }
        match self.variance.iter().position(|v| !(*v >= 0.0 && v.is_finite())) {
            Some(index) => {
                let value = format!("{} at index {index} of {name}", self.variance[index]);
                refuse("variance", value, "a finite number of at least 0")
            }
            None => Ok(()),
        }
    }

    /// The norm of a channel as a factor and a summand.
    pub(crate) fn affine(&self, channel: usize) -> [f64; 2] {
        let wide = |list: &[f32]| f64::from(list[channel]);
        let scale = wide(&self.gamma) / (wide(&self.variance) + self.epsilon).sqrt();
        [scale, wide(&self.beta) - wide(&self.mean) * scale]
    }
}

/// [`EngineError::Length`] unless a list is as long as it must be.
pub(crate) fn expect(
    what: impl FnOnce() -> String,
    found: usize,
    expected: usize,
) -> Result<(), EngineError> {
    if found == expected { Ok(()) } else { Err(EngineError::Length { what: what(), found, expected }) }
}

/// [`expect`] of a list of weights, and [`EngineError::OutOfRange`] for the first that is not finite.
pub(crate) fn expect_finite(
    what: impl Fn() -> String,
    list: &[f32],
    expected: usize,
) -> Result<(), EngineError> {
    expect(&what, list.len(), expected)?;
    // No early end: this way it is done with vectors.
    if list.iter().fold(true, |are_finite, number| are_finite & number.is_finite()) {
        return Ok(());
    }
    match list.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(EngineError::OutOfRange {
            field: "weight",
            value: format!("{} at index {index} of {}", list[index], what()),
            accepted: "a finite number".to_owned(),
        }),
        None => Ok(()),
    }
}
