//! Other programs' bytes as a tensor's: rows of codes that begin at a byte of their own, the first
//! code in the low bits, and scales and zero points in the order of blocks. Shapes were checked by
//! the plan; nothing here rounds, but a nested absmax, which is computed as its program does.

use std::vec;
use std::vec::Vec;

/// The code of so many bits at a place of a stream that fills bytes from the low bits.
pub(super) fn code_at(stream: &[u8], bits: u32, place: usize) -> u8 {
    let bit = place * bits as usize;
    let low = u16::from(stream[bit / 8]);
    // A code of at most 8 bits lies in two bytes.
    let high = stream.get(bit / 8 + 1).map_or(0, |&byte| u16::from(byte) << 8);
    ((low | high) >> (bit % 8)) as u8 & mask(bits)
}

pub(super) const fn mask(bits: u32) -> u8 {
    (0xFFu16 >> (8 - bits)) as u8
}

/// Puts a code into bytes that are still zero there.
pub(super) fn put_code(stream: &mut [u8], bits: u32, place: usize, code: u8) {
    let bit = place * bits as usize;
    let wide = u16::from(code) << (bit % 8);
    stream[bit / 8] |= wide as u8;
    // Bits behind the byte are there only if the code reaches over its end.
    if let Some(next) = stream.get_mut(bit / 8 + 1) {
        *next |= (wide >> 8) as u8;
    }
}

/// Clears the bits behind the last code of a row.
pub(super) fn clear_end(row: &mut [u8], bits: u32, cols: usize) {
    let used = cols * bits as usize % 8;
    if let (Some(last), true) = (row.last_mut(), used != 0) {
        *last &= (1 << used) - 1;
    }
}

pub(super) const fn row_bytes(bits: u32, cols: usize) -> usize {
    (cols * bits as usize).div_ceil(8)
}

/// The sign bits of the codes in a byte, where bytes hold whole codes.
pub(super) fn flips(bits: u32) -> u8 {
    (0..8 / bits).fold(0, |flips, place| flips | 1 << (bits * (place + 1) - 1))
}

/// Rows of words of `q + 2^(bits − 1)` as rows of two's complement.
pub(super) fn signed_rows(words: &[u8], bits: u32, [rows, cols]: [usize; 2]) -> Vec<u8> {
    let (from, to) = (words.len() / rows, row_bytes(bits, cols));
    let mut codes = vec![0; rows * to];
    let flips = flips(bits);
    for (row, stream) in codes.chunks_exact_mut(to).zip(words.chunks_exact(from)) {
        if 8 % bits == 0 {
            row.iter_mut().zip(stream).for_each(|(to, from)| *to = from ^ flips);
            clear_end(row, bits, cols);
        } else {
            for col in 0..cols {
                put_code(row, bits, col, code_at(stream, bits, col) ^ 1 << (bits - 1));
            }
        }
    }
    codes
}

/// compressed-tensors' zero points, words of `z + 2^(bits − 1)` down the rows, as a byte for each
/// row and group.
pub(super) fn signed_zeros(words: &[u8], bits: u32, [rows, groups]: [usize; 2]) -> Vec<u8> {
    let streams = columns(words, groups);
    let length = streams.len() / groups;
    let zero = |i: usize| {
        let (row, group) = (i / groups, i % groups);
        code_at(&streams[group * length..][..length], bits, row) ^ 1 << (bits - 1)
    };
    (0..rows * groups).map(zero).collect()
}

/// A matrix of 32-bit words with its axes exchanged: the streams of its columns.
fn columns(words: &[u8], cols: usize) -> Vec<u8> {
    turned(words, 4, cols)
}

/// A matrix of numbers of so many bytes with its axes exchanged.
pub(super) fn turned(numbers: &[u8], width: usize, cols: usize) -> Vec<u8> {
    let rows = numbers.len() / width / cols;
    let mut out = vec![0; numbers.len()];
    for (i, number) in numbers.chunks_exact(width).enumerate() {
        let (row, col) = (i / cols, i % cols);
        out[(col * rows + row) * width..][..width].copy_from_slice(number);
    }
    out
}

/// GPTQ's codes, words down the inputs of each output, as rows of inputs: the words of an output,
/// one behind the other, are its row.
pub(super) fn down_words(words: &[u8], bits: u32, [outputs, inputs]: [usize; 2]) -> Vec<u8> {
    let streams = columns(words, outputs);
    let (from, to) = (streams.len() / outputs, row_bytes(bits, inputs));
    let mut codes = vec![0; outputs * to];
    for (row, stream) in codes.chunks_exact_mut(to).zip(streams.chunks_exact(from)) {
        row.copy_from_slice(&stream[..to]);
        clear_end(row, bits, inputs);
    }
    codes
}

/// Numbers of `[groups, outputs]` as one for each output and block, whose group `group_of` says.
pub(super) fn by_blocks(
    numbers: &[u8],
    width: usize,
    outputs: usize,
    blocks: usize,
    group_of: impl Fn(usize) -> usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(outputs * blocks * width);
    for output in 0..outputs {
        for block in 0..blocks {
            let place = (group_of(block) * outputs + output) * width;
            out.extend_from_slice(&numbers[place..place + width]);
        }
    }
    out
}

/// GPTQ's zero points, words along the outputs of each group, as a byte each, with a number added
/// within their bits.
pub(super) fn along_words(
    words: &[u8],
    bits: u32,
    [groups, outputs]: [usize; 2],
    added: u8,
) -> Vec<u8> {
    let length = words.len() / groups;
    let zero = |i: usize| {
        let stream = &words[i / outputs * length..][..length];
        code_at(stream, bits, i % outputs).wrapping_add(added) & mask(bits)
    };
    (0..groups * outputs).map(zero).collect()
}

/// The nibble of a word in which AWQ puts one of its eight outputs: even ones in the lower half.
pub(super) const fn awq_nibble(output: usize) -> usize {
    output % 8 / 2 + output % 2 * 4
}

/// AWQ's nibbles, words of eight outputs, `[rows, outputs]` as a byte each.
pub(super) fn awq_nibbles(words: &[u8], [rows, outputs]: [usize; 2]) -> Vec<u8> {
    let length = outputs / 2;
    let code = |i: usize| {
        let (row, output) = (i / outputs, i % outputs);
        let nibble = awq_nibble(output);
        words[row * length + output / 8 * 4 + nibble / 2] >> (nibble % 2 * 4) & 0xF
    };
    (0..rows * outputs).map(code).collect()
}

/// AWQ's codes as rows of inputs.
pub(super) fn awq_codes(words: &[u8], [outputs, inputs]: [usize; 2]) -> Vec<u8> {
    let to = row_bytes(4, inputs);
    let mut codes = vec![0; outputs * to];
    let length = outputs / 2;
    for (input, row) in words.chunks_exact(length).enumerate() {
        for output in 0..outputs {
            let nibble = awq_nibble(output);
            let code = row[output / 8 * 4 + nibble / 2] >> (nibble % 2 * 4) & 0xF;
            codes[output * to + input / 2] |= code << (input % 2 * 4);
        }
    }
    codes
}

/// Two outputs in a byte, the first in the low nibble, as rows of inputs, two in a byte. Matrices
/// follow each other as `outputs` of all of them.
pub(super) fn paired_outputs(pairs: &[u8], outputs: usize, inputs: usize) -> Vec<u8> {
    let to = row_bytes(4, inputs);
    let mut codes = vec![0; outputs * to];
    for (output, row) in codes.chunks_exact_mut(to).enumerate() {
        let shift = output % 2 * 4;
        for (input, byte) in pairs[output / 2 * inputs..][..inputs].iter().enumerate() {
            row[input / 2] |= (byte >> shift & 0xF) << (input % 2 * 4);
        }
    }
    codes
}

/// Bytes with the first of two codes in the high nibble, as bytes with it in the low one.
pub(super) fn low_first(bytes: &[u8], count: usize) -> Vec<u8> {
    let mut codes: Vec<u8> = bytes.iter().map(|byte| byte.rotate_left(4)).collect();
    clear_end(&mut codes, 4, count);
    codes
}

/// bitsandbytes' nested absmax: f32 products of an entry of the codebook and the scale of `length`
/// successive codes, plus an offset.
pub(super) fn nested_scales(
    codes: &[u8],
    book: &[u8],
    scales: &[u8],
    length: usize,
    offset: f32,
) -> Vec<u8> {
    let number = |bytes: &[u8], i: usize| {
        bytes.as_chunks().0.get(i).map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes))
    };
    let scale = |(i, &code): (usize, &u8)| {
        let scale = number(book, code.into()) * number(scales, i / length) + offset;
        scale.to_le_bytes()
    };
    codes.iter().enumerate().flat_map(scale).collect()
}
