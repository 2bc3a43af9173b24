//! ml_dtypes' spelling of the types (and en_dtypes' of [`HiF8`](crate::HiF8)).

#![allow(non_camel_case_types, reason = "the spelling of another library")]

use super::types;

/// [`F8E4M3`](crate::F8E4M3).
pub type float8_e4m3fn = types::F8E4M3;
/// [`F8E5M2`](crate::F8E5M2).
pub type float8_e5m2 = types::F8E5M2;
/// [`F8E4M3Fnuz`](crate::F8E4M3Fnuz).
pub type float8_e4m3fnuz = types::F8E4M3Fnuz;
/// [`F8E5M2Fnuz`](crate::F8E5M2Fnuz).
pub type float8_e5m2fnuz = types::F8E5M2Fnuz;
/// [`F8E4M3B11Fnuz`](crate::F8E4M3B11Fnuz).
pub type float8_e4m3b11fnuz = types::F8E4M3B11Fnuz;
/// [`F8E4M3Ieee`](crate::F8E4M3Ieee).
pub type float8_e4m3 = types::F8E4M3Ieee;
/// [`F8E3M4`](crate::F8E3M4).
pub type float8_e3m4 = types::F8E3M4;
/// [`F6E3M2`](crate::F6E3M2).
pub type float6_e3m2fn = types::F6E3M2;
/// [`F6E2M3`](crate::F6E2M3).
pub type float6_e2m3fn = types::F6E2M3;
/// [`F4E2M1`](crate::F4E2M1).
pub type float4_e2m1fn = types::F4E2M1;
/// [`HiF8`](crate::HiF8).
pub type hifloat8 = types::HiF8;
/// [`E8M0`](crate::E8M0).
pub type float8_e8m0fnu = types::E8M0;
