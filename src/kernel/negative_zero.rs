//! What becomes of −0, as an enum for callers and as an f32 to add for loops.

/// What an addition in a loop makes of −0.
///
/// In IEEE 754, `x + (−0.0)` is x for every x, and `x + 0.0` is x except that −0 becomes +0. A
/// loop adds one of the two to every number, so that both behaviours are the same instructions.
/// Callers pass the enum; kernels turn it into the addend once, outside of their loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NegativeZero {
    /// −0 stays −0.
    Keep,
    /// −0 becomes +0.
    Clear,
}

impl NegativeZero {
    /// Returns the number to add: −0.0 keeps −0, +0.0 clears it.
    pub(crate) const fn addend(self) -> f32 {
        match self {
            Self::Keep => -0.0,
            Self::Clear => 0.0,
        }
    }
}
