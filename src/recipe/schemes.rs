//! Schemes of papers that a [`BlockSpec`] expresses.
//!
//! Their kernels are those of every scheme. Block floating point of other widths comes from
//! [`block_floating_point`].

use crate::block::{BlockSpec, Division, Extent, Ratio, ScaleRule};
use crate::error::Error;
use crate::spec::{Encoding, FormatSpec, IntSpec, Table};

/// Two's complement of `bits` bits, the most negative code never produced, one bit before the
/// binary point besides the sign: magnitudes below 2.
const fn significand(bits: u8) -> Encoding {
    let fraction_bits = bits as i8 - 2;
    Encoding::Int(IntSpec { signed: true, bits, fraction_bits, symmetric: true })
}

const fn msfp(name: &str, bits: u8) -> BlockSpec {
    let element = FormatSpec::constant(name, significand(bits));
    let extent = Extent::Block { rows: 1, cols: 16 };
    BlockSpec::new(element, Some(FormatSpec::E8M0), extent, ScaleRule::Floor)
}

/// MSFP12 (Microsoft floating point, `NeurIPS` 2020): 8 bits of exponent for 16 numbers, a sign and
/// 3 bits of magnitude each, no hidden bit.
///
/// The largest magnitude of a block is between 1 and 2 times `2^E`, elements are multiples of
/// `2^(E − 2)` to nearest even, and saturate. Rounding is not stated in what was read of the paper.
pub const MSFP12: BlockSpec = msfp("MSFP12", 4);
/// MSFP13: [`MSFP12`] with 4 bits of magnitude.
pub const MSFP13: BlockSpec = msfp("MSFP13", 5);
/// MSFP14: [`MSFP12`] with 5 bits of magnitude.
pub const MSFP14: BlockSpec = msfp("MSFP14", 6);
/// MSFP15: [`MSFP12`] with 6 bits of magnitude.
pub const MSFP15: BlockSpec = msfp("MSFP15", 7);
/// MSFP16: [`MSFP12`] with 7 bits of magnitude.
pub const MSFP16: BlockSpec = msfp("MSFP16", 8);

/// Returns block floating point: a shared exponent, and `bits` bits for sign and magnitude of each
/// number of a block.
///
/// One block for a tensor is dynamic fixed point: with 16 bits the DFP-16 of arXiv 1802.00930, `i ·
/// 2^(e − 14)` with `e = floor(log2 amax)`.
///
/// ```
/// use subhalf::{Extent, QuantTensor, recipe::schemes};
/// let dfp16 = schemes::block_floating_point(16, Extent::Tensor)?;
/// let tensor = QuantTensor::quantize(&dfp16, &[0.75f32, -3.2, 0.011], &[3])?;
/// let codes: Vec<i16> = (0..3).map(|i| tensor.view().code(i).unwrap() as i16).collect();
/// assert_eq!(codes, [6144, -26214, 90]);
/// assert_eq!(tensor.dequantize(), [0.75, -3.199951171875, 0.010986328125]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::SpecRange`] for less than 2 bits or more than 24.
pub fn block_floating_point(bits: u8, extent: Extent) -> Result<BlockSpec, Error> {
    if !(2..=24).contains(&bits) {
        let what = "bits of a block floating point number";
        return Err(Error::SpecRange { what, found: bits.into(), low: 2, high: 24 });
    }
    let element = FormatSpec::new("BFP", significand(bits))?;
    Ok(BlockSpec::new(element, Some(FormatSpec::E8M0), extent, ScaleRule::Floor))
}

/// NVFP4 with UE5M3 block scales and no tensor scale (arXiv 2509.17791): `s = ue5m3(amax / 6)`,
/// elements E2M1 of the exact quotient.
///
/// UE5M3 is CUDA's, up to 114688, in LLVM `Float8E5M3FNU`. Secondary sources give the paper's
/// format a largest number of 61440 instead: blocks above `6 · 61440` differ.
pub const NVFP4_UE5M3: BlockSpec = nvfp4(FormatSpec::UE5M3);

/// NVFP4 with E4M3 block scales and no tensor scale, for comparison with [`NVFP4_UE5M3`].
pub const NVFP4_UE4M3: BlockSpec = nvfp4(FormatSpec::UE4M3);

const fn nvfp4(scale: FormatSpec) -> BlockSpec {
    let rule = ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide };
    BlockSpec::new(FormatSpec::F4E2M1, Some(scale), Extent::NVFP4, rule)
}

/// FP4 weights of ZeroQuant-FP under its constraint M1 (arXiv 2307.09782): groups of 256 columns
/// whose scale is `2^ceil(log2(amax / 6))`. The constraint M2 is
/// [`ZeroquantScales`](super::ZeroquantScales).
pub const ZEROQUANT_FP4_M1: BlockSpec = BlockSpec::new(
    FormatSpec::F4E2M1,
    Some(FormatSpec::E8M0),
    Extent::Block { rows: 1, cols: 256 },
    ScaleRule::RoundUp,
);

/// The bits of the f32s nearest to 16 codebook entries.
const fn entries(levels: [f64; 16]) -> [u32; 16] {
    let (mut bits, mut i) = ([0; 16], 0);
    while i < 16 {
        bits[i] = (levels[i] as f32).to_bits();
        i += 1;
    }
    bits
}

/// BOF4's levels for blocks of 64 that minimise the squared error (arXiv 2505.06653, table 7).
static BOF4_MSE_LEVELS: [u32; 16] = entries([
    -1.0,
    -0.75352454,
    -0.57920372,
    -0.43859988,
    -0.31676799,
    -0.20599245,
    -0.10153876,
    0.0,
    0.08872453,
    0.17937696,
    0.27414998,
    0.37582114,
    0.48849377,
    0.61870587,
    0.77904522,
    1.0,
]);
/// BOF4's levels for blocks of 64 that minimise the absolute error.
static BOF4_MAE_LEVELS: [u32; 16] = entries([
    -1.0,
    -0.70263058,
    -0.52727038,
    -0.39467382,
    -0.28321448,
    -0.18353136,
    -0.09030867,
    0.0,
    0.07896,
    0.15987925,
    0.24498636,
    0.33722189,
    0.44135928,
    0.56577706,
    0.72991782,
    1.0,
]);
/// BOF4-S's levels for blocks of 64 that minimise the squared error.
static BOF4S_MSE_LEVELS: [u32; 16] = entries([
    -0.85684639,
    -0.66928744,
    -0.52352661,
    -0.40048826,
    -0.29106382,
    -0.1900093,
    -0.09385296,
    0.0,
    0.08876717,
    0.17948027,
    0.27430961,
    0.37601975,
    0.488653,
    0.61886036,
    0.77913958,
    1.0,
]);
/// BOF4-S's levels for blocks of 64 that minimise the absolute error.
static BOF4S_MAE_LEVELS: [u32; 16] = entries([
    -0.80187982,
    -0.60760516,
    -0.46882802,
    -0.35596028,
    -0.25761694,
    -0.16774814,
    -0.08273663,
    0.0,
    0.07894348,
    0.15979668,
    0.24484955,
    0.33714801,
    0.44125739,
    0.56568193,
    0.72980684,
    1.0,
]);

const fn bof4(name: &str, levels: &'static [u32; 16], rule: ScaleRule) -> BlockSpec {
    let element = FormatSpec::constant(name, Encoding::Codebook(Table::of(levels)));
    BlockSpec::new(element, Some(FormatSpec::F32), Extent::Flat(64), rule)
        .with_division(Division::Divide)
}

const ABSMAX: ScaleRule = ScaleRule::Amax { target: 1.0, ratio: Ratio::Divide };
const SIGNED_ABSMAX: ScaleRule = ScaleRule::SignedMax { target: 1.0 };

/// BOF4 (arXiv 2505.06653) with levels for the squared error: runs of 64 numbers over their largest
/// magnitude, nearest level of the f32 quotient, ties to the even code.
pub const BOF4_MSE: BlockSpec = bof4("BOF4MSE", &BOF4_MSE_LEVELS, ABSMAX);
/// BOF4 with levels for the absolute error.
pub const BOF4_MAE: BlockSpec = bof4("BOF4MAE", &BOF4_MAE_LEVELS, ABSMAX);
/// BOF4-S (arXiv 2505.06653) with levels for the squared error: runs of 64 numbers over the element
/// of largest magnitude, with its sign, so that 1 alone is a fixed level beside 0.
pub const BOF4S_MSE: BlockSpec = bof4("BOF4SMSE", &BOF4S_MSE_LEVELS, SIGNED_ABSMAX);
/// BOF4-S with levels for the absolute error.
pub const BOF4S_MAE: BlockSpec = bof4("BOF4SMAE", &BOF4S_MAE_LEVELS, SIGNED_ABSMAX);
