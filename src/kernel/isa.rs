//! [`Isa`]: proof that the machine has an instruction set. The instruction sets of a target, their
//! names and their detection are in the target's folder (`x86/isa.rs`, or `plain.rs`).
//!
//! Its field is private and every constructor detects, so a function that takes an `Isa` may enter
//! code compiled for its features: the one argument behind every unsafe block of `x86`.

use super::native::Kind;

/// An instruction set that kernels are compiled for. A value of this type proves that the machine
/// has it.
///
/// ```
/// use subhalf::Isa;
/// assert!(Isa::available().any(|isa| isa == Isa::best()));
/// println!("kernels: {}", Isa::best().name());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

impl Isa {
    /// Returns the instruction set that the compilation target guarantees, which needs no
    /// detection.
    #[must_use]
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// Returns the widest instruction set that the machine has; detected once per process. Without
    /// the `std` feature it is [`portable`](Self::portable).
    #[must_use]
    pub fn best() -> Self {
        #[cfg(feature = "std")]
        {
            // Some twenty features are asked for: once is enough.
            static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
            // The last is the widest; `portable` is always among them.
            *BEST.get_or_init(|| Self::available().last().unwrap_or(Self::portable()))
        }
        #[cfg(not(feature = "std"))]
        Self::portable()
    }

    /// Returns the instruction sets that the machine has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        // The only place that makes an `Isa` wider than `portable`, hence the proof.
        Kind::ALL.iter().filter(|kind| kind.is_detected()).map(|kind| Self(*kind))
    }

    /// Returns the name: `portable`, `avx2`, `avx512` or `avx512vbmi`, which has VBMI2 and VNNI
    /// too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the target's name for the instruction set. Files named `entry.rs` and `isa.rs` alone
    /// ask.
    pub(super) const fn kind(self) -> Kind {
        self.0
    }

    /// Returns the widest instruction set, up to this one, for which the compiler does not turn
    /// table look-ups into gathers: these take longer than one load per element.
    pub(super) const fn without_gathers(self) -> Self {
        Self(self.0.without_gathers())
    }

    /// Returns whether loops compiled for this instruction set have FMA as an instruction.
    pub(crate) const fn has_fma(self) -> bool {
        self.0.has_fma()
    }
}
