//! What is measured of pairs of numbers, a reference and what was stored for it: sums in the order
//! that [`ErrorStats`](crate::ErrorStats) defines, counts, and formats that round f64s by a table.

#[cfg(feature = "alloc")]
mod codes;
mod pairs;
#[cfg(feature = "alloc")]
mod steps;
mod storage;

#[cfg(feature = "alloc")]
pub(crate) use codes::{count_codes, outside};
pub(crate) use pairs::{
    CHUNK_PAIRS, PairBuffer, PairCounts, SIDE, add_few, add_side_by_side, finite_amax_f64, settle,
};
#[cfg(feature = "alloc")]
pub(crate) use pairs::{Differences, differences, raise_to_largest, squares};
#[cfg(feature = "alloc")]
pub(crate) use steps::NumberSteps;
pub(crate) use storage::{Bounds, beyond, narrow, products, quotients, rescale};
