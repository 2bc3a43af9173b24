//! How the sums of a product are made: which kernels, over which runs of positions.

use super::Job;
use super::dots::DotPlan;
use super::left::Tile;
use super::packed::{Panel, Scales};
use super::split::Split;
use crate::codec::Unpacked;
use crate::kernel::gemm::Lanes;
use crate::kernel::{Isa, Rounding};
use crate::mma::{Accumulator, Chain, IntegerOverflow};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A way to make the sums of a tile.
#[derive(Debug)]
pub(super) enum Plan {
    /// One chain.
    Chain(Kernel),
    /// Runs of one chain, added up by another.
    Chunked { k: usize, inner: Kernel, outer: Chain },
    /// Blocks, their partial sums taken in f32, or in f64 if they are integers.
    Blocks { run: usize, integers: Option<i32>, wide: bool },
    /// As blocks, of partial sums that f32 holds and scales whose products it does.
    PlainBlocks { run: usize },
    /// The same, of integers that fit bytes.
    Dots(DotPlan),
    /// Integer sums that wrap.
    Integers { bits: u32, exponent: i32 },
    /// Exact sums, when the left side is known.
    Exact(Option<Split>),
    /// Element by element, as the definition does.
    Reference,
}

/// The chains that there are kernels for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    Single,
    Double,
    Rounded(Rounding),
}

impl Kernel {
    fn of(chain: &Chain, job: &Job<'_>) -> Option<Self> {
        match chain {
            Chain::F32 => Some(Self::Single),
            Chain::F64 => Some(Self::Double),
            Chain::Rounded { format, rounding } => {
                let rounding = Rounding::lower(format, *rounding)?;
                let products = job.a.number_range().zip(job.b.number_range()).map(|(a, b)| a.times(b));
                Some(Self::Rounded(products.map_or(rounding, |of| rounding.of_products(of.last, of.end, of.bits))))
            }
        }
    }
}

impl Plan {
    pub(super) fn new(job: &Job<'_>) -> Self {
        Self::find(job).unwrap_or(Self::Reference)
    }

    /// The same when the numbers of the left side are known.
    pub(super) fn knowing(self, left: &[Vec<Tile>], depth: usize) -> Self {
        match self {
            Self::Exact(_) => Split::new(left, depth).map_or(Self::Reference, |split| Self::Exact(Some(split))),
            plan => plan,
        }
    }

    fn find(job: &Job<'_>) -> Option<Self> {
        let exponent = || Some(-job.a.fraction_bits()? - job.b.fraction_bits()?);
        // The largest sum of so many products of integers.
        let bound = |positions: usize| {
            let largest = |side: &super::Operand<'_>| side.largest_integer().unwrap_or(f64::INFINITY);
            largest(&job.a) * largest(&job.b) * positions.min(job.shape.depth) as f64
        };
        let fits = || bound(job.shape.depth) <= (1u64 << 53) as f64;
        match &job.accumulator {
            Accumulator::Chain(chain) => Kernel::of(chain, job).map(Self::Chain),
            Accumulator::Exact => Some(Self::Exact(None)),
            Accumulator::Chunked { k, inner, outer } => {
                Some(Self::Chunked { k: *k, inner: Kernel::of(inner, job)?, outer: *outer })
                    .filter(|_| outer.random_bits().is_none())
            }
            Accumulator::BlockF32 => {
                let runs = [job.a.run(), job.b.run()];
                let run = nested(runs, job.shape.depth)?;
                let wide = job.a.has_f32_scales() || job.b.has_f32_scales();
                if let Some(dots) = DotPlan::of(job, run, wide) {
                    return Some(Self::Dots(dots));
                }
                let scales_fit = wide || job.a.scale_range().times(job.b.scale_range()).is_f32();
                let integers = exponent();
                if scales_fit && integers.is_none_or(|exponent| f32s_hold(bound(run), exponent)) {
                    return Some(Self::PlainBlocks { run });
                }
                (integers.is_none() || bound(run) <= (1u64 << 53) as f64).then_some(Self::Blocks { run, integers, wide })
            }
            Accumulator::Integer { bits, overflow: IntegerOverflow::Wrap }
                if !job.a.is_scaled() && !job.b.is_scaled() && fits() =>
            {
                Some(Self::Integers { bits: *bits, exponent: exponent()? })
            }
            Accumulator::Integer { .. } => None,
        }
    }

    /// Whether tiles need something made of their numbers.
    pub(super) const fn prepares(&self) -> bool {
        matches!(self, Self::Dots(_) | Self::Exact(_))
    }

    /// Makes it.
    pub(super) fn prepare(&self, tile: &mut Tile, isa: Isa) {
        match self {
            Self::Dots(dots) => dots.prepare(tile, isa),
            Self::Exact(Some(split)) => split.prepare(tile, isa),
            _ => {}
        }
    }
}

/// Whether all integers up to `largest`, in units of `2^exponent`, are f32s.
pub(super) fn f32s_hold(largest: f64, exponent: i32) -> bool {
    let unit = Unpacked::new(false, 1, exponent).to_f64();
    largest <= (1u64 << 24) as f64 && exponent >= -149 && largest * unit <= f32::MAX.into()
}

/// The shorter of two runs, if it divides the longer up to the end of a row.
pub(super) fn nested([a, b]: [usize; 2], depth: usize) -> Option<usize> {
    let (short, long) = (a.min(b), a.max(b));
    (short >= depth || long >= depth || long.is_multiple_of(short)).then_some(short.max(1))
}

/// The scales of a panel for blocks of so many positions, none of which is longer than the panel's.
pub(super) fn scales(panel: &Panel, run: usize, depth: usize) -> Cow<'_, [Lanes<f32>]> {
    match &panel.scales {
        Scales::Singles(scales) if run == panel.run && !scales.is_empty() => Cow::Borrowed(scales),
        scales => Cow::Owned((0..depth).step_by(run).map(|k| scales.at(k / panel.run)).collect()),
    }
}
