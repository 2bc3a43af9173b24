//! Schemes as kernel parameters: the one home of what is fast. Rules, rounding and the way back are
//! matched on without wildcards, so a new variant of [`ScaleRule`](super::ScaleRule),
//! [`Division`](super::Division), [`ElementRounding`](super::ElementRounding),
//! [`Dequantization`](super::Dequantization) and their like does not compile before this module
//! says which kernels serve it, or that no kernel does.
//!
//! To *lower* a scheme is a compiler's word: from what it says to what a kernel does. A lowering
//! returns `None` for a scheme, or leaves a block [`UNHANDLED`], wherever a kernel might give
//! another bit than the rule.

mod arrays;
mod coder;
mod element;
mod factor;
mod plan;
mod restore;
mod scale;
mod search;

pub(crate) use arrays::{BlockArrays, ChunkArrays, StoredBlocks};
pub(crate) use factor::{UNHANDLED, is_unhandled};
pub(crate) use plan::{Demand, QuantizePlan, any_unhandled};
pub(crate) use restore::{DequantizePlan, RestoreKernel};
pub(crate) use search::SearchPlan;
