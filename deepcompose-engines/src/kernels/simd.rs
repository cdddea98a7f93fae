//! Which vector instructions to run a kernel with.

use pulp::{Scalar, Simd, WithSimd};

/// Vector instructions that this machine has, chosen at run time.
///
/// ```
/// use deepcompose_engines::kernels::Instructions;
///
/// // The widest first, the portable code last.
/// let available = Instructions::available();
/// assert_eq!(available.first(), Some(&Instructions::detect()));
/// assert_eq!(available.last().map(|i| i.name()), Some("portable"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Instructions(Set);

#[derive(Debug, Clone, Copy)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    Portable,
}

impl Instructions {
    /// The widest that this machine has.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().into_iter().next().unwrap_or(Self::PORTABLE)
    }

    /// No vector instructions of a machine's own.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// All that this machine has, the widest first and [`PORTABLE`](Self::PORTABLE) last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let own = [pulp::x86::V4::try_new().map(Set::Avx512), pulp::x86::V3::try_new().map(Set::Avx2)];
        #[cfg(target_arch = "aarch64")]
        let own = [pulp::aarch64::Neon::try_new().map(Set::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let own: [Option<Set>; 0] = [];
        own.into_iter().flatten().map(Self).chain([Self::PORTABLE]).collect()
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => "neon",
            Set::Portable => "portable",
        }
    }

    /// Runs a kernel compiled for these instructions.
    pub(crate) fn run<Kernel: WithSimd>(self, kernel: Kernel) -> Kernel::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "aarch64")]
            Set::Neon(simd) => Simd::vectorize(simd, kernel),
            Set::Portable => Simd::vectorize(Scalar::new(), kernel),
        }
    }
}

impl PartialEq for Instructions {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Instructions {}
