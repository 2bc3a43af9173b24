//! Papers as functions: schemes that fit no [`BlockSpec`](crate::BlockSpec), searches for scales
//! and formats, and the arithmetic of training recipes. `docs/papers.md` maps each paper to its
//! function and its test.
//!
//! Every function is composed of the rest of the crate and defines no rounding of its own. Sums are
//! f64 in the order of their elements, so that results are the same on every machine. Where a paper
//! and its published code differ, or a detail could not be verified, each reading is a variant with
//! a name, and its documentation says which reading it is.

mod adaptive;
mod additive;
mod afpq;
mod any4;
mod calibrate;
mod channels;
mod collage;
mod dual_level;
mod flexible;
mod fp6_llm;
mod fsq;
mod functions;
mod gptq;
mod gradients;
mod hif4;
mod hybrid;
mod kmeans;
mod l_mul;
mod linear;
mod low_rank;
mod micro;
mod outliers;
pub mod schemes;
mod ternary;
mod training;
mod zeroquant;

pub use adaptive::{Adaptive4, SecondCodebook};
pub use additive::AdditiveCodebooks;
pub use afpq::afpq;
pub use any4::{Any4Weighting, any4};
pub use calibrate::Calibration;
pub use channels::{AwqFit, FireqScaling, awq, fireq_key_pairs, smoothquant};
pub use collage::{Bf16Pair, Compensated};
pub use dual_level::dual_level_mxfp4;
pub use flexible::{
    FlexibleFit, best_scheme_per_row, bias_of_clip, flexible_fit, flexible_format, pre_shift,
};
pub use fp6_llm::{fp6_llm_pack, fp6_llm_unpack, fp6_to_f16_bits};
pub use fsq::Fsq;
pub use functions::{layer_cast, polynomial_error};
pub use gptq::{GptqFit, gptq, hessian};
pub use gradients::GradientEstimator;
pub use hif4::{HiF4Group, HiF4Rounding};
pub use hybrid::hif8_hybrid;
pub use kmeans::weighted_kmeans;
pub use l_mul::LMul;
pub use low_rank::{LorcFit, LowRank, lorc};
pub use micro::{MicroExponents, MicroTensor};
pub use outliers::{Clamped, clamp_outliers, noise_shaped};
pub use ternary::ternary_absmean;
pub use training::{Nvfp4Pretraining, gaussian_weights, unit_scaling};
pub use zeroquant::{PowerRatio, ZeroquantScales};

use crate::block::{BitOrder, pack};
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;

/// Returns the columns of a matrix of `rows` rows, refusing a length that is no multiple of it.
fn columns(what: &'static str, length: usize, rows: usize) -> Result<usize, Error> {
    if rows == 0 {
        return Err(Error::Scheme {
            what,
            expected: "one row, group or block at least, found none",
        });
    }
    if !length.is_multiple_of(rows) {
        let expected = length.div_ceil(rows).saturating_mul(rows);
        return Err(Error::Length { what, expected, found: length });
    }
    Ok(length / rows)
}

/// Refuses numbers that are not finite.
fn all_finite(what: &'static str, numbers: &[f32]) -> Result<(), Error> {
    match numbers.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => {
            let expected = "a finite number";
            Err(Error::Given { what, index, expected, bits: numbers[index].to_bits() })
        }
    }
}

/// Packs rows of codes of at most 8 bits, each from a byte of its own, as tensors hold them.
fn pack_rows(codes: &[u8], bits: u32, cols: usize) -> Result<Vec<u8>, Error> {
    let mut packed = Vec::new();
    for row in codes.chunks(cols.max(1)) {
        let mut bytes = vec![0; (row.len() * bits as usize).div_ceil(8)];
        pack(row, bits, BitOrder::LsbFirst, &mut bytes)?;
        packed.extend_from_slice(&bytes);
    }
    Ok(packed)
}

/// Returns `floor(log2 |x|)` of a finite number other than zero, subnormal ones too.
fn exponent(x: f32) -> i32 {
    let bits = x.to_bits() & 0x7FFF_FFFF;
    if bits < 0x0080_0000 {
        31 - bits.leading_zeros() as i32 - 149
    } else {
        (bits >> 23) as i32 - 127
    }
}

/// Returns `2^e` for exponents that an f64 has as a normal number.
fn exp2(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}
