#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod bits;
mod codec;
mod error;
mod flags;
mod format;
mod name;
mod ops;
mod policy;
mod random;
mod round;
mod spec;
mod vendor;

pub use codec::{Encoded, Explanation, Finfo, Unpacked, Values};
pub use error::Error;
pub use flags::Flags;
pub use format::{Code, Format, Vocabulary};
pub use name::Name;
pub use ops::{Exec, Real, decode_slice, encode_slice, fake_quantize_slice};
pub use policy::{Convert, Infinity, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero};
pub use random::{Dither, philox4x32_10};
pub use round::{Round, Stochastic};
pub use spec::{Domain, Encoding, FloatSpec, FormatSpec, IntSpec, NanCodes, PositSpec, Signedness, ZeroField};
