//! Loops over pieces of rows of block-scaled tensors.

use super::isa::per_isa;
use crate::bits::F32_NAN;

#[inline(always)]
fn restore_body(numbers: &mut [f32], factor: f32) {
    for x in numbers {
        let product = *x * factor;
        *x = if product.is_nan() { F32_NAN } else { product };
    }
}

#[inline(always)]
fn pack_4_body(codes: &[u8], bytes: &mut [u8]) {
    let (pairs, last) = codes.as_chunks::<2>();
    for ([low, high], byte) in pairs.iter().zip(bytes.iter_mut()) {
        *byte = low | high << 4;
    }
    if let ([low], Some(byte)) = (last, bytes.get_mut(pairs.len())) {
        *byte = *low;
    }
}

#[inline(always)]
fn unpack_4_body(bytes: &[u8], codes: &mut [u8]) {
    let (pairs, last) = codes.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [byte & 15, byte >> 4];
    }
    if let ([low], Some(byte)) = (last, bytes.last()) {
        *low = byte & 15;
    }
}

per_isa! {
    /// Every number times a factor, every NaN the positive quiet one.
    fn restore[](numbers: &mut [f32], factor: f32) = restore_body;
    /// Codes of 4 bits to bytes, the first in the low bits.
    fn pack_4[](codes: &[u8], bytes: &mut [u8]) = pack_4_body;
    /// Bytes to codes of 4 bits.
    fn unpack_4[](bytes: &[u8], codes: &mut [u8]) = unpack_4_body;
}
