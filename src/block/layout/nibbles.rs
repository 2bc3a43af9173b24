//! Two 4-bit codes a byte, from the two halves of a block.

use crate::error::Error;

/// Packs 4-bit codes, one a byte, in blocks of `2 · half`: byte `j` of a block has code `j` in the
/// low nibble and code `j + half` in the high. Bits above the fourth are dropped. ggml's types have
/// a `half` of 16, its NVFP4 has 8.
///
/// ```
/// use subhalf::layout::{pack_split_halves, unpack_split_halves};
/// let (mut bytes, mut codes) = ([0; 2], [0; 4]);
/// pack_split_halves(&[1, 2, 3, 4], 2, &mut bytes)?;
/// assert_eq!(bytes, [0x31, 0x42]);
/// unpack_split_halves(&bytes, 2, &mut codes)?;
/// assert_eq!(codes, [1, 2, 3, 4]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::SpecRange`] for a `half` of 0; [`Error::Length`] if `codes` are no whole blocks, or
/// `bytes` not half as long.
pub fn pack_split_halves(codes: &[u8], half: usize, bytes: &mut [u8]) -> Result<(), Error> {
    check(codes.len(), half, bytes.len())?;
    // The first half of a block is the low nibbles, the second the high ones.
    for (block, packed) in codes.chunks_exact(2 * half).zip(bytes.chunks_exact_mut(half)) {
        for (j, byte) in packed.iter_mut().enumerate() {
            *byte = block[j] & 0xF | block[j + half] << 4;
        }
    }
    Ok(())
}

/// Unpacks 4-bit codes to one a byte, from blocks of `half` bytes: byte `j` of a block has code `j`
/// in the low nibble and code `j + half` in the high. The opposite of [`pack_split_halves`].
///
/// # Errors
/// [`Error::SpecRange`] for a `half` of 0; [`Error::Length`] if `codes` are no whole blocks, or
/// `bytes` not half as long.
pub fn unpack_split_halves(bytes: &[u8], half: usize, codes: &mut [u8]) -> Result<(), Error> {
    check(codes.len(), half, bytes.len())?;
    for (block, packed) in codes.chunks_exact_mut(2 * half).zip(bytes.chunks_exact(half)) {
        for (j, byte) in packed.iter().enumerate() {
            (block[j], block[j + half]) = (byte & 0xF, byte >> 4);
        }
    }
    Ok(())
}

fn check(codes: usize, half: usize, bytes: usize) -> Result<(), Error> {
    // A block of 2 · half codes must be a length that a slice can have.
    if half == 0 || half > isize::MAX as usize / 2 {
        return Err(Error::SpecRange {
            what: "codes of half a block",
            found: half as i64,
            low: 1,
            high: (isize::MAX / 2) as i64,
        });
    }
    Error::check_length("codes of whole blocks", codes.next_multiple_of(2 * half), codes)?;
    Error::check_length("packed bytes", codes / 2, bytes)
}
