//! [`Plan`]: which kernels make the sums of a product, as data. It is chosen from formats, scales
//! and the machine; every plan has the bits of the model.

use super::bounds::{f32s_hold, f64s_hold, largest_sum, shared_block_k};
use super::job::MatmulJob;
use super::operand::Operand;
use super::unit_plan::{UnitPlan, instruction};
use crate::codec::Unpacked;
use crate::kernel::gemm::WordDots;
use crate::kernel::{Dots, Rounding, SmallIntegers};
use crate::mma::{Accumulator, Adder, Chain, IntegerAdder, IntegerOverflow};

/// How the sums of tiles are made.
#[derive(Debug)]
pub(super) enum Plan {
    /// One chain over K.
    Chain(ChainKernel),
    /// Chunks of `k` products in one chain each, whose sums another chain adds up.
    Chunked { k: usize, inner: ChainKernel, outer: Chain },
    /// Blocks, their partial sums taken in f32, or in f64 if they are integers in units of
    /// `2^exponent`; `wide` if a side has f32 scales.
    Blocks { block_k: usize, exponent: Option<i32>, wide: bool },
    /// Blocks whose partial sums f32 holds, as it does products of two scales: everything in f32.
    F32Blocks { block_k: usize },
    /// Blocks whose elements are integers of a byte, which f32 holds too: dot products of bytes.
    Int8(Int8),
    /// Sums of integers without scales, which wrap.
    Integers { bits: u32, exponent: i32 },
    /// Exact sums, by slices of the numbers where these are few.
    Exact,
    /// Groups of products of a matrix unit, aligned and cut.
    Aligned(UnitPlan),
    /// Words of a matrix unit that is an instruction of the processor.
    Words(WordDots),
    /// Element by element, by the steps of the model.
    Steps,
}

/// The chains that there are micro-kernels for.
#[derive(Clone, Copy, Debug)]
pub(super) enum ChainKernel {
    F32,
    F64,
    Rounded(Rounding),
}

/// Dot products of bytes.
#[derive(Debug)]
pub(super) struct Int8 {
    pub(super) dots: Dots,
    pub(super) block_k: usize,
    pub(super) a: SmallIntegers,
    pub(super) b: SmallIntegers,
}

impl Plan {
    /// The fastest plan that has the bits of the accumulator.
    pub(super) fn new(job: &MatmulJob<'_>) -> Self {
        let plan = match job.accumulator {
            Accumulator::Chain(chain) => ChainKernel::lower(&chain, job).map(Self::Chain),
            Accumulator::BlockF32 => Self::by_blocks(job),
            Accumulator::Exact => Some(Self::Exact),
            // No micro-kernel takes random words for the sums of chunks.
            Accumulator::Chunked { outer, .. } if outer.random_bits().is_some() => None,
            Accumulator::Chunked { k, inner, outer } => {
                ChainKernel::lower(&inner, job).map(|inner| Self::Chunked { k, inner, outer })
            }
            Accumulator::Integer { bits, overflow } => Self::integers(job, bits, overflow),
            Accumulator::Unit { spec, schedule } => {
                let words = || instruction(job, &spec, schedule).map(Self::Words);
                let other = || match spec.adder() {
                    // Sums of 32 bits that wrap are those of every integer unit that wraps.
                    Adder::Integer(IntegerAdder::Wrap) => {
                        Self::integers(job, 32, IntegerOverflow::Wrap)
                    }
                    _ => UnitPlan::lower(job, &spec, schedule).map(Self::Aligned),
                };
                words().or_else(other)
            }
        };
        // No kernels but those of matrix units start their sums with C.
        plan.filter(|plan| job.c.is_none() || matches!(plan, Self::Aligned(_) | Self::Words(_)))
            .unwrap_or(Self::Steps)
    }

    fn by_blocks(job: &MatmulJob<'_>) -> Option<Self> {
        let block_k = shared_block_k(job)?;
        let wide = has_f32_scales(job);
        if let Some(int8) = Int8::lower(job, block_k, wide) {
            return Some(Self::Int8(int8));
        }
        // `None` for elements that are not integers: their partial sums are f32 chains anyway.
        let exponent = unit_exponent(job);
        let scales_fit = wide || job.a.scale_range().times(job.b.scale_range()).is_f32();
        // The product of two scales and, for integers, each partial sum are f32s: one f32 fused
        // multiply-add a block is the one rounding of the model.
        if scales_fit
            && exponent.is_none_or(|exponent| f32s_hold(largest_sum(job, block_k), exponent))
        {
            return Some(Self::F32Blocks { block_k });
        }
        // Else partial sums in f64, and the scales by the model's own step.
        let sums_fit = exponent.is_none() || f64s_hold(largest_sum(job, block_k));
        sums_fit.then_some(Self::Blocks { block_k, exponent, wide })
    }

    fn integers(job: &MatmulJob<'_>, bits: u32, overflow: IntegerOverflow) -> Option<Self> {
        // Wrapping after each product or once at the end is the same modulo 2^bits; saturating is
        // not.
        let plain =
            !job.a.is_scaled() && !job.b.is_scaled() && f64s_hold(largest_sum(job, job.shape.k));
        match overflow {
            IntegerOverflow::Wrap if plain => {
                Some(Self::Integers { bits, exponent: unit_exponent(job)? })
            }
            IntegerOverflow::Wrap | IntegerOverflow::Saturate => None,
        }
    }

    /// The length of the blocks whose scales the plan needs.
    pub(super) const fn block_k(&self) -> Option<usize> {
        match self {
            Self::Blocks { block_k, .. }
            | Self::F32Blocks { block_k }
            | Self::Int8(Int8 { block_k, .. }) => Some(*block_k),
            Self::Aligned(plan) => plan.block_k,
            Self::Chain(_)
            | Self::Chunked { .. }
            | Self::Integers { .. }
            | Self::Exact
            | Self::Words(_)
            | Self::Steps => None,
        }
    }
}

impl ChainKernel {
    fn lower(chain: &Chain, job: &MatmulJob<'_>) -> Option<Self> {
        match chain {
            Chain::F32 => Some(Self::F32),
            Chain::F64 => Some(Self::F64),
            Chain::Rounded { format, rounding } => {
                // `None` for stochastic roundings and formats that a kernel does not round to.
                let rounding = Rounding::lower(format, *rounding)?;
                let products =
                    job.a.number_range().zip(job.b.number_range()).map(|(a, b)| a.times(b));
                Some(Self::Rounded(
                    // If all products are known to be short, a kernel may leave out the correction
                    // of its first rounding.
                    products.map_or(rounding, |of| rounding.of_products(of.last, of.end, of.bits)),
                ))
            }
        }
    }
}

impl Int8 {
    /// For a machine, formats and scales that allow it.
    fn lower(job: &MatmulJob<'_>, block_k: usize, wide: bool) -> Option<Self> {
        let integers = |operand: &Operand<'_>| {
            // A zero point would make 9 bits of 8.
            let offset = operand.spec().is_some_and(|spec| spec.offset_bytes() > 0);
            operand.element().filter(|_| !offset).and_then(SmallIntegers::lower)
        };
        let (a, b) = (integers(&job.a)?, integers(&job.b)?);
        let dots = Dots::new(job.exec.isa(), &a, &b)?;
        let largest = f64::from(a.largest) * f64::from(b.largest) * block_k.min(job.shape.k) as f64;
        // B's scales take up the units of both sides; f32 scales cannot, for their products are
        // rounded.
        let exponent = a.exponent + b.exponent;
        let scales_fit = || {
            let of_b = job.b.scale_range().shifted(exponent);
            of_b.is_f32() && job.a.scale_range().times(of_b).is_f32()
        };
        let fits = f32s_hold(largest, exponent) && if wide { exponent == 0 } else { scales_fit() };
        fits.then_some(Self { dots, block_k, a, b })
    }

    /// Whether blocks begin at multiples of `count` positions.
    pub(super) const fn is_whole(&self, depth: usize, count: usize) -> bool {
        self.block_k.is_multiple_of(count) || self.block_k >= depth
    }

    /// The unit of the products, which B's scales take up.
    pub(super) fn unit(&self) -> f32 {
        Unpacked::new(false, 1, self.a.exponent + self.b.exponent).to_f32()
    }
}

/// The exponent of the unit of products of integers.
fn unit_exponent(job: &MatmulJob<'_>) -> Option<i32> {
    Some(-job.a.formats().fraction_bits()? - job.b.formats().fraction_bits()?)
}

/// Whether products of scales have to be rounded.
fn has_f32_scales(job: &MatmulJob<'_>) -> bool {
    job.a.formats().has_f32_scales() || job.b.formats().has_f32_scales()
}
