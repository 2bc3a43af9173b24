//! The scales of a tensor's blocks, many at a time.

use crate::block::{QuantView, ScaleSigns};
use crate::kernel::{DecodeBytes, DecodeWide, Isa, count_codes};
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// Blocks whose scales are read at a time.
const CHUNK: usize = 256;

/// How scales are read, and what was found about all of them.
pub(super) struct StoredScales {
    decoder: Option<ScaleDecoder>,
    counts: Vec<u64>,
    /// Whether any scale is below 0, or NaN.
    any_below_zero: bool,
    /// Whether blocks have a scale for each sign, and any is below 0, or NaN.
    by_sign: bool,
}

/// How codes of scales become numbers.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum ScaleDecoder {
    Bytes(DecodeBytes),
    Halves(DecodeWide),
    F32,
    /// One code at a time.
    Reference(FormatSpec),
}

impl ScaleDecoder {
    /// The decoder of so many scales.
    fn lower(isa: Isa, format: &FormatSpec, count: usize) -> Self {
        // A table of all codes takes as long as some tens of them.
        const TABLE_PAYS: usize = 32;
        match format.bits() {
            _ if *format == FormatSpec::F32 => Self::F32,
            _ if count < TABLE_PAYS => Self::Reference(*format),
            0..=8 => Self::Bytes(DecodeBytes::lower(isa, format)),
            9..=16 => DecodeWide::lower(isa, format).map_or(Self::Reference(*format), Self::Halves),
            _ => Self::Reference(*format),
        }
    }

    /// Writes the numbers of little-endian codes of 1, 2 or 4 bytes.
    fn decode(&self, bytes: &[u8], scales: &mut [f32]) {
        match self {
            Self::Bytes(decode) => decode.decode(bytes, scales),
            Self::Halves(decode) => {
                // Stored bytes have any alignment; the kernel takes u16s.
                let mut halves = [0u16; CHUNK];
                for (half, code) in halves.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *half = u16::from_le_bytes(*code);
                }
                decode.decode(&halves[..scales.len()], scales);
            }
            Self::F32 => {
                for (scale, code) in scales.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *scale = f32::from_le_bytes(*code);
                }
            }
            Self::Reference(format) => {
                let width = bytes.len() / scales.len().max(1);
                for (scale, code) in scales.iter_mut().zip(bytes.chunks_exact(width.max(1))) {
                    let code = code.iter().rev().fold(0, |code, byte| code << 8 | u32::from(*byte));
                    *scale = format.decode_f32(code);
                }
            }
        }
    }
}

impl StoredScales {
    /// Reads all scales of a tensor once.
    pub(super) fn new(view: &QuantView<'_>, isa: Isa) -> Self {
        let spec = view.spec();
        let Some(format) = &spec.scale else {
            let counts = Vec::new();
            return Self { decoder: None, counts, any_below_zero: false, by_sign: false };
        };
        let decoder = ScaleDecoder::lower(isa, format, view.blocks() * spec.scales_per_block());
        let coded = format.bits() <= 8;
        let mut counts = vec![0u64; if coded { 1 << format.bits() } else { 256 }];
        let mut below_zero = false;
        // Flushed into `counts` before a counter of 32 bits is full.
        let (mut turns, mut counted) = ([[0u32; 256]; 4], 0usize);
        let flush = |turns: &mut [[u32; 256]; 4], counts: &mut [u64]| {
            for (code, count) in counts.iter_mut().enumerate() {
                *count += turns.iter().map(|turn| u64::from(turn[code])).sum::<u64>();
            }
            *turns = [[0; 256]; 4];
        };
        each_chunk(view, |_, bytes| {
            let (mut scales, mut fields) = ([0.0; CHUNK], [0; CHUNK]);
            let scales = &mut scales[..bytes.len() / spec.scale_bytes()];
            decoder.decode(bytes, scales);
            below_zero |= scales.iter().fold(false, |any, scale| any | is_below_zero(*scale));
            let fields = &mut fields[..scales.len()];
            if coded {
                fields.copy_from_slice(bytes);
            } else {
                for (field, scale) in fields.iter_mut().zip(scales) {
                    *field = (scale.to_bits() >> 23) as u8;
                }
            }
            count_codes(fields, &mut turns);
            counted += fields.len();
            if counted > 1 << 31 {
                flush(&mut turns, &mut counts);
                counted = 0;
            }
        });
        flush(&mut turns, &mut counts);
        let each_sign = matches!(spec.scale_signs, ScaleSigns::PerSign);
        // A product with a sub-scale may be below zero although no scale is.
        let product_below_zero = || {
            spec.sub_scale.is_some()
                && (0..view.blocks()).any(|block| is_below_zero(view.block_scale(block)))
        };
        Self {
            decoder: spec.sub_scale.is_none().then_some(decoder),
            counts,
            any_below_zero: below_zero || product_below_zero(),
            by_sign: each_sign && (below_zero || spec.sub_scale.is_some()),
        }
    }

    /// How many scales there are of each code, or of each exponent as an f32.
    pub(super) fn into_counts(self) -> Vec<u64> {
        self.counts
    }

    pub(super) const fn any_below_zero(&self) -> bool {
        self.any_below_zero
    }

    pub(super) const fn by_sign(&self) -> bool {
        self.by_sign
    }

    /// For each block, as scales are stored, whether its scale is below 0, or NaN. Scales for each
    /// sign are not for it.
    pub(super) fn below_zero(&self, view: &QuantView<'_>) -> Vec<bool> {
        let geometry = view.geometry();
        let grid_rows = geometry.matrices * geometry.grid_rows;
        let mut below_zero = vec![false; grid_rows * geometry.grid_stride];
        if let Some(decoder) = &self.decoder {
            each_chunk(view, |first, bytes| {
                let mut scales = [0.0; CHUNK];
                let scales = &mut scales[..bytes.len() / view.spec().scale_bytes()];
                decoder.decode(bytes, scales);
                for (below_zero, scale) in below_zero[first..].iter_mut().zip(scales) {
                    *below_zero = is_below_zero(*scale);
                }
            });
        } else {
            for block in 0..view.blocks() {
                let (row, col) = (block / geometry.grid_cols, block % geometry.grid_cols);
                below_zero[geometry.block_at(row, col)] = is_below_zero(view.block_scale(block));
            }
        }
        below_zero
    }
}

/// Whether a scale exchanges the ends of its block: it is negative, or NaN, which is not at least 0.
pub(super) fn is_below_zero(scale: f32) -> bool {
    // No short circuit, which would be a branch.
    (scale < 0.0) | scale.is_nan()
}

/// Runs `work(index of the first scale, bytes of scales)` over all scales of a tensor, at most
/// [`CHUNK`] at a time.
fn each_chunk(view: &QuantView<'_>, mut work: impl FnMut(usize, &[u8])) {
    let (spec, geometry) = (view.spec(), view.geometry());
    let (each, width) = (spec.scales_per_block(), spec.scale_bytes());
    let grid_rows = geometry.matrices * geometry.grid_rows;
    // Rows of the grid without gaps between them are one long row.
    let (rows, cols) = if geometry.grid_stride == geometry.grid_cols {
        (1, grid_rows * geometry.grid_cols)
    } else {
        (grid_rows, geometry.grid_cols)
    };
    for row in 0..rows {
        let first = geometry.block_at(row, 0) * each;
        let scales = &view.bytes().scales[first * width..][..cols * each * width];
        for (chunk, bytes) in scales.chunks(CHUNK * width).enumerate() {
            work(first + chunk * CHUNK, bytes);
        }
    }
}

/// How many blocks of two tensors with one grid have scales that differ as numbers.
pub(super) fn differing(views: [&QuantView<'_>; 2], isa: Isa) -> u64 {
    let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
    let decoders = views.map(|view| {
        let plain = view.spec().sub_scale.is_none() && view.spec().scales_per_block() == 1;
        let scale = view.spec().scale.filter(|_| plain);
        scale.map(|format| ScaleDecoder::lower(isa, &format, view.blocks()))
    });
    let geometry = views[0].geometry();
    let mut differing = 0;
    for row in 0..geometry.matrices * geometry.grid_rows {
        for start in (0..geometry.grid_cols).step_by(CHUNK) {
            let count = CHUNK.min(geometry.grid_cols - start);
            let mut scales = [[0.0; CHUNK]; 2];
            for ((view, decoder), scales) in views.iter().zip(&decoders).zip(&mut scales) {
                let scales = &mut scales[..count];
                if let Some(decoder) = decoder {
                    // The tensors may lie apart, so each has its own distance between rows.
                    let width = view.spec().scale_bytes();
                    let first = view.geometry().block_at(row, start) * width;
                    decoder.decode(&view.bytes().scales[first..][..count * width], scales);
                } else {
                    let first = row * geometry.grid_cols + start;
                    for (block, scale) in (first..).zip(scales) {
                        *scale = view.block_scale(block);
                    }
                }
            }
            let [a, b] = &scales;
            differing += a[..count].iter().zip(b).filter(|(a, b)| !same(**a, **b)).count();
        }
    }
    differing as u64
}
