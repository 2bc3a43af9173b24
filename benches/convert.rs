//! Slices encoded, decoded, rounded, packed and recoded on every instruction set, beside control rows that move the same bytes and compute nothing.
//!
//! `cargo bench --bench convert`, or with a part of a name behind `--`: `-- L2/encode`. One thread but for the last group. Ratios to the control rows of
//! the same run are what counts: `<group>/control …`.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use subhalf::{
    BitOrder, Dither, Exec, FormatSpec, Isa, Round, Stochastic, convert_slice, decode_packed_slice, decode_slice, encode_packed_slice,
    encode_slice, fake_quantize_slice, philox4x32_10,
};

/// In the second-level cache, and out of all caches.
const SIZES: [(&str, usize); 2] = [("L2", 64 << 10), ("memory", 16 << 20)];

/// Nearly normal numbers, every 1,024th 64 times as large; fixed by the generator.
fn inputs(length: usize) -> Vec<f32> {
    let number = |i: usize| {
        let sum: f32 = (0..3).flat_map(|k| philox4x32_10([i as u32, k, 0, 0], [1, 0])).map(|word| word as f32 / 2.0f32.powi(32)).sum();
        (sum - 6.0) * if i.is_multiple_of(1024) { 64.0 } else { 1.0 }
    };
    (0..length).map(number).collect()
}

/// Buffers on cache lines, of every kind that a row reads or writes.
struct Buffers {
    x: Vec<f32>,
    y: Vec<f32>,
    doubles: Vec<f64>,
    codes: Vec<u8>,
    words: Vec<u16>,
}

impl Buffers {
    fn new(length: usize) -> Self {
        let x = inputs(length);
        Self {
            y: vec![0.0; length],
            doubles: x.iter().map(|&x| x.into()).collect(),
            x,
            codes: vec![0; length],
            words: vec![0; length],
        }
    }
}

/// A loop compiled for the widest instruction set that Rust can be told of here: what the control rows are.
macro_rules! control {
    ($name:ident($src:ident: $from:ty, $dst:ident: $to:ty) $body:block) => {
        fn $name($src: $from, $dst: $to) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
                fn wide($src: $from, $dst: $to) $body
                #[target_feature(enable = "avx2")]
                fn narrow($src: $from, $dst: $to) $body
                let has_wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
                if has_wide && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq") {
                    // SAFETY: the instructions were just detected.
                    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                    return unsafe { wide($src, $dst) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                    return unsafe { narrow($src, $dst) };
                }
            }
            $body
        }
    };
}

control!(four_to_one(src: &[f32], dst: &mut [u8]) { src.iter().zip(dst).for_each(|(x, y)| *y = x.to_bits() as u8) });
control!(four_to_two(src: &[f32], dst: &mut [u16]) { src.iter().zip(dst).for_each(|(x, y)| *y = x.to_bits() as u16) });
control!(one_to_four(src: &[u8], dst: &mut [f32]) { src.iter().zip(dst).for_each(|(x, y)| *y = f32::from_bits(u32::from(*x))) });
control!(two_to_four(src: &[u16], dst: &mut [f32]) { src.iter().zip(dst).for_each(|(x, y)| *y = f32::from_bits(u32::from(*x))) });
control!(four_to_half(src: &[f32], dst: &mut [u8]) {
    src.as_chunks().0.iter().zip(dst).for_each(|([a, b], y)| *y = a.to_bits() as u8 & 15 | (b.to_bits() as u8) << 4);
});
control!(half_to_four(src: &[u8], dst: &mut [f32]) {
    src.iter().zip(dst.as_chunks_mut().0).for_each(|(x, y)| *y = [x & 15, x >> 4].map(|code| f32::from_bits(u32::from(code))));
});

/// The better of two copies to memory past the caches, which a plain loop cannot do: rows out of cache are held against it too.
#[cfg(target_arch = "x86_64")]
fn copy_streaming(src: &[f32], dst: &mut [f32]) {
    use core::arch::x86_64::{_mm_loadu_ps, _mm_sfence, _mm_stream_ps};
    let head = dst.as_ptr().align_offset(16).min(dst.len());
    dst[..head].copy_from_slice(&src[..head]);
    let (from, to) = (src[head..].as_chunks::<4>().0, dst[head..].as_chunks_mut::<4>().0);
    for (from, to) in from.iter().zip(to) {
        // SAFETY: both are four floats, the output at a multiple of 16; every x86-64 has the instructions.
        #[expect(unsafe_code, clippy::multiple_unsafe_ops_per_block, reason = "a control row of a bench")]
        unsafe {
            _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr()));
        }
    }
    // SAFETY: as above.
    #[expect(unsafe_code, reason = "a control row of a bench")]
    unsafe {
        _mm_sfence();
    }
}
