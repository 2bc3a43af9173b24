//! The byte layout of FP6-LLM's 6-bit weights (arXiv 2401.14112).

use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;

/// Rows and columns of a block of the layout.
const TILE: usize = 64;

/// Order in which the 4-bit segments of 8 codes enter a word, the first into the highest bits.
const FOUR_BIT_ORDER: [usize; 8] = [1, 5, 3, 7, 0, 4, 2, 6];

/// Order in which the 2-bit segments of 16 codes enter a word, the first into the highest bits.
const TWO_BIT_ORDER: [usize; 16] = [1, 5, 9, 13, 3, 7, 11, 15, 0, 4, 8, 12, 2, 6, 10, 14];

/// Calls `visit(word position, index of the code)` for all codes in the order of the layout: 64
/// rows, 16 columns, four 16×16 fragments down the rows, and in each the 8 codes of 32 threads, as
/// the tensor core's instruction m16n8k16 takes them.
fn for_each_code(rows: usize, cols: usize, mut visit: impl FnMut(usize, usize)) {
    let mut fragment = 0;
    for row in (0..rows).step_by(TILE) {
        for col in (0..cols).step_by(16) {
            for part in 0..4 {
                for thread in 0..32 {
                    let (l, i) = (thread / 4, thread % 4);
                    let pairs = [(l, 0), (l + 8, 0), (l, 8), (l + 8, 8)];
                    for (pair, (r, c)) in pairs.into_iter().enumerate() {
                        let first = (row + 16 * part + r) * cols + col + c + 2 * i;
                        for side in 0..2 {
                            let place = 2 * pair + side;
                            visit((fragment * 32 + thread) * 8 + place, first + side);
                        }
                    }
                }
                fragment += 1;
            }
        }
    }
}

/// Refuses a shape that the layout does not have.
fn check_shape(what: &'static str, found: usize, rows: usize, cols: usize) -> Result<(), Error> {
    if !rows.is_multiple_of(TILE) || !cols.is_multiple_of(TILE) {
        let expected = "rows and columns that are multiples of 64";
        return Err(Error::Scheme { what: "FP6-LLM's layout", expected });
    }
    Error::check_length(what, rows.checked_mul(cols).ok_or(Error::TooLarge)?, found)
}

/// Where the segments of a code lie: the index of the 2-bit word and the shift in it, and those of
/// the 4-bit word. `position` counts codes thread by thread within fragments.
fn places(position: usize) -> [(usize, u32); 2] {
    let (fragment, thread, place) = (position / 256, position / 8 % 32, position % 8);
    // Two fragments fill the 2-bit words of a thread, one its 4-bit word. A group of 64 rows has
    // four fragments, words one behind the other for all threads.
    let (two, half) = (fragment / 2, fragment % 2);
    let slot =
        |order: &[usize], code: usize| order.iter().position(|of| *of == code).unwrap_or_default();
    let two_slot = slot(&TWO_BIT_ORDER, 8 * half + place);
    let four_slot = slot(&FOUR_BIT_ORDER, place);
    [
        (two * 32 + thread, 30 - 2 * two_slot as u32),
        (fragment * 32 + thread, 28 - 4 * four_slot as u32),
    ]
}

/// Packs a row-major matrix of E3M2 codes as FP6-LLM's kernels read it (arXiv 2401.14112, 5.3;
/// `ZeroQuant(4+2)`, arXiv 2312.08583): first the top 2 bits of all codes, then the low 4, in the
/// order of tensor core fragments and, within words, of the dequantization.
///
/// The result has `rows · cols / 16` words of 2-bit segments, then `rows · cols / 8` words of 4-bit
/// segments. Bits above the sixth are dropped.
///
/// # Errors
///
/// [`Error::Scheme`] unless rows and columns are multiples of 64, [`Error::Length`] for another
/// number of codes.
pub fn fp6_llm_pack(codes: &[u8], rows: usize, cols: usize) -> Result<Vec<u32>, Error> {
    check_shape("codes", codes.len(), rows, cols)?;
    let two_words = codes.len() / 16;
    let mut words = vec![0u32; two_words + codes.len() / 8];
    for_each_code(rows, cols, |position, index| {
        let [(two, two_shift), (four, four_shift)] = places(position);
        let code = u32::from(codes[index]);
        words[two] |= (code >> 4 & 3) << two_shift;
        words[two_words + four] |= (code & 15) << four_shift;
    });
    Ok(words)
}

/// Unpacks what [`fp6_llm_pack`] packs.
///
/// # Errors
///
/// [`Error::Scheme`] unless rows and columns are multiples of 64, [`Error::Length`] for another
/// number of words.
pub fn fp6_llm_unpack(words: &[u32], rows: usize, cols: usize) -> Result<Vec<u8>, Error> {
    check_shape("codes in words", words.len() * 16 / 3, rows, cols)?;
    let two_words = rows * cols / 16;
    let mut codes = vec![0u8; rows * cols];
    for_each_code(rows, cols, |position, index| {
        let [(two, two_shift), (four, four_shift)] = places(position);
        let high = words[two] >> two_shift & 3;
        let low = words[two_words + four] >> four_shift & 15;
        codes[index] = (high << 4 | low) as u8;
    });
    Ok(codes)
}

/// Returns the FP16 bits that FP6-LLM's kernels make of an E3M2 code: sign, exponent and mantissa
/// moved to their fields, the exponent not biased anew. Times 4096 it is the number, subnormal ones
/// too.
///
/// ```
/// assert_eq!(subhalf::recipe::fp6_to_f16_bits(0b10_1110), 0x8E00); // −1.5 / 4096
/// ```
#[must_use]
pub const fn fp6_to_f16_bits(code: u8) -> u16 {
    let code = code as u16;
    (code & 0x20) << 10 | (code & 0x1F) << 8
}
