//! ml_dtypes' spelling of the types (and en_dtypes' of [`HiF8`](crate::HiF8)).

#![allow(non_camel_case_types, reason = "the spelling of another library")]

use super::{four_bits, sixteen_bits, types};

/// ml_dtypes' name of [`F8E4M3`](crate::F8E4M3), OCP FP8 E4M3, 8 bits: up to ±448, smallest 2^-9,
/// NaN, no infinity.
pub type float8_e4m3fn = types::F8E4M3;
/// ml_dtypes' name of [`F8E5M2`](crate::F8E5M2), OCP FP8 E5M2, 8 bits: up to ±57344, smallest
/// 2^-16, NaN and infinities.
pub type float8_e5m2 = types::F8E5M2;
/// ml_dtypes' name of [`F8E4M3Fnuz`](crate::F8E4M3Fnuz), E4M3 FNUZ, 8 bits: up to ±240, smallest
/// 2^-10, one NaN, no infinity, no −0.
pub type float8_e4m3fnuz = types::F8E4M3Fnuz;
/// ml_dtypes' name of [`F8E5M2Fnuz`](crate::F8E5M2Fnuz), E5M2 FNUZ, 8 bits: up to ±57344, smallest
/// 2^-17, one NaN, no infinity, no −0.
pub type float8_e5m2fnuz = types::F8E5M2Fnuz;
/// ml_dtypes' name of [`F8E4M3B11Fnuz`](crate::F8E4M3B11Fnuz), E4M3 FNUZ with bias 11, 8 bits: up
/// to ±30, smallest 2^-13, one NaN, no infinity, no −0.
pub type float8_e4m3b11fnuz = types::F8E4M3B11Fnuz;
/// ml_dtypes' name of [`F8E4M3Ieee`](crate::F8E4M3Ieee), IEEE-style E4M3, 8 bits: up to ±240,
/// smallest 2^-9, NaN and infinities.
pub type float8_e4m3 = types::F8E4M3Ieee;
/// ml_dtypes' name of [`F8E3M4`](crate::F8E3M4), IEEE-style E3M4, 8 bits: up to ±15.5, smallest
/// 2^-6, NaN and infinities.
pub type float8_e3m4 = types::F8E3M4;
/// ml_dtypes' name of [`F6E3M2`](crate::F6E3M2), OCP FP6 E3M2, 6 bits: up to ±28, smallest 2^-4, no
/// NaN, no infinity.
pub type float6_e3m2fn = types::F6E3M2;
/// ml_dtypes' name of [`F6E2M3`](crate::F6E2M3), OCP FP6 E2M3, 6 bits: up to ±7.5, smallest 2^-3,
/// no NaN, no infinity.
pub type float6_e2m3fn = types::F6E2M3;
/// ml_dtypes' name of [`F4E2M1`](crate::F4E2M1), OCP FP4 E2M1, 4 bits: up to ±6, smallest 0.5, no
/// NaN, no infinity.
pub type float4_e2m1fn = types::F4E2M1;
/// en_dtypes' name of [`HiF8`](crate::HiF8), Huawei HiFloat8, 8 bits: up to ±32768, smallest 2^-22,
/// NaN and infinities, no −0.
pub type hifloat8 = types::HiF8;
/// ml_dtypes' name of [`E8M0`](crate::E8M0), OCP scale E8M0, 8 bits: powers of two from 2^-127 to
/// 2^127, NaN, no sign, no zero.
pub type float8_e8m0fnu = types::E8M0;
/// ml_dtypes' name of [`BF16`](crate::BF16), 16 bits: the top half of an f32.
pub type bfloat16 = sixteen_bits::BF16;
/// ml_dtypes' name of [`Int4`](crate::Int4), 4 bits: −8 to 7.
pub type int4 = four_bits::Int4;
