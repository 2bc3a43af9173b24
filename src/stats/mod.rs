//! Error accounting: [`ErrorStats`] sums up what storing numbers in a format did to them,
//! [`TensorStats`] what a block-scaled tensor kept, [`TensorDiff`] what two of them differ in. It measures; which policy and which scale to
//! use is the caller's choice.

#[cfg(feature = "alloc")]
mod diff;
#[cfg(feature = "alloc")]
mod elements;
mod errors;
mod overflow;
mod pairs;
#[cfg(feature = "alloc")]
mod scales;
mod storage;
#[cfg(feature = "alloc")]
mod tensor;
#[cfg(test)]
mod tests;
#[cfg(feature = "alloc")]
mod worst;

#[cfg(feature = "alloc")]
pub use diff::{LargestDifference, TensorDiff};
pub use errors::{ErrorStats, Sqnr};
pub use storage::{amax_scale, storage_error};
#[cfg(feature = "alloc")]
pub use tensor::{TensorStats, WorstBlock};
