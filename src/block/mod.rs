//! Block-scaled formats and the tensors in them. A [`BlockSpec`] says everything that defines a
//! scheme; [`preset`] names those that people ship; [`QuantTensor`] holds one tensor; [`layout`]
//! converts to and from other programs' bytes. Loops over tensors and threads are in `ops`.
//!
//! `scheme` and `rule` have the parts of a scheme, `spec` puts them together, `validate` refuses
//! contradictions. `rule`, `scale` and `apply` are the definition of what a scheme computes: the
//! scale of a block, its code, the codes of its numbers, and the numbers that come back. `lower`
//! turns a scheme into kernel parameters. `geometry` says where blocks are, `tensor` and `view`
//! hold them.

mod apply;
mod bytes;
mod custom;
mod cut;
mod geometry;
mod given;
mod join;
pub mod layout;
mod lossless;
mod lower;
mod pack;
mod parts;
#[cfg(feature = "presets")]
pub mod preset;
mod region;
mod rule;
mod scale;
mod scheme;
mod spec;
mod statistics;
mod summary;
#[cfg(feature = "presets")]
mod superblock;
mod tensor;
mod transpose;
mod validate;
mod view;

// What users see: the parts of a scheme, tensors and views of them.
pub use bytes::SharedMemory;
pub use custom::CustomRule;
pub use given::Accept;
pub use pack::{BitOrder, pack, unpack};
pub use parts::{Parts, PartsMut};
pub use region::Region;
pub use rule::{Ratio, ScaleRule};
pub use scheme::{
    Codebooks, Dequantization, Division, ElementRounding, Extent, Metric, Nonfinite, Offset,
    ScaleSigns, Search, SubScale, TensorScale, ZeroMinimum, ZeroSign,
};
pub use spec::BlockSpec;
pub use statistics::BlockStats;
pub use tensor::QuantTensor;
pub use view::QuantView;

// What `ops` runs: the definition of a scheme, element by element, and the plans of kernels that
// must agree with it bit for bit.
pub(crate) use apply::{Block, Number};
pub(crate) use geometry::Geometry;
pub(crate) use lower::{
    BlockArrays, ChunkArrays, Demand, DequantizePlan, QuantizePlan, RestoreKernel, SearchPlan,
    StoredBlocks, UNHANDLED, any_unhandled, is_unhandled,
};
pub(crate) use pack::{pack_by, packed_bytes, put, store, unpack_by};
#[cfg(feature = "presets")]
pub(crate) use superblock::{SUPERBLOCK, SuperblockFit, q4_k, q6_k};
#[cfg(feature = "matmul")]
pub(crate) use {apply::Restorer, geometry::matrix_axes, summary::SchemeName};
