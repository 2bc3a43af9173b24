//! Checkpoints of safetensors: from tables of tensors to weights.
//!
//! | file | owns |
//! |---|---|
//! | `checkpoint` | what a caller opens, and the weights that it lists |
//! | `files`, `shard` | files, directories and indices of shards; the bytes of one file |
//! | `header`, `config` | the table of tensors of a file; what `config.json` says |
//! | `rules` | the conventions of programs, as a table of suffixes and dtypes |
//! | `recognize` | which tensors a rule groups to a weight, and why others are carried along |
//! | `plan`, `groups`, `mlx`, `other` | the scheme, the shape and the form of a group, by rule |
//! | `weight`, `repack` | the bytes of a weight, put in order where a view cannot take them |
//! | `stored` | a tensor as its file has it |
//! | `describe` | the `config.json` of a layout |
//! | `writer` | a file that is written in pieces |
//! | `layouts`, `layout_table`, `arrange` | the layouts that weights are written in, and their bytes |

mod arrange;
mod checkpoint;
mod config;
mod describe;
mod files;
mod groups;
mod header;
mod layout_table;
mod layouts;
mod mlx;
mod other;
mod plan;
mod recognize;
mod repack;
mod rules;
mod shard;
mod stored;
mod weight;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointFiles};
pub use describe::{QuantizedModel, config_of_numbers};
pub use layouts::{CheckpointLayout, PlannedPart};
pub use plan::{Convention, Scheme};
pub use recognize::Carried;
pub use stored::StoredTensor;
pub use weight::{Loaded, PlainNumbers, QuantWeight, Weight};
pub use writer::{SafetensorsContents, SafetensorsWriter};
