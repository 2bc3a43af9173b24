//! Bytes of the superblocks that are written: scales that were multiplied out become integers and
//! the F16 they are multiples of again. Owns no lengths: slices are those of one block.

use crate::block::pack::{store, stored};
use crate::spec::FormatSpec;

/// Fills the bytes of one block from its scales, offsets and codes (one a byte); or says what are
/// no multiples of one F16, the scales or the minima.
pub(super) type Pack =
    fn(scales: &[u8], offsets: &[u8], codes: &[u8], block: &mut [u8]) -> Result<(), &'static str>;

const SCALES: &str = "scales";
pub(super) const MINIMA: &str = "minima";

/// The code of an F16, and the integers that times it are these F32s bit for bit.
///
/// The largest magnitude is tried as 63 (or −128) times an F16 first, then as smaller multiples:
/// ggml's quantizer makes it the largest integer.
fn factors<const N: usize>(products: &[u8], low: i16, high: i16) -> Option<(u32, [i16; N])> {
    let mut numbers = [0.0f32; N];
    for (j, number) in numbers.iter_mut().enumerate() {
        *number = f32::from_bits(stored(products, 4, j));
    }
    let most =
        numbers.iter().fold(0.0, |most: f32, &x| if x.abs() > most.abs() { x } else { most });
    if most == 0.0 {
        // Zeros of either sign: +0 or −0 times 0, or times −1.
        return [0x0000, 0x8000].into_iter().find_map(|code| multiples(&numbers, code, low, high));
    }
    let sizes = (1..=high.max(-low)).rev();
    let integers = sizes.flat_map(|size| [-size, size]).filter(|n| (low..=high).contains(n));
    let mut codes = integers.map(|n| FormatSpec::F16.encode_f32(most / f32::from(n)));
    codes.find_map(|code| multiples(&numbers, code, low, high))
}

/// An F16's code with the integers that times it are the numbers, if there are such.
fn multiples<const N: usize>(
    numbers: &[f32; N],
    code: u32,
    low: i16,
    high: i16,
) -> Option<(u32, [i16; N])> {
    let d = FormatSpec::F16.decode_f32(code);
    let mut integers = [0; N];
    for (integer, &x) in integers.iter_mut().zip(numbers) {
        // A zero of the other sign than d's is a zero times a negative integer.
        let other_sign = x == 0.0 && x.is_sign_negative() != d.is_sign_negative();
        // The quotient is exact where there is an integer at all.
        *integer = if other_sign {
            -1
        } else if x == 0.0 {
            0
        } else {
            (x / d) as i16
        };
        let product = d * f32::from(*integer);
        if !(low..=high).contains(integer) || product.to_bits() != x.to_bits() {
            return None;
        }
    }
    Some((code, integers))
}

/// `Q4_K`: `d`, `dmin`, 12 bytes of 6-bit scales and minima, nibbles in split halves of each 64.
pub(super) fn q4_k(
    scales: &[u8],
    offsets: &[u8],
    codes: &[u8],
    block: &mut [u8],
) -> Result<(), &'static str> {
    let (d, scales) = factors::<8>(scales, 0, 63).ok_or(SCALES)?;
    // Offsets are added: they are multiples of −dmin.
    let (negative, minima) = factors::<8>(offsets, 0, 63).ok_or(MINIMA)?;
    store(block, 2, 0, d);
    store(block, 2, 1, negative ^ 0x8000);
    let packed = &mut block[4..16];
    for j in 0..4 {
        let [scale, minimum] = [scales[j], minima[j]].map(|x| x as u8);
        let [next_scale, next_minimum] = [scales[j + 4], minima[j + 4]].map(|x| x as u8);
        // Scales and minima 4 to 7 have their upper two bits above the six of 0 to 3.
        packed[j] = scale | next_scale >> 4 << 6;
        packed[j + 4] = minimum | next_minimum >> 4 << 6;
        packed[j + 8] = next_scale & 15 | next_minimum << 4;
    }
    for (bytes, codes) in block[16..].chunks_exact_mut(32).zip(codes.chunks_exact(64)) {
        for (l, byte) in bytes.iter_mut().enumerate() {
            *byte = codes[l] | codes[l + 32] << 4;
        }
    }
    Ok(())
}

/// `Q6_K`: nibbles, upper two bits, sixteen int8 scales, `d`. Integers are stored plus 32.
pub(super) fn q6_k(
    scales: &[u8],
    _: &[u8],
    codes: &[u8],
    block: &mut [u8],
) -> Result<(), &'static str> {
    let (d, scales) = factors::<16>(scales, -128, 127).ok_or(SCALES)?;
    let (low, rest) = block.split_at_mut(128);
    let (high, rest) = rest.split_at_mut(64);
    let halves = low.chunks_exact_mut(64).zip(high.chunks_exact_mut(32));
    for ((low, high), codes) in halves.zip(codes.chunks_exact(128)) {
        let biased = |i: usize| codes[i] ^ 1 << 5;
        for (l, byte) in low.iter_mut().enumerate() {
            *byte = biased(l) & 15 | biased(l + 64) << 4;
        }
        for (l, byte) in high.iter_mut().enumerate() {
            let pair = |place: usize| biased(l + 32 * place) >> 4 << (2 * place);
            *byte = pair(0) | pair(1) | pair(2) | pair(3);
        }
    }
    for (byte, scale) in rest.iter_mut().zip(scales) {
        *byte = scale as u8;
    }
    store(&mut rest[16..], 2, 0, d);
    Ok(())
}
