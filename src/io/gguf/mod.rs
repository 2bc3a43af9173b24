//! GGUF files, versions 2 and 3, little-endian: metadata, tensors of every type of ggml, and a
//! writer.
//!
//! The container is read by lines of its own and not by a crate: a header is two counts, values
//! with their types and a table of tensors, and what matters is what a crate would have to be
//! checked for: every count is held against the bytes that are left before anything is allocated,
//! tensors may not overlap, and a type that is not known hides no other tensor. Crates that know
//! all types bring 14 others.
//!
//! | file | owns |
//! |---|---|
//! | `kind` | the types of tensors: number, name, bytes of a block |
//! | `value` | values of the metadata, and their bytes |
//! | `cursor` | a position in a header that may not have been read to its end |
//! | `header` | metadata and the table of tensors from bytes |
//! | `part` | a file, in memory or behind a reader, and which part of a split model it is |
//! | `reader` | a model of one file or several |
//! | `weight` | numbers and blocks of a tensor |
//! | `writer` | a file that is written in a stream |

mod cursor;
mod header;
mod kind;
mod part;
mod reader;
mod value;
mod weight;
mod writer;

pub use header::GgufTensor;
pub use kind::GgufType;
pub use reader::Gguf;
pub use value::{GgufArray, GgufElement, GgufValue};
pub use weight::{GgufNumbers, GgufWeight};
pub use writer::{GgufContents, GgufWriter};

/// The key of the number that data and tensors are aligned to.
const ALIGNMENT: &str = "general.alignment";
const MAGIC: [u8; 4] = *b"GGUF";
/// ggml's tensors have no more axes.
const MAX_AXES: usize = 4;
