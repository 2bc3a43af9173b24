//! [`Isa`]: proof that the machine has an instruction set. Which there are is the target's own
//! folder's.

use super::native::Kind;

/// An instruction set that kernels are compiled for. One in hand proves that the machine has it.
///
/// ```
/// use subhalf::Isa;
/// assert!(Isa::available().any(|isa| isa == Isa::best()));
/// println!("kernels: {}", Isa::best().name());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

impl Isa {
    /// The one without detection.
    #[must_use]
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The widest that the machine has; detected once.
    #[must_use]
    pub fn best() -> Self {
        #[cfg(feature = "std")]
        {
            static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
            *BEST.get_or_init(|| Self::available().last().unwrap_or(Self::portable()))
        }
        #[cfg(not(feature = "std"))]
        Self::portable()
    }

    /// The instruction sets that the machine has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Kind::ALL.iter().filter(|kind| kind.is_detected()).map(|kind| Self(*kind))
    }

    /// `portable`, `avx2`, `avx512` or `avx512vbmi`, which has VBMI2 and VNNI too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    pub(super) const fn kind(self) -> Kind {
        self.0
    }

    /// This instruction set or a narrower one, for which compilers make no gathers of table
    /// look-ups: they take longer than loads one by one.
    pub(super) const fn without_gathers(self) -> Self {
        Self(self.0.without_gathers())
    }

    /// Whether a fused multiplication and addition is an instruction of loops stamped for it.
    pub(crate) const fn has_fma(self) -> bool {
        self.0.has_fma()
    }
}
