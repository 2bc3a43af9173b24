//! Number formats below `half`: FP8, FP6, FP4, HiF8, integers, codebooks, posits, IEEE P3109 from 3
//! to 16 bits and splits of your own, converted exactly as written in the standard, or as a given
//! vendor does it ([`Convert`] says how that was checked).
//!
//! Guides, page by page, and a cookbook: [`guide`].
//!
//! # The one idea
//!
//! **A format is a value.** A [`FormatSpec`] says everything that defines a format; its limits, its
//! special codes and its order of values follow from it. One codec, `const` and free of allocation,
//! reads a spec and decodes a code to an exact [`Unpacked`] number, or rounds an exact number to a
//! code. So a new format is one constant:
//!
//! ```
//! use subhalf::{Encoding, FloatSpec, FormatSpec};
//!
//! const F7E3M3: FormatSpec =
//!     FormatSpec::constant("F7E3M3", Encoding::Float(FloatSpec::finite(3, 3)));
//! assert_eq!(F7E3M3.max().to_f64(), 30.0);
//! assert_eq!(F7E3M3.decode_f32(F7E3M3.encode_f32(2.7)), 2.75);
//! ```
//!
//! # Which door
//!
//! * One number: [`FormatSpec::encode_f32`], [`encode_f64`](FormatSpec::encode_f64),
//!   [`decode`](FormatSpec::decode); with a policy and flags:
//!   [`encode_with`](FormatSpec::encode_with); in words: [`explain`](FormatSpec::explain).
//! * A slice, from and to f32, f64 and (feature `half`) f16 and bf16:
//!   [`encode_slice`](FormatSpec::encode_slice), [`decode_slice`](FormatSpec::decode_slice),
//!   [`fake_quantize`](FormatSpec::fake_quantize); of a format's own type: [`FormatSlice`].
//!   [`SliceConverter`] takes a policy, a rounding, random words and threads, and converts dense
//!   streams of codes and codes of other formats. [`Exec`] says on which threads and instructions
//!   ([`Isa`]).
//! * Numbers with operators: [`F8E4M3`], [`F8E5M2`], [`F4E2M1`], [`HiF8`], [`BF16`] and more,
//!   stamped by [`define_format!`], which makes yours too; [`Int4`] and [`Nf4`], which convert; arithmetic on codes of a format known at run time:
//!   [`FormatSpec::add_with`] and the methods beside it.
//! * A format as a type, for generic code: the trait [`Format`] that all of these implement.
//! * A function of one number, correctly rounded, and its table: [`Unary`], [`UnaryTable`]; a table
//!   between two formats, of a function of your own too: [`CodeTable`].
//! * Rows of attention and of norms in the arithmetic of any format: [`Softmax`], [`RmsNorm`].
//! * A format by somebody's name for it: [`FormatSpec::by_name_in`] and the [`Vocabulary`] it is a
//!   word of. Roundings, policies, presets, accumulators and units are printed and parsed by name
//!   too; what is no name is refused with the nearest one ([`nearest_name`]).
//! * A tensor in a block-scaled format: [`QuantTensor::quantize`] under a [`BlockSpec`], your own
//!   or one of [`preset`]'s, which say whether a program's own output was reproduced; [`Quantizer`]
//!   also takes given scales, random words and threads; [`QuantView`] reads bytes that you have;
//!   [`layout`] knows other programs' bytes.
//! * A matrix product of any two of these, its sums made as you say, to the bit: [`matmul`];
//!   [`Matmul`] takes an [`Accumulator`] ([`Accumulator::F32`], [`Accumulator::rounded`],
//!   [`Accumulator::unit`], …), an addend and a bias; [`Operand`] is one side.
//! * What a GPU's matrix instruction returns, bit for bit: [`mod@unit`], and [`MmaSpec`] for units of
//!   your own; exact sums to compare with: [`WideSum`].
//! * A rotation that takes the outliers out of blocks: [`Hadamard`].
//! * What storing a tensor costs: [`ErrorStats`] and [`storage_error`]; of a block-scaled one
//!   [`QuantTensor::stats`]. What two of them differ in: [`QuantTensor::diff`].
//!
//! # The formats
//!
//! | constants of [`FormatSpec`] | what |
//! |---|---|
//! | [`F8E4M3`](FormatSpec::F8E4M3), [`F8E5M2`](FormatSpec::F8E5M2) | OCP FP8 |
//! | [`F8E4M3IEEE`](FormatSpec::F8E4M3IEEE), [`F8E3M4`](FormatSpec::F8E3M4), [`F8E3M4FN`](FormatSpec::F8E3M4FN) | the other 8-bit splits |
//! | [`F8E4M3FNUZ`](FormatSpec::F8E4M3FNUZ), [`F8E5M2FNUZ`](FormatSpec::F8E5M2FNUZ), [`F8E4M3B11FNUZ`](FormatSpec::F8E4M3B11FNUZ) | one zero, one NaN |
//! | [`F6E3M2`](FormatSpec::F6E3M2), [`F6E2M3`](FormatSpec::F6E2M3), [`F4E2M1`](FormatSpec::F4E2M1) | OCP MX elements |
//! | [`F4E1M2`](FormatSpec::F4E1M2), [`F4E3M0`](FormatSpec::F4E3M0), [`F4E0M3`](FormatSpec::F4E0M3) | the other 4-bit splits |
//! | [`E8M0`](FormatSpec::E8M0), [`UE4M3`](FormatSpec::UE4M3), [`UE5M3`](FormatSpec::UE5M3), [`UE6M2`](FormatSpec::UE6M2) | unsigned block scales |
//! | [`HIF8`](FormatSpec::HIF8), [`POSIT8`](FormatSpec::POSIT8) | tapered precision |
//! | [`BF16`](FormatSpec::BF16), [`F16`](FormatSpec::F16), [`TF32`](FormatSpec::TF32), [`E8M13`](FormatSpec::E8M13), [`F32`](FormatSpec::F32) | wider floats |
//! | [`INT8`](FormatSpec::INT8) … [`INT1`](FormatSpec::INT1), [`UINT8`](FormatSpec::UINT8) …, [`MXINT8`](FormatSpec::MXINT8) | integers, with or without a binary point |
//! | [`NF4`](FormatSpec::NF4), [`AF4`](FormatSpec::AF4), [`BNBFP4`](FormatSpec::BNBFP4), [`BNBDYNAMIC8`](FormatSpec::BNBDYNAMIC8) | codebooks |
//! | [`p3109`](FormatSpec::p3109) | every `Binary{K}p{P}{s,u}{e,f}` of IEEE P3109, K from 3 to 16 |
//! | [`new`](FormatSpec::new), [`constant`](FormatSpec::constant), [`sign_magnitude`](FormatSpec::sign_magnitude) | your own, up to 32 bits |
//!
//! # What a conversion may do differently
//!
//! Stacks agree about values and disagree about what becomes of the rest: E4M3 of 500 is 448 to
//! CUDA's default and NaN to JAX. A [`Convert`] policy has one part for each such question
//! ([`Round`], [`Overflow`], [`Infinity`], [`Nan`], [`MissingNan`], [`Zero`], [`Negative`],
//! [`SubnormalInputs`], and of arithmetic [`DivisionByZero`]); the vendors' combinations are
//! constants: [`Convert::ML_DTYPES`], [`Convert::CUDA_SATFINITE`], [`Convert::TORCH_2_15`],
//! [`Convert::P3109_SAT_NONE`] and more. Plain conversions use [`FormatSpec::default_convert`].
//!
//! # Blocks
//!
//! A block-scaled format is a value too. A [`BlockSpec`] names the elements, the scales, which
//! elements share one ([`Extent`]), how it is found ([`ScaleRule`]) and applied ([`Division`]).
//! "NVFP4" or "MXFP4" alone are no specification: programs disagree about all of that, so every
//! preset has the name of a program, or of the document or the kind of scheme that it follows, and
//! says whether that program's own output was reproduced.
#![cfg_attr(feature = "presets", doc = "```")]
#![cfg_attr(not(feature = "presets"), doc = "```ignore")]
//! use subhalf::{QuantTensor, preset};
//! let x: Vec<f32> = (0..64).map(|i| (i as f32 - 30.0) / 8.0).collect();
//! let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
//! assert_eq!(tensor.codes().len(), 32); // 4 bits each
//! assert_eq!(tensor.scales(), [126, 127]); // 0.5 and 1
//! assert_eq!(tensor.dequantize()[..4], [-3.0; 4]); // the first, -3.75, saturates
//! # Ok::<(), subhalf::Error>(())
//! ```
//!
//! # Guarantees
//!
//! * **One rounding.** Every conversion rounds the exact value once: from f64 never through f32,
//!   between two formats never through a third.
//! * **Nothing typed in.** Every limit is computed from the spec.
//! * **The same bits everywhere**, for every thread count and chunking, stochastic rounding
//!   included ([`Dither`]). No feature changes a result. A NaN made for f32 is 0x7FC00000 unless a
//!   policy asks for another.
//! * **Correctly rounded arithmetic**: every operation is the exact result rounded once, in any
//!   mode, with flags.
//! * **Errors, not panics**, on bad input: [`Error`] names what was expected and found.
//!   [`FormatSpec::constant`] panics, so that a `const` does not compile.
//!
//! # Features
//!
//! Those of the first list are on by default. Without them the crate is `no_std`, needs no
//! allocator, and has everything else.
//!
//! * `std`: finds out which instructions the machine has; implies `alloc`.
//! * `alloc`: tensors, packed streams, vectors of codes, other programs' byte layouts.
//! * `matmul`: matrix products, [`matmul`] and everything around it; implies `alloc`. A quarter of
//!   what there is to compile, for programs that do without.
//! * `presets`: the schemes of [`preset`], and the layouts of ggml and gpt-oss, which are made of
//!   them; implies `alloc`. Without it a [`BlockSpec`] is written out.
//! * `rayon`: bulk calls use threads; implies `std`.
//! * `half`: conversions from and to the types of the crate half.
//! * `num-traits`: the scalar types are `Num`, `Bounded`, `NumCast`, `FloatConst`, … as far as
//!   each format goes; not `Float`.
//!
//! Off by default, and each brings the crate of its name:
//!
//! * `serde`: scalars as their codes, or with [`serde_as_number`] and [`serde_as_string`] as
//!   numbers and text; formats, schemes, policies, accumulators and stats, which are checked when
//!   they are read; implies `alloc`.
//! * `rand`: `StandardUniform`, `Open01`, `OpenClosed01`, `StandardNormal`, `Exp1`, ranges and
//!   weights of rand 0.9 and `rand_distr` 0.5; implies `alloc` and `num-traits`.
//! * `ndarray`: arrays of ndarray 0.17 into tensors and operands, tensors to arrays; implies
//!   `alloc` and `num-traits`.
//! * `zerocopy`: `IntoBytes` of zerocopy 0.8, and `FromBytes` where every byte is a code.
//! * `arbitrary`: any code of a scalar type, for fuzzing; implies `std`.
//! * `num-traits-float`: `Float` and `FloatCore` for generic code that asks for them, although most
//!   formats lack the infinities, NaN or −0 that both promise; brings the crate libm.
//!
//! Programs that know files:
//!
//! * `safetensors`: [`io`], checkpoints read as weights; implies `std` and `presets`,
//!   and brings the crates safetensors, serde and `serde_json`.
//! * `gguf`: [`io`](crate::io), GGUF files read and written; implies `std` and `presets`, and
//!   brings no crate.
//! * `recipes`: [`mod@recipe`], papers as functions; implies `std`, `matmul` and
//!   `presets`, and brings no crate.
//!
//! The scalar types always have bytemuck's traits: whole-byte ones are `Pod`, narrower ones
//! `NoUninit` and `CheckedBitPattern`.
//!
//! ```
//! use subhalf::{F4E2M1, F8E4M3};
//! let numbers: &[F8E4M3] = bytemuck::cast_slice(&[0x38u8, 0x7E]);
//! assert_eq!(numbers[0].to_f32() + numbers[1].to_f32(), 449.0);
//! assert!(bytemuck::checked::try_cast_slice::<u8, F4E2M1>(&[0xF2]).is_err());
//! # #[cfg(feature = "num-traits")]
//! assert_eq!(num_traits::cast::<i32, F8E4M3>(300), Some(F8E4M3::from_f32(288.0)));
//! ```

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate self as subhalf;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
#[cfg(doctest)]
#[doc = include_str!("../docs/formats.md")]
struct FormatsExamples;
#[cfg(doctest)]
#[doc = include_str!("../docs/schemes.md")]
struct SchemesExamples;
#[cfg(doctest)]
#[doc = include_str!("../docs/products.md")]
struct ProductsExamples;
#[cfg(doctest)]
#[doc = include_str!("../docs/units.md")]
struct UnitsExamples;

mod arith;
mod bits;
#[cfg(feature = "alloc")]
mod block;
mod codec;
mod error;
mod flags;
mod format;
// Pages of documentation, with nothing in them for programs.
#[cfg(all(any(doc, doctest), feature = "std", feature = "matmul", feature = "presets"))]
pub mod guide;
#[cfg(any(feature = "safetensors", feature = "gguf"))]
pub mod io;
mod kernel;
mod mem;
#[cfg(feature = "matmul")]
mod mma;
mod name;
mod naming;
mod ops;
mod policy;
mod random;
#[cfg(feature = "recipes")]
pub mod recipe;
mod round;
#[doc(hidden)]
pub mod scalar;
#[cfg(feature = "serde")]
mod serial;
mod spec;
mod stats;
#[cfg(feature = "alloc")]
mod transform;
mod unary;
mod vendor;

#[cfg(feature = "presets")]
pub use block::preset;
#[cfg(feature = "alloc")]
pub use block::{
    Accept, BitOrder, BlockSpec, BlockStats, Codebooks, CustomRule, Dequantization, Division,
    ElementRounding, Extent, Metric, Nonfinite, Offset, Parts, PartsMut, QuantTensor, QuantView,
    Ratio, Region, ScaleRule, ScaleSigns, Search, SharedMemory, SubScale, TensorScale, ZeroMinimum,
    ZeroSign, layout, pack, unpack,
};
pub use codec::{Encoded, Explanation, Finfo, Unpacked, Values};
pub use error::Error;
pub use flags::Flags;
pub use format::{Format, Vocabulary};
pub use kernel::Isa;
#[doc(hidden)]
pub use kernel::Needs;
#[cfg(feature = "matmul")]
pub use mma::{
    Accumulator, Adder, Chain, Combine, InputFlush, IntegerAdder, IntegerOverflow, Join, KOrder,
    KSchedule, MmaBuilder, MmaSpec, MmaStep, ResultFlush, RoundedOrder, ScaleUse, UnitAcc,
    UnitScales, WideSum, preset as unit,
};
pub use name::Name;
pub use naming::nearest_name;
#[cfg(feature = "alloc")]
pub use ops::FormatVecExt;
#[cfg(feature = "alloc")]
pub use ops::Quantizer;
#[cfg(feature = "matmul")]
pub use ops::{
    Activation, Matmul, Operand, PackedMatrix, Workspace, dot, gemv, matmul, matmul_into,
    reference_matmul,
};
pub use ops::{
    Exec, FormatSlice, FormatSliceExt, Real, RmsNorm, SliceConverter, Softmax, SoftmaxForm,
};
#[cfg(feature = "alloc")]
pub use ops::{Recoded, Source};
pub use policy::{
    Convert, DivisionByZero, Infinity, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero,
};
pub use random::{Dither, philox4x32_10};
pub use round::{Round, Stochastic};
#[doc(hidden)]
pub use scalar as scalar_support;
pub use scalar::{
    BF16, Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3se, Binary8p3sf, Binary8p4se,
    Binary8p4sf, Binary8p5se, E8M0, F4E2M1, F6E2M3, F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz,
    F8E4M3Fnuz, F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, F16, HiF8, Int4, Nf4, ParseError, UE4M3, UE5M3,
    aliases,
};
#[cfg(feature = "serde")]
pub use serial::{as_number as serde_as_number, as_string as serde_as_string};
pub use spec::{
    Code, Domain, Encoding, FloatSpec, FormatSpec, IntSpec, NanCodes, PositSpec, Signedness, Table,
    ZeroField,
};
pub use stats::{ErrorStats, Sqnr, amax_scale, storage_error};
#[cfg(feature = "alloc")]
pub use stats::{LargestDifference, TensorDiff, TensorStats, WorstBlock};
#[cfg(feature = "alloc")]
pub use transform::Hadamard;
pub use unary::{CodeTable, Unary, UnaryTable};
