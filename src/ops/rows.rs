//! Rows of block-scaled tensors by kernels: the same bits as the loop over elements in `quantize`, for schemes whose elements are one f32
//! multiplication or division away from a kernel's encoding.

use super::convert::Words;
use super::quantize::{Job, Piece, Quantizer};
use super::real::{Source, number, stats_of};
use super::scales::{Arrays, Scales, Stats};
use crate::block::{
    Apply, Block, BlockSpec, BlockStats, Elements, Geometry, Number, Offset, ScaleRule, Scaling, ZeroSign, put, store,
};
use crate::kernel::{self, FloatCoder, FloatRun, Integer, Isa, Over, OverToOdd, PointCoder, Times};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use crate::kernel::{OverByReciprocal, OverToOddFused, RECIPROCAL_FROM};
use crate::policy::{MissingNan, Nan, Overflow};
use crate::random::Dither;
use crate::round::Round;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

/// Columns that are worked on at a time: their numbers and codes stay in the first-level cache.
pub(super) const COLUMNS: usize = 2048;

/// How elements of a scheme are encoded.
pub(super) struct Fast<'a> {
    spec: &'a BlockSpec,
    tensor: f32,
    scales: Scales,
    scaling: Scaling,
    elements: ElementEncoder,
    zeros: Zeros,
    /// Whether −0 becomes +0 before numbers are rounded.
    #[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "reciprocals are x86's"))]
    plus_zero: bool,
    /// Whether quotients may come from reciprocals.
    #[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "reciprocals are x86's"))]
    by_reciprocals: bool,
    /// A block of zeros, and the codes of +0 and −0 in it.
    zero_block: (Block, [u8; 2]),
    /// Whether the numbers are more than the caches hold.
    streams: bool,
    dither: Dither,
    isa: Isa,
}

/// Codes of scaled finite numbers.
enum ElementEncoder {
    Float(FloatCoder),
    Int(Integer),
    Points(PointCoder),
    /// Numbers are scaled first, and added this zero.
    Other(kernel::Encoder, f32),
}

/// What is done about the sign of zeros after encoding.
enum Zeros {
    Keep,
    /// This code becomes that.
    Replace(u8, u8),
    /// Numbers that are zero once scaled, but not those rounded to zero as elements, get this code.
    Code(u8),
}

/// A block that a formula has not settled.
enum Special {
    /// Nothing but zeros: the codes of +0 and −0.
    Zeros([u8; 2]),
    /// All elements take the long way.
    Whole(Block),
    /// Those that are not finite do.
    NotFinite(Block),
}

impl<'a> Fast<'a> {
    /// For schemes whose scale depends on `amax` alone, and whose elements on the scale and random bits and nothing else; `bytes` is the size of the
    /// numbers.
    pub(super) fn lower(quantizer: &Quantizer<'a>, geometry: &Geometry, tensor: f32, bytes: usize) -> Option<Self> {
        let (spec, isa, dither) = (quantizer.spec, quantizer.exec.isa(), quantizer.dither);
        let count = geometry.lines() * geometry.cols;
        if count == 0 {
            return None;
        }
        // The kernels' indices do not wrap around.
        dither.first_index.checked_add(count as u64)?;
        let by_amax = matches!(
            spec.rule,
            ScaleRule::Floor
                | ScaleRule::Ceil
                | ScaleRule::RoundUp
                | ScaleRule::Even { .. }
                | ScaleRule::Nearest
                | ScaleRule::Log2Floor
                | ScaleRule::Log2Ceil { .. }
                | ScaleRule::Amax { .. }
                | ScaleRule::Fixed(_)
                | ScaleRule::Unit
        );
        let points = matches!(spec.offset, Offset::ZeroPoint);
        let alone =
            spec.search.is_none() && if points { spec.zero_scale > 0.0 } else { by_amax && matches!(spec.offset, Offset::None) };
        // Without a zero point to add, the sum is the number.
        let plain = match spec.elements {
            Elements::Round => true,
            Elements::AddThenRound => !matches!(spec.apply, Apply::Exact),
            _ => false,
        };
        // A sign by the quotient is lost where it is no f32.
        let by_quotient = matches!(spec.zero_sign, ZeroSign::MinusBelowZero | ZeroSign::MinusUnlessAbove);
        let plain = plain && !(by_quotient && matches!(spec.apply, Apply::Exact));
        if !(plain && alone && spec.element.bits() <= 8) {
            return None;
        }
        let element = &spec.element;
        let negative_zero = element.zero_code().zip(element.negative_zero_code());
        // Where there is no −0, zeros have no sign to change.
        let zeros = match (spec.zero_sign, negative_zero) {
            (ZeroSign::Plus, Some((zero, negative))) => Zeros::Replace(negative as u8, zero as u8),
            (ZeroSign::MinusUnlessAbove, Some((_, negative))) => Zeros::Code(negative as u8),
            _ => Zeros::Keep,
        };
        let plus_zero = matches!(spec.zero_sign, ZeroSign::MinusBelowZero) && negative_zero.is_some();
        let added = if plus_zero { 0.0 } else { -0.0 };
        // Kernels see finite numbers only. Such a number may still become NaN, by overflow or below zero: one without payload.
        let nan = if matches!(spec.element_convert.nan, Nan::Payload) { Nan::Canonical } else { spec.element_convert.nan };
        let convert = spec.element_convert.with_nan(nan).with_missing_nan(MissingNan::Zero);
        let elements = if points {
            ElementEncoder::Points(PointCoder::lower(element, &convert, matches!(spec.elements, Elements::AddThenRound))?)
        } else if let Some(coder) = FloatCoder::lower(element, &convert, added) {
            ElementEncoder::Float(coder)
        } else if let Some(coder) = Integer::lower(element, &convert).filter(|_| element.bits() <= 8) {
            ElementEncoder::Int(coder)
        } else {
            ElementEncoder::Other(kernel::Encoder::lower(isa, element, &convert, count)?, added)
        };
        let (scales, scaling) = Scales::lower(isa, spec, tensor, geometry.blocks());
        if points && !matches!(scales, Scales::Formula(_)) {
            return None;
        }
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        let by_reciprocals = {
            // Below half of the smallest number, coders, which round to nearest, see the sign of a quotient alone.
            let coders = matches!(elements, ElementEncoder::Float(_) | ElementEncoder::Int(_));
            let large = 0.5 * element.min_positive().to_f32() >= RECIPROCAL_FROM;
            isa != Isa::portable() && coders && large
        };
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        let by_reciprocals = false;
        let zero = spec.block_of(&BlockStats { finite: 1, ..BlockStats::EMPTY }, core::iter::empty(), tensor);
        let codes = [0.0, -0.0].map(|x| spec.code(&zero, Number::F32(x), 0) as u8);
        Some(Self {
            spec,
            tensor,
            scales,
            scaling,
            elements,
            zeros,
            plus_zero,
            by_reciprocals,
            zero_block: (zero, codes),
            streams: kernel::is_large(bytes),
            dither,
            isa,
        })
    }

    /// Whether f64s may be seen as f32s rounded to odd: their scaling is exact in f32, and the rounding that follows is to
    /// nearest and to so few bits that the first one does not show. Numbers whose scaling is not take the long way as they are.
    pub(super) fn takes_wide(&self) -> bool {
        let by_powers = matches!(self.scales, Scales::Powers(_) | Scales::Logarithms(_));
        let sees_quotients = self.plus_zero || matches!(self.zeros, Zeros::Code(_));
        let keeps_low_bits = matches!(self.spec.element_convert.overflow, Overflow::Wrap);
        // What is lost below the least f32, 2^-149, is times 2^127 at most a fourth of an element's last place.
        let coarse = self.spec.element.min_positive().log2() >= -20;
        by_powers && coarse && self.spec.rounds_tiny_to_zero() && !self.is_stochastic() && !sees_quotients && !keeps_low_bits
    }

    fn is_stochastic(&self) -> bool {
        matches!(self.spec.element_convert.round, Round::Stochastic { .. })
    }

    /// Quantizes the bands of a piece.
    pub(super) fn run<T: Source>(&self, job: &Job<'_, T>, piece: Piece<'_>) {
        let grid = &job.geometry;
        let origin = grid.band(piece.first).start;
        let rows = grid.band(piece.first + piece.bands - 1).end - origin;
        let src = &job.src[origin * grid.cols..][..rows * grid.cols];
        // Rows of whole blocks and whole bytes are one long row.
        let long = grid.is_long(self.spec.element.bits());
        let mut band = Band {
            fast: self,
            tiles: Tiles { cols: if long { src.len() } else { grid.cols }, block_cols: grid.block_cols, run: COLUMNS },
            row_bytes: if long { piece.codes.len() } else { grid.row_bytes },
            scale_bytes: self.spec.scale_bytes(),
            known: &[],
            buffer: Vec::new(),
            scratch: Scratch::default(),
        };
        if long {
            let parts = Parts { codes: piece.codes, scales: piece.scales, offsets: piece.offsets };
            if !job.amax.is_empty() && !matches!(self.elements, ElementEncoder::Points(_)) {
                band.known = &job.amax[piece.first * grid.grid_cols..][..piece.bands * grid.grid_cols];
            }
            return band.quantize(src, origin * grid.cols, parts);
        }
        for index in 0..piece.bands {
            let lines = grid.band(piece.first + index);
            let lines = lines.start - origin..lines.end - origin;
            let blocks = index * grid.grid_cols..(index + 1) * grid.grid_cols;
            let parts = Parts {
                codes: &mut piece.codes[lines.start * grid.row_bytes..lines.end * grid.row_bytes],
                scales: &mut piece.scales[blocks.start * band.scale_bytes..blocks.end * band.scale_bytes],
                offsets: piece.offsets.get_mut(blocks).unwrap_or_default(),
            };
            band.quantize(&src[lines.start * grid.cols..lines.end * grid.cols], (origin + lines.start) * grid.cols, parts);
        }
    }

    /// Codes of a run of columns of one row; says whether they were made: two a byte they are only where there is a quick way.
    fn encode(&self, run: Run<'_>, reciprocals: &mut Vec<[f32; 3]>, to: To<'_>) -> bool {
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        let _ = reciprocals;
        match self.scaling {
            Scaling::Times => self.encode_by(Times, run, to),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Scaling::Over if self.by_reciprocals => {
                let mut right = false;
                reciprocals.resize(run.factors.len(), [0.0; 3]);
                kernel::reciprocals(self.isa, self.plus_zero, run.amax, run.factors, reciprocals, &mut right);
                if right { self.encode_elements(OverByReciprocal, run, reciprocals, to) } else { self.encode_by(Over, run, to) }
            }
            Scaling::Over => self.encode_by(Over, run, to),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Scaling::Exact if self.isa != Isa::portable() => self.encode_by(OverToOddFused, run, to),
            Scaling::Exact => self.encode_by(OverToOdd, run, to),
        }
    }

    fn encode_by<S: kernel::Scaling<Factor = f32>>(&self, scaling: S, run: Run<'_>, to: To<'_>) -> bool {
        let Run { numbers, length, factors, points, dither, .. } = run;
        let To::Bytes(scaled, codes) = to else { return self.encode_elements(scaling, run, factors, to) };
        match &self.elements {
            ElementEncoder::Float(_) | ElementEncoder::Int(_) => {
                return self.encode_elements(scaling, run, factors, To::Bytes(scaled, codes));
            }
            ElementEncoder::Points(coder) => kernel::encode_points(self.isa, coder, scaling, numbers, length, points, codes),
            ElementEncoder::Other(encode, zero) => {
                scaled.resize(numbers.len(), 0.0);
                kernel::scale_blocks(self.isa, scaling, *zero, numbers, length, factors, scaled);
                encode.encode(scaled, codes, dither);
            }
        }
        true
    }

    /// The same of floats and integers alone.
    fn encode_elements<S: kernel::Scaling>(&self, scaling: S, run: Run<'_>, factors: &[S::Factor], to: To<'_>) -> bool {
        let Run { numbers, length, .. } = run;
        let floats = FloatRun { numbers, length, factors };
        let negative_zero = !matches!(self.zeros, Zeros::Replace(..));
        let settled = |coder: &FloatCoder| if S::SETTLES_ZEROS { coder.without_zero() } else { *coder };
        match (to, &self.elements) {
            (To::Nibbles(bytes), ElementEncoder::Float(coder)) if !matches!(self.zeros, Zeros::Code(_)) => {
                settled(coder).encode_run::<S, 32>(self.isa, negative_zero, scaling, floats, bytes)
            }
            (To::Nibbles(_), _) => false,
            (To::Bytes(_, codes), ElementEncoder::Float(coder)) => {
                let coder = settled(coder);
                if !coder.encode_run::<S, 64>(self.isa, negative_zero, scaling, floats, codes) {
                    kernel::encode_blocks(self.isa, &coder, scaling, numbers, length, factors, codes);
                }
                true
            }
            (To::Bytes(_, codes), ElementEncoder::Int(coder)) => {
                kernel::encode_blocks(self.isa, coder, scaling, numbers, length, factors, codes);
                true
            }
            (To::Bytes(..), _) => false,
        }
    }

    /// The signs of zeros among codes one a byte.
    fn finish_zeros(&self, run: Run<'_>, codes: &mut [u8]) {
        let Run { numbers, length, factors, .. } = run;
        match (&self.zeros, self.scaling) {
            (Zeros::Keep, _) => {}
            (Zeros::Replace(from, to), _) => kernel::replace(self.isa, *from, *to, codes),
            (Zeros::Code(code), Scaling::Times) => kernel::zeros_become(self.isa, Times, numbers, length, factors, *code, codes),
            (Zeros::Code(code), Scaling::Over | Scaling::Exact) => {
                kernel::zeros_become(self.isa, Over, numbers, length, factors, *code, codes);
            }
        }
    }
}

/// What is encoded at a time.
#[derive(Clone, Copy)]
struct Run<'a> {
    numbers: &'a [f32],
    /// Columns of a block.
    length: usize,
    /// Of blocks the largest magnitudes, as bits.
    #[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "reciprocals are x86's"))]
    amax: &'a [u32],
    factors: &'a [f32],
    /// Factors and zero points, where there are zero points.
    points: &'a [[f32; 2]],
    dither: Dither,
}

/// Where codes go.
enum To<'a> {
    /// One a byte, by way of scaled numbers.
    Bytes(&'a mut Vec<f32>, &'a mut [u8]),
    /// Two a byte.
    Nibbles(&'a mut [u8]),
}

/// The buffers of a band.
struct Parts<'a> {
    codes: &'a mut [u8],
    scales: &'a mut [u8],
    offsets: &'a mut [u8],
}

/// The largest magnitude of the finite numbers, as its bits.
pub(super) fn finite_amax<T: Source>(isa: Isa, src: &[T]) -> u32 {
    let (mut amax, mut buffer) = (0, Vec::new());
    for src in src.chunks(COLUMNS) {
        kernel::finite_amax(isa, T::seen(isa, src, &mut buffer), &mut amax);
    }
    amax
}

/// Of blocks of a length in one long row the largest magnitudes, as bits: NaN is above infinity, infinity above all others.
pub(super) fn block_amax<T: Source>(isa: Isa, src: &[T], length: usize) -> Vec<u32> {
    let (mut amax, mut buffer) = (vec![0; src.len().div_ceil(length)], Vec::new());
    let blocks = (COLUMNS / length).max(1);
    for (src, amax) in src.chunks(blocks * length).zip(amax.chunks_mut(blocks)) {
        kernel::block_largest(kernel::Both, isa, T::seen(isa, src, &mut buffer), length, amax);
    }
    amax
}

/// Bands of one geometry: rows that share a row of blocks.
struct Band<'a> {
    fast: &'a Fast<'a>,
    tiles: Tiles,
    row_bytes: usize,
    scale_bytes: usize,
    /// The largest magnitudes of all blocks, if they have been looked for.
    known: &'a [u32],
    /// Numbers as f32s.
    buffer: Vec<f32>,
    scratch: Scratch,
}

/// The runs of columns that are worked on at a time.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub(super) cols: usize,
    pub(super) block_cols: usize,
    /// Columns of a run, about.
    pub(super) run: usize,
}

impl Tiles {
    /// Whole blocks, or parts of one; of the former as many as end at a byte.
    pub(super) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        let Self { cols, block_cols, run } = self;
        let together = if block_cols.is_multiple_of(8) { 1 } else { 8 };
        let (unit, tile) = if block_cols > run {
            (block_cols, run)
        } else {
            (cols.max(1), (run / block_cols / together).max(1) * together * block_cols)
        };
        (0..cols).step_by(unit).flat_map(move |start| {
            let end = (start + unit).min(cols);
            (start..end).step_by(tile).map(move |at| at..(at + tile).min(end))
        })
    }

    /// The blocks that a run touches.
    pub(super) fn touched(self, cols: &Range<usize>) -> Range<usize> {
        cols.start / self.block_cols..cols.end.div_ceil(self.block_cols)
    }

    /// Columns of a block in a run: a part of a block is a block.
    pub(super) fn length(self) -> usize {
        self.block_cols.min(self.run)
    }
}

/// Arrays that are used again.
#[derive(Default)]
struct Scratch {
    scaled: Vec<f32>,
    codes: Vec<u8>,
    /// The largest magnitudes of blocks, as bits.
    amax: Vec<u32>,
    /// Where there are zero points those above zero and those below.
    above: Vec<u32>,
    below: Vec<u32>,
    ranges: Vec<[f32; 2]>,
    factors: Vec<f32>,
    /// What quotients by reciprocals take for factors.
    reciprocals: Vec<[f32; 3]>,
    points: Vec<[f32; 2]>,
    special: Vec<(usize, Special)>,
    arrays: Arrays,
}

impl Band<'_> {
    /// Quantizes a band, whose first element is the tensor's `first`.
    fn quantize<T: Source>(&mut self, src: &[T], first: usize, parts: Parts<'_>) {
        let (tiles, isa) = (self.tiles, self.fast.isa);
        let Parts { codes, scales, offsets } = parts;
        let mut buffer = mem::take(&mut self.buffer);
        if src.len() == tiles.cols && tiles.block_cols <= tiles.run {
            for cols in tiles.ranges() {
                let (blocks, src) = (tiles.touched(&cols), &src[cols.clone()]);
                if self.fast.streams {
                    kernel::prefetch(src);
                }
                let numbers = T::seen(isa, src, &mut buffer);
                if self.known.is_empty() {
                    self.clear(blocks.len());
                    self.look(numbers, 0..blocks.len());
                } else {
                    self.scratch.amax.clear();
                    self.scratch.amax.extend_from_slice(&self.known[blocks.clone()]);
                }
                let scales = &mut scales[blocks.start * self.scale_bytes..blocks.end * self.scale_bytes];
                self.settle(src, cols.len(), scales, offsets.get_mut(blocks.clone()).unwrap_or_default());
                self.encode(src, numbers, first + cols.start, 0..blocks.len(), cols, codes);
            }
        } else {
            self.clear(tiles.cols.div_ceil(tiles.block_cols));
            for line in src.chunks(tiles.cols) {
                for cols in tiles.ranges() {
                    let numbers = T::seen(isa, &line[cols.clone()], &mut buffer);
                    self.look(numbers, tiles.touched(&cols));
                }
            }
            self.settle(src, tiles.cols, scales, offsets);
            for (index, (line, codes)) in src.chunks(tiles.cols).zip(codes.chunks_mut(self.row_bytes)).enumerate() {
                for cols in tiles.ranges() {
                    let src = &line[cols.clone()];
                    let numbers = T::seen(isa, src, &mut buffer);
                    let touched = tiles.touched(&cols);
                    self.encode(src, numbers, first + index * tiles.cols + cols.start, touched, cols, codes);
                }
            }
        }
        self.buffer = buffer;
    }

    /// Forgets the statistics of blocks.
    fn clear(&mut self, blocks: usize) {
        let Scratch { amax, above, below, .. } = &mut self.scratch;
        let zeros = |statistics: &mut Vec<u32>| {
            statistics.clear();
            statistics.resize(blocks, 0);
        };
        if matches!(self.fast.elements, ElementEncoder::Points(_)) {
            zeros(above);
            zeros(below);
        } else {
            zeros(amax);
        }
    }

    /// Adds numbers to the statistics of their blocks.
    fn look(&mut self, numbers: &[f32], blocks: Range<usize>) {
        let Scratch { amax, above, below, .. } = &mut self.scratch;
        let (isa, length) = (self.fast.isa, self.tiles.block_cols);
        if matches!(self.fast.elements, ElementEncoder::Points(_)) {
            kernel::block_largest(kernel::Above, isa, numbers, length, &mut above[blocks.clone()]);
            kernel::block_largest(kernel::Below, isa, numbers, length, &mut below[blocks]);
        } else {
            kernel::block_largest(kernel::Both, isa, numbers, length, &mut amax[blocks]);
        }
    }

    /// The scales, offsets and factors of the blocks whose statistics are in the scratch; `src` are their rows, `cols` long.
    fn settle<T: Source>(&mut self, src: &[T], cols: usize, scales: &mut [u8], offsets: &mut [u8]) {
        let Scratch { amax, above, below, ranges, factors, points, special, arrays, .. } = &mut self.scratch;
        let (fast, spec) = (self.fast, self.fast.spec);
        let with_points = matches!(fast.elements, ElementEncoder::Points(_));
        if with_points {
            let sides = || above.iter().zip(&*below);
            amax.clear();
            amax.extend(sides().map(|(above, below)| *above.max(below)));
            ranges.clear();
            // Of a block without numbers below zero the smallest is +0.
            ranges.extend(sides().map(|(above, below)| [0.0 - f32::from_bits(*below), f32::from_bits(*above)]));
        }
        factors.clear();
        factors.resize(amax.len(), 0.0);
        let stats = Stats { amax, ranges: with_points.then_some(ranges) };
        fast.scales.run(fast.isa, fast.scaling, stats, scales, factors, arrays);
        points.clear();
        if let ElementEncoder::Points(coder) = &fast.elements {
            for ((factor, [low, high]), amax) in factors.iter_mut().zip(&*ranges).zip(&*amax) {
                *factor = if (high - low).is_finite() && *amax != 0 { *factor } else { f32::NAN };
            }
            points.extend(factors.iter().map(|factor| [*factor, 0.0]));
            kernel::zero_points(fast.isa, coder, ranges, &arrays.scales, points, offsets);
        }
        if T::IS_WIDE {
            // The largest f32 also stands for everything above it.
            let beyond = amax.iter().zip(&mut *factors).filter(|(amax, _)| **amax == f32::MAX.to_bits());
            beyond.for_each(|(_, factor)| *factor = f32::NAN);
        }
        special.clear();
        if !factors.iter().fold(false, |any, factor| any | factor.is_nan()) {
            return;
        }
        for (index, factor) in factors.iter_mut().enumerate().filter(|(_, factor)| factor.is_nan()) {
            *factor = 0.0;
            let (block, what) = if amax[index] == 0 {
                (fast.zero_block.0, Some(Special::Zeros(fast.zero_block.1)))
            } else {
                let own = index * self.tiles.block_cols..((index + 1) * self.tiles.block_cols).min(cols);
                let elements = src.chunks(cols).flat_map(|line| line[own.clone()].iter().copied());
                let finite = amax[index] < f32::INFINITY.to_bits();
                let stats = if finite && !with_points {
                    let amax = f32::from_bits(amax[index]);
                    BlockStats { amax, signed_max: amax, finite: 1, ..BlockStats::EMPTY }
                } else {
                    stats_of(elements)
                };
                let block = spec.block_of(&stats, core::iter::empty(), fast.tensor);
                let usual = spec.factor(fast.scaling, &block, stats.amax);
                let beyond = T::IS_WIDE && stats.amax == f32::MAX;
                // An f64 rounded to odd is only scaled exactly by a power of two.
                let exact = |factor: &f32| !T::IS_WIDE || *factor == 0.0 || factor.to_bits().trailing_zeros() >= 23;
                match usual.filter(|factor| exact(factor) && !(with_points || beyond)) {
                    Some(usual) => {
                        *factor = usual;
                        (block, (!finite).then_some(Special::NotFinite(block)))
                    }
                    None => (block, Some(Special::Whole(block))),
                }
            };
            store(scales, self.scale_bytes, index, block.scale);
            if with_points {
                store(offsets, 1, index, block.offset);
            }
            special.extend(what.map(|what| (index, what)));
        }
    }

    /// The codes of some columns of a row, whose blocks' factors are in the scratch, into the row.
    fn encode<T: Source>(
        &mut self,
        src: &[T],
        numbers: &[f32],
        first: usize,
        blocks: Range<usize>,
        cols: Range<usize>,
        row: &mut [u8],
    ) {
        let Scratch { scaled, codes, amax, factors, reciprocals, points, special, .. } = &mut self.scratch;
        let fast = self.fast;
        let bits = fast.spec.element.bits();
        let dither = fast.dither.skip(first as u64);
        let words = Words::new(fast.spec.element_convert.round, dither);
        let run = Run {
            numbers,
            length: self.tiles.length(),
            amax: &amax[blocks.clone()],
            factors: &factors[blocks.clone()],
            points: points.get(blocks.clone()).unwrap_or_default(),
            dither,
        };
        let start = cols.start * bits as usize;
        let mut special = special.iter().filter(|(index, _)| blocks.contains(index)).peekable();
        if bits == 4
            && special.peek().is_none()
            && start.is_multiple_of(8)
            && fast.encode(run, reciprocals, To::Nibbles(&mut row[start / 8..]))
        {
            return;
        }
        let own = if bits == 8 {
            &mut row[cols.clone()]
        } else {
            codes.resize(numbers.len(), 0);
            &mut codes[..]
        };
        fast.encode(run, reciprocals, To::Bytes(scaled, own));
        fast.finish_zeros(run, own);
        for (index, what) in special {
            let at = (index - blocks.start) * self.tiles.length();
            let at = at..(at + self.tiles.length()).min(numbers.len());
            for index in at {
                let (code, x) = (&mut own[index], numbers[index]);
                match what {
                    Special::Zeros(zeros) => *code = zeros[usize::from(x.is_sign_negative())],
                    Special::NotFinite(_) if x.is_finite() => {}
                    Special::Whole(block) | Special::NotFinite(block) => {
                        *code = fast.spec.code(block, number(src[index]), words.get(index)) as u8;
                    }
                }
            }
        }
        match bits {
            8 => {}
            4 if start.is_multiple_of(8) => kernel::pack_4(fast.isa, codes, &mut row[start / 8..]),
            6 if start.is_multiple_of(8) => kernel::pack_6(fast.isa, codes, &mut row[start / 8..]),
            _ => codes.iter().enumerate().for_each(|(i, &code)| put(row, bits, cols.start + i, code.into())),
        }
    }
}
