//! Block scales in the order that matrix units want.

use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of the swizzled scales: both axes padded, to 128 rows and 4 columns.
fn padded(rows: usize, cols: usize) -> Result<usize, Error> {
    let rows = rows.checked_next_multiple_of(128);
    let cols = cols.checked_next_multiple_of(4);
    rows.zip(cols)
        .and_then(|(rows, cols)| rows.checked_mul(cols))
        .filter(|&bytes| bytes <= isize::MAX as usize)
        .ok_or(Error::TooLarge)
}

/// Where the scale of a row and column of blocks is, of `cols` columns.
const fn place(row: usize, col: usize, cols: usize) -> usize {
    let tile = row / 128 * cols.div_ceil(4) + col / 4;
    tile * 512 + row % 32 * 16 + row / 32 % 4 * 4 + col % 4
}

/// One-byte scales, row-major `[rows, cols]`, in tiles of 128×4 as cuBLAS, CUTLASS and Transformer
/// Engine read them ("128×4", torchao's `to_blocked`): tiles row-major, 512 bytes each, in a tile
/// byte `16 · (r mod 32) + 4 · (r / 32) + c`. Both axes are padded with zero bytes to whole tiles.
///
/// ```
/// use subhalf::layout::{swizzle_scales, unswizzle_scales};
/// let scales: Vec<u8> = (0..40).collect();                                    // 20 rows of 2
/// let swizzled = swizzle_scales(&scales, 20, 2)?;
/// assert_eq!(swizzled.len(), 512);
/// assert_eq!((&swizzled[..4], &swizzled[16..20]), (&[0, 1, 0, 0][..], &[2, 3, 0, 0][..]));
/// assert_eq!(unswizzle_scales(&swizzled, 20, 2)?, scales);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if there are not `rows · cols` scales; [`Error::TooLarge`] if the padded ones
/// would not fit the address space.
pub fn swizzle_scales(scales: &[u8], rows: usize, cols: usize) -> Result<Vec<u8>, Error> {
    let bytes = padded(rows, cols)?;
    Error::check_length("scales", rows * cols, scales.len())?;
    let mut swizzled = vec![0; bytes];
    for (i, &scale) in scales.iter().enumerate() {
        swizzled[place(i / cols, i % cols, cols)] = scale;
    }
    Ok(swizzled)
}

/// Takes one-byte scales out of tiles of 128×4, to row-major `[rows, cols]`: the opposite of
/// [`swizzle_scales`]. What the padding holds does not matter.
///
/// # Errors
/// [`Error::Length`] if the bytes are not those of the padded scales; [`Error::TooLarge`] if these
/// would not fit the address space.
pub fn unswizzle_scales(swizzled: &[u8], rows: usize, cols: usize) -> Result<Vec<u8>, Error> {
    Error::check_length("bytes of swizzled scales", padded(rows, cols)?, swizzled.len())?;
    Ok((0..rows * cols).map(|i| swizzled[place(i / cols, i % cols, cols)]).collect())
}
