//! Loops over the blocks of a row. Quantization goes through `magnitude` (maxima), `formula` and
//! `scale` (scales and factors), `encode` with `divide` (scaling and encoding in one pass, with the
//! coders of `halves` and `grid`), `least` with
//! `least_table` and `few_near` (least errors) or `zero_points`, `errors` (searches) and
//! `pack`; dequantization through `pack` and `restore`. `hif4` and `two_codebooks` are recipes'
//! schemes of their own. `operands` holds the types that several of
//! them take.

mod divide;
mod encode;
mod errors;
mod few_near;
mod formula;
mod grid;
mod halves;
#[cfg(feature = "recipes")]
mod hif4;
mod intrinsics;
mod least;
mod least_table;
mod magnitude;
mod operands;
mod pack;
mod restore;
mod scale;
#[cfg(feature = "recipes")]
mod two_codebooks;
mod zero_points;

// Callers choose among these by a scheme: see `block::lower`.
pub(crate) use divide::{
    LEAST_DIVISOR, Less, Over, OverByReciprocal, OverToOdd, OverToOddFused, RECIPROCAL_FROM,
    Scaling, Times, reciprocals,
};
pub(crate) use encode::{FloatCoder, encode_blocks, replace, scale_blocks, widen, zeros_become};
pub(crate) use errors::{
    error_terms, find_less, fold_blocks, set_aside, take_blocks_where, take_where,
};
pub(crate) use formula::{
    BlockRanges, FactorUse, Formula, PowerRule, ScaleArrays, ScaleFormat, ScaleKernel, Start, Step,
    any_nan, apply,
};
pub(crate) use grid::{
    Away, Grid, GridCoder, HalfAdded, HalfAddedEven, LogarithmTruncated, TiesTowardZero, Truncated,
    encode_grid,
};
pub(crate) use halves::{HalfUp, IntegerAway, encode_each};
#[cfg(feature = "recipes")]
pub(crate) use hif4::hif4_groups;
// Implemented or taken by kernels in intrinsics, and not visible outside of the kernel.
pub(in crate::kernel) use few_near::FewNear;
pub(in crate::kernel) use intrinsics::BlockIntrinsics;
pub(crate) use least::LeastError;
pub(crate) use magnitude::{amax, block_largest, finite_amax};
pub(crate) use operands::{
    AllValues, AmaxQuotient, FloatBlocks, Fold, HighestValue, LessZeroPoint, LowestValue,
    NegativeValues, PackedBlocks, PlusMinimum, PositiveValues, Product,
};
pub(in crate::kernel) use operands::{Order, Restoring, Selected};
pub(crate) use pack::{pack_codes, unpack_codes};
pub(crate) use restore::{RestoreBuffers, e8m0, restore, restore_packed, restores_packed};
pub(crate) use scale::{Logarithms, Powers};
#[cfg(feature = "recipes")]
pub(crate) use two_codebooks::{
    OF_E1M2, OF_INTEGERS, TwoCodebooks, restored, take_second_codebook,
};
pub(crate) use zero_points::{PointCoder, encode_points, zero_points};
