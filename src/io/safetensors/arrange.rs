//! A tensor's bytes in the order of other programs: the way back of `repack`. Nothing here rounds,
//! and shapes are those that the layout asks for.

use super::groups::words;
use super::repack::{awq_nibble, clear_end, code_at, flips, mask, put_code, row_bytes, turned};
use std::vec;
use std::vec::Vec;

/// Rows of two's complement as rows of words of `q + 2^(bits − 1)`; bits behind the last code of a
/// row are zero.
pub(super) fn signed_words(codes: &[u8], bits: u32, [rows, cols]: [usize; 2]) -> Vec<u8> {
    let (from, to) = (row_bytes(bits, cols), 4 * words(cols, bits as u8));
    let mut out = vec![0; rows * to];
    let flips = flips(bits);
    for (row, stream) in out.chunks_exact_mut(to).zip(codes.chunks_exact(from)) {
        if 8 % bits == 0 {
            row.iter_mut().zip(stream).for_each(|(to, from)| *to = from ^ flips);
            clear_end(&mut row[..from], bits, cols);
        } else {
            for col in 0..cols {
                put_code(row, bits, col, code_at(stream, bits, col) ^ 1 << (bits - 1));
            }
        }
    }
    out
}

/// Zero points, a byte for each row and group, as words of `z + 2^(bits − 1)` down the rows.
pub(super) fn signed_zeros(zeros: &[u8], bits: u32, [rows, groups]: [usize; 2]) -> Vec<u8> {
    let length = 4 * words(rows, bits as u8);
    let mut streams = vec![0; groups * length];
    for (group, stream) in streams.chunks_exact_mut(length).enumerate() {
        for row in 0..rows {
            let zero = (zeros[row * groups + group] ^ 1 << (bits - 1)) & mask(bits);
            put_code(stream, bits, row, zero);
        }
    }
    turned(&streams, 4, length / 4)
}

/// Rows of inputs as GPTQ's words down the inputs of each output.
pub(super) fn down_words(codes: &[u8], bits: u32, [outputs, inputs]: [usize; 2]) -> Vec<u8> {
    let (from, to) = (row_bytes(bits, inputs), 4 * words(inputs, bits as u8));
    let mut streams = vec![0; outputs * to];
    for (stream, row) in streams.chunks_exact_mut(to).zip(codes.chunks_exact(from)) {
        stream[..from].copy_from_slice(row);
    }
    turned(&streams, 4, to / 4)
}

/// Rows of two's complement as GPTQ's words of `q + 2^(bits − 1)` down the inputs of each output.
pub(super) fn signed_down_words(codes: &[u8], bits: u32, shape: [usize; 2]) -> Vec<u8> {
    turned(&signed_words(codes, bits, shape), 4, words(shape[1], bits as u8))
}

/// Zero points, a byte for each output and group, as GPTQ's words along the outputs of each group,
/// less a number within their bits.
pub(super) fn along_words(
    zeros: &[u8],
    bits: u32,
    [groups, outputs]: [usize; 2],
    less: u8,
) -> Vec<u8> {
    let length = 4 * words(outputs, bits as u8);
    let mut out = vec![0; groups * length];
    for (group, stream) in out.chunks_exact_mut(length).enumerate() {
        for output in 0..outputs {
            let zero = zeros[output * groups + group].wrapping_sub(less) & mask(bits);
            put_code(stream, bits, output, zero);
        }
    }
    out
}

/// Puts a nibble of `[rows, outputs]` into AWQ's words of eight outputs, which are zero there.
fn put_awq(words: &mut [u8], row: usize, [output, outputs]: [usize; 2], nibble: u8) {
    let place = awq_nibble(output);
    words[row * (outputs / 2) + output / 8 * 4 + place / 2] |= nibble << (place % 2 * 4);
}

/// Rows of inputs as AWQ's words of eight outputs of each input.
pub(super) fn awq_codes(codes: &[u8], [outputs, inputs]: [usize; 2]) -> Vec<u8> {
    let from = row_bytes(4, inputs);
    let mut out = vec![0; inputs * (outputs / 2)];
    for (output, row) in codes.chunks_exact(from).enumerate() {
        for input in 0..inputs {
            put_awq(&mut out, input, [output, outputs], code_at(row, 4, input));
        }
    }
    out
}

/// Zero points, a byte for each output and group, as AWQ's words of eight outputs of each group.
pub(super) fn awq_zeros(zeros: &[u8], [groups, outputs]: [usize; 2]) -> Vec<u8> {
    let mut out = vec![0; groups * (outputs / 2)];
    for (i, &zero) in zeros.iter().enumerate() {
        put_awq(&mut out, i % groups, [i / groups, outputs], zero & 0xF);
    }
    out
}
