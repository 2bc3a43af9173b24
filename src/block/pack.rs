//! Codes to bytes and back: dense streams of 1 to 16 bits a code.

use crate::error::Error;
use crate::kernel::{self, Isa};

/// Which end of a byte the first code of a dense stream sits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitOrder {
    /// The first code in the low bits of the first byte: element 0 in the low nibble. Everyone but
    /// bitsandbytes and FP6-LLM.
    LsbFirst,
    /// The first code in the high bits of the first byte: element 0 in the high nibble.
    /// bitsandbytes, FP6-LLM.
    MsbFirst,
}

/// Bytes that `count` codes of `bits` bits take.
pub(crate) const fn packed_bytes(count: usize, bits: u32) -> Option<usize> {
    match count.checked_mul(bits as usize) {
        Some(total) => Some(total.div_ceil(8)),
        None => None,
    }
}

/// The code at a position of a stream with the first code in the low bits.
pub(crate) fn get(bytes: &[u8], bits: u32, index: usize) -> u32 {
    get_bits(bytes, bits, index * bits as usize)
}

/// The code that begins at a bit of a stream with the first code in the low bits.
pub(crate) fn get_bits(bytes: &[u8], bits: u32, bit: usize) -> u32 {
    let (byte, shift) = (bit / 8, bit % 8);
    // A code of up to 16 bits that begins at bit 7 of a byte ends in the third. Bytes behind the
    // end of the stream read as 0.
    let window = (0..3).fold(0, |window, i| {
        window | u32::from(bytes.get(byte + i).copied().unwrap_or(0)) << (8 * i)
    });
    window >> shift & ((1 << bits) - 1)
}

/// Puts a code at a position of a stream of zeros with the first code in the low bits.
pub(crate) fn put(bytes: &mut [u8], bits: u32, index: usize, code: u32) {
    let bit = index * bits as usize;
    let (byte, shift) = (bit / 8, bit % 8);
    let window = (code & ((1 << bits) - 1)) << shift;
    for i in 0..3 {
        let part = (window >> (8 * i)) as u8;
        // The window may reach behind the stream, with zeros only.
        if part != 0 {
            bytes[byte + i] |= part;
        }
    }
}

/// A little-endian code of 1, 2 or 4 bytes; 0 for a part that is not there.
pub(crate) fn stored(bytes: &[u8], width: usize, index: usize) -> u32 {
    bytes
        .get(index * width..(index + 1) * width)
        .unwrap_or(&[])
        .iter()
        .rev()
        .fold(0, |code, &byte| code << 8 | u32::from(byte))
}

/// Puts a little-endian code of 0, 1, 2 or 4 bytes.
pub(crate) fn store(bytes: &mut [u8], width: usize, index: usize, code: u32) {
    bytes[index * width..(index + 1) * width].copy_from_slice(&code.to_le_bytes()[..width]);
}

/// Packs codes of `bits` bits, one a byte in the low bits, into a dense stream; what is left of the
/// last byte is 0. Bits above `bits` are dropped.
///
/// ```
/// use subhalf::{BitOrder, pack, unpack};
/// let mut bytes = [0; 3];
/// pack(&[0x1, 0x2, 0x3F, 0x20], 6, BitOrder::LsbFirst, &mut bytes)?;
/// assert_eq!(bytes, [0x81, 0xF0, 0x83]);
/// let mut codes = [0; 4];
/// unpack(&bytes, 6, BitOrder::LsbFirst, &mut codes)?;
/// assert_eq!(codes, [0x1, 0x2, 0x3F, 0x20]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `bytes` is not `ceil(codes · bits / 8)` long; [`Error::SpecRange`] unless
/// `bits` is in `1..=8`.
pub fn pack(codes: &[u8], bits: u32, order: BitOrder, bytes: &mut [u8]) -> Result<(), Error> {
    check(codes.len(), bits, bytes.len())?;
    pack_by(Isa::best(), codes, bits, order, bytes);
    Ok(())
}

/// Packs as [`pack`] does, for lengths that were checked.
pub(crate) fn pack_by(isa: Isa, codes: &[u8], bits: u32, order: BitOrder, bytes: &mut [u8]) {
    match (bits, order) {
        // A code that fills its byte has no order.
        (8, _) => bytes.copy_from_slice(codes),
        (_, BitOrder::LsbFirst) => kernel::pack_codes(isa, bits, codes, bytes),
        // The kernel puts the first code low; the other order is the nibbles exchanged.
        (4, BitOrder::MsbFirst) => {
            kernel::pack_codes(isa, bits, codes, bytes);
            bytes.iter_mut().for_each(|byte| *byte = byte.rotate_left(4));
        }
        (_, BitOrder::MsbFirst) => {
            // Widths without a kernel. `put_high` adds bits to zeros.
            bytes.fill(0);
            for (i, &code) in codes.iter().enumerate() {
                put_high(bytes, bits, i, code);
            }
        }
    }
}

/// Puts a code at a position of a stream of zeros with the first code in the high bits.
fn put_high(bytes: &mut [u8], bits: u32, index: usize, code: u8) {
    let bit = index * bits as usize;
    // Moves the code to the top of 16 bits, which drops what is above its width, then down to its
    // place.
    let window = (u16::from(code) << (8 - bits) & 0xFF) << 8 >> (bit % 8);
    bytes[bit / 8] |= (window >> 8) as u8;
    if window & 0xFF != 0 {
        bytes[bit / 8 + 1] |= window as u8;
    }
}

/// Unpacks a dense stream into codes, one a byte: the opposite of [`pack`].
///
/// # Errors
/// [`Error::Length`] if `bytes` is not `ceil(codes · bits / 8)` long; [`Error::SpecRange`] unless
/// `bits` is in `1..=8`.
pub fn unpack(bytes: &[u8], bits: u32, order: BitOrder, codes: &mut [u8]) -> Result<(), Error> {
    check(codes.len(), bits, bytes.len())?;
    unpack_by(Isa::best(), bytes, bits, order, codes);
    Ok(())
}

/// Unpacks as [`unpack`] does, for lengths that were checked.
pub(crate) fn unpack_by(isa: Isa, bytes: &[u8], bits: u32, order: BitOrder, codes: &mut [u8]) {
    match (bits, order) {
        (8, _) => codes.copy_from_slice(bytes),
        (_, BitOrder::LsbFirst) => kernel::unpack_codes(isa, bits, bytes, 0, codes),
        (_, BitOrder::MsbFirst) => {
            for (i, code) in codes.iter_mut().enumerate() {
                *code = get_high(bytes, bits, i);
            }
        }
    }
}

/// The code at a position of a stream with the first code in the high bits.
fn get_high(bytes: &[u8], bits: u32, index: usize) -> u8 {
    let bit = index * bits as usize;
    // Two bytes, the first in the upper half, hold 8 bits from any bit on.
    let low = bytes.get(bit / 8 + 1).copied().unwrap_or(0);
    let window = u16::from_be_bytes([bytes[bit / 8], low]) << (bit % 8);
    (window >> (16 - bits)) as u8
}

fn check(codes: usize, bits: u32, bytes: usize) -> Result<(), Error> {
    if !(1..=8).contains(&bits) {
        return Err(Error::SpecRange {
            what: "bits of a packed code",
            found: bits.into(),
            low: 1,
            high: 8,
        });
    }
    let expected = packed_bytes(codes, bits).ok_or(Error::TooLarge)?;
    if bytes == expected {
        Ok(())
    } else {
        Err(Error::Length { what: "packed bytes", expected, found: bytes })
    }
}
