//! Block-scaled formats and the tensors in them. A [`BlockSpec`] says everything that defines a scheme; [`preset`] names those that
//! people ship; [`QuantTensor`] holds one tensor; [`layout`] converts to and from other programs' bytes. Loops over tensors and threads
//! are in `ops`.

mod apply;
mod given;
pub mod layout;
mod lossless;
mod pack;
pub mod preset;
mod region;
mod scale;
mod spec;
mod tensor;

pub use given::Accept;
pub use pack::{BitOrder, pack, unpack};
pub use region::Region;
pub use scale::{BlockStats, Metric, Ratio, ScaleRule, Search};
pub use spec::{Apply, BlockSpec, Elements, Extent, Nonfinite, Offset, Restore, TensorScale, ZeroMinimum, ZeroSign};
pub use tensor::{Parts, QuantTensor, QuantView};

pub(crate) use apply::{Block, LEAST_DIVISOR, Number, Restorer, Scaling};
pub(crate) use pack::{get, pack_by, packed_bytes, put, unpack_by};
pub(crate) use scale::logarithm_carries;
pub(crate) use tensor::{Geometry, store};
