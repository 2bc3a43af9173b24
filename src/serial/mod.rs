//! `serde` for everything that is not a scalar: specs, schemes, policies, names and what was
//! measured. It owns how they are written; what is valid is for each type's own check, which every
//! value that is read passes.
//!
//! * What has a name is written as its name: roundings, policies (`"CUDA_SATFINITE round=up"`),
//!   vocabularies, accumulators, matrix units, presets, flags.
//! * A format is written as its name if it has one, else as its name and encoding; a scheme as its
//!   preset's name, or part by part. Formats that are not for people (`is_human_readable`) get all
//!   parts always.
//! * f32s and f64s that are not finite are written as `"inf"`, `"-inf"` and `"NaN"` for people, as
//!   JSON has no such numbers. (`serde_json` reads an f64 to the last bit with its feature
//!   `float_roundtrip` only.)

mod block;
mod format;
mod named;
pub(crate) mod number;
mod stats;

pub mod as_number;
pub mod as_string;
