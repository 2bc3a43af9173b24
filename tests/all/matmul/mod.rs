//! Matrix products: every kernel equals the definition, the definition equals arithmetic that
//! shares no code with it.

mod big;
mod definition;
mod edges;
pub(crate) mod inputs;
mod naive;

use inputs::{Kind, Random, Side, named, pairs};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use subhalf::{
    Accumulator, Chain, Dither, Exec, FormatSpec, IntegerOverflow, Isa, Matmul, Round, Stochastic,
    Workspace, reference_matmul,
};

/// Every accumulator, in the roundings that kernels tell apart.
pub(crate) fn accumulators(pair: (Kind, Kind), shape: usize, depth: usize) -> Vec<Accumulator> {
    let rounded = |format, rounding| Accumulator::rounded(format, rounding);
    let chunked = |k, inner, outer| Accumulator::chunked(k, inner, outer);
    let f16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
    let bf16 = Chain::rounded(FormatSpec::BF16, Round::NearestEven);
    let some = Round::DETERMINISTIC[shape % 9];
    let other = [
        FormatSpec::F8E5M2,
        FormatSpec::F8E4M3FNUZ,
        FormatSpec::E8M13,
        FormatSpec::HIF8,
        FormatSpec::TF32,
    ][shape % 5];
    let mut all = vec![
        Accumulator::F32,
        Accumulator::F64,
        Accumulator::Exact,
        rounded(FormatSpec::F16, Round::NearestEven),
        rounded(FormatSpec::BF16, Round::NearestEven),
        rounded([FormatSpec::F16, FormatSpec::BF16][shape % 2], some),
        rounded(other, some),
        rounded(FormatSpec::F16, Round::Stochastic { kind: Stochastic::A, bits: 8 }),
        chunked(1 + shape % 40, f16, Chain::F32),
        chunked(32, Chain::F32, bf16),
    ];
    let is_integer = |kind: Kind| match kind {
        Kind::Codes(format) => format.name().contains("INT"),
        Kind::Tensor(spec) | Kind::Dynamic(spec) => spec.element.name().contains("INT"),
        _ => false,
    };
    if pair.0.is_blockwise(depth) && pair.1.is_blockwise(depth) {
        all.push(Accumulator::BlockF32);
        if is_integer(pair.0) && is_integer(pair.1) {
            all.extend([Accumulator::I32, Accumulator::integer(10, IntegerOverflow::Saturate)]);
            all.push(Accumulator::integer(12, IntegerOverflow::Wrap));
        }
    }
    all
}

/// Shapes up to 130 on a side, most of them small, their edges too; a few batches.
pub(crate) fn shape(random: &mut Random, index: usize) -> [usize; 4] {
    let mut side = |small: usize| match random.below(20) {
        0 => [0, 1, 7, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130][random.below(17)],
        1 => random.below(131),
        _ => random.below(small),
    };
    let batch = if index.is_multiple_of(10) { 1 + index % 3 } else { 1 };
    [batch, side(6), side(18), side(40)]
}

pub(crate) fn run<'a>(matmul: &Matmul<'_>, a: &'a Side, b: &'a Side) -> Vec<u32> {
    let (left, right) = (a.quantizer(), b.quantizer());
    let product = matmul.multiply(a.operand(&left), b.operand(&right)).unwrap();
    product.iter().map(|x| x.to_bits()).collect()
}

/// A product in the memory of the products before it.
fn run_with(matmul: &Matmul<'_>, a: &Side, b: &Side, workspace: &mut Workspace) -> Vec<u32> {
    let (left, right) = (a.quantizer(), b.quantizer());
    let batch = a.shape[0].max(b.shape[0]);
    let mut out = vec![0f32; batch * a.shape[1] * b.shape[1]];
    matmul.multiply_with(a.operand(&left), b.operand(&right), &mut out, workspace).unwrap();
    out.iter().map(|x| x.to_bits()).collect()
}

fn reference(matmul: &Matmul<'_>, a: &Side, b: &Side) -> Vec<u32> {
    let (left, right) = (a.quantizer(), b.quantizer());
    let batch = a.shape[0].max(b.shape[0]);
    let mut out = vec![0f32; batch * a.shape[1] * b.shape[1]];
    reference_matmul(matmul, a.operand(&left), b.operand(&right), &mut out).unwrap();
    out.iter().map(|x| x.to_bits()).collect()
}

/// Both sides of a product from a seed.
pub(crate) fn sides(
    pair: (Kind, Kind),
    index: usize,
    [batch, m, n, k]: [usize; 4],
) -> (Side, Side) {
    let mut random = Random(index as u64);
    let wild = index % 4 == 1;
    // One matrix of a batch on either side, or as many as on the other.
    let (left, right) = match index % 20 {
        0 => (batch, batch),
        10 => (1, batch),
        _ => (batch, 1),
    };
    let mut a = Side::new(pair.0, [left, m, k], &mut random, wild);
    let mut b = Side::new(pair.1, [right, n, k], &mut random, wild);
    if index % 8 == 3 {
        (a, b) = (a.with_any_scales(&mut random), b.with_any_scales(&mut random));
    }
    (a, if index.is_multiple_of(2) { b.packed() } else { b })
}

/// Compares all kernels and threads with the definition.
fn compare(
    pair: (Kind, Kind),
    index: usize,
    shape: [usize; 4],
    accumulators: &[Accumulator],
    (pools, workspace): (&[Pool], &Mutex<Workspace>),
) -> usize {
    let turns = AtomicUsize::new(index);
    let (a, b) = sides(pair, index, shape);
    let c: Vec<f32> = (0..shape[0] * shape[1] * shape[2]).map(|i| i as f32 / 3.0 - 5.0).collect();
    if index % 3 == 2 && c.is_empty() {
        return 0;
    }
    let all: Vec<(Matmul<'_>, Vec<u32>)> = accumulators
        .iter()
        .map(|accumulator| {
            let matmul = Matmul::new().accumulator(*accumulator).dither(Dither::new(index as u64));
            let matmul = match index % 3 {
                0 => matmul,
                1 => matmul.addend(&c),
                _ => matmul.bias(&c[..shape[2].min(c.len())]),
            };
            (matmul, reference(&matmul, &a, &b))
        })
        .collect();
    let one = |(matmul, expected): &(Matmul<'_>, Vec<u32>), exec: Exec| {
        let matmul = matmul.exec(exec);
        // Every other product in a workspace of its own.
        let found = match turns.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => run(&matmul, &a, &b),
            _ => run_with(&matmul, &a, &b, &mut workspace.lock().unwrap()),
        };
        if found != *expected {
            let at = (0..found.len()).find(|&at| found[at] != expected[at]).unwrap();
            panic!(
                "{:?} × {:?}\n{shape:?} {index}, {matmul:?} {}: element {at}: expected {:#x}, found {:#x}",
                a.kind(),
                b.kind(),
                exec.isa().name(),
                expected[at],
                found[at]
            );
        }
    };
    for pool in pools {
        pool.install(|exec| {
            all.iter()
                .for_each(|case| Isa::available().for_each(|isa| one(case, exec.with_isa(isa))));
        });
    }
    all.len() * Isa::available().count() * pools.len()
}

/// Threads to run on.
struct Pool {
    #[cfg(feature = "rayon")]
    pool: rayon::ThreadPool,
}

impl Pool {
    #[cfg(feature = "rayon")]
    fn all() -> Vec<Self> {
        [1, 2, 7]
            .map(|threads| Self {
                pool: rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap(),
            })
            .into()
    }

    #[cfg(not(feature = "rayon"))]
    fn all() -> Vec<Self> {
        vec![Self {}]
    }

    #[cfg(feature = "rayon")]
    fn install(&self, work: impl FnOnce(Exec) + Send) {
        if self.pool.current_num_threads() == 1 {
            work(Exec::SERIAL);
        } else {
            self.pool.install(|| work(Exec::PARALLEL));
        }
    }

    #[cfg(not(feature = "rayon"))]
    fn install(&self, work: impl FnOnce(Exec)) {
        work(Exec::SERIAL);
    }
}

/// Every pair on a quarter of the shapes: tests that run side by side.
fn all_pairs(quarter: usize) {
    let (pools, workspace, mut compared) = (Pool::all(), Mutex::default(), 0);
    for pair in pairs() {
        for index in (quarter..300).step_by(4) {
            let shape = shape(&mut Random(1000 + index as u64), index);
            compared += compare(
                pair,
                index,
                shape,
                &accumulators(pair, index, shape[3]),
                (&pools, &workspace),
            );
        }
    }
    eprintln!("{compared} products of {} pairs of formats", pairs().len());
    assert!(pairs().len() >= 24);
}

#[test]
fn kernels_equal_the_definition_1_of_4() {
    all_pairs(0);
}

#[test]
fn kernels_equal_the_definition_2_of_4() {
    all_pairs(1);
}

#[test]
fn kernels_equal_the_definition_3_of_4() {
    all_pairs(2);
}

#[test]
fn kernels_equal_the_definition_4_of_4() {
    all_pairs(3);
}

#[test]
fn kernels_equal_the_definition_on_large_shapes() {
    let (pools, workspace) = (Pool::all(), Mutex::default());
    for (index, pair) in pairs().into_iter().enumerate() {
        let shape = [[1, 9, 35, 1100], [1, 530, 18, 96], [1, 1, 200, 2080]][index % 3];
        let mut few = accumulators(pair, index, shape[3]);
        few.retain(|accumulator| {
            matches!(
                *accumulator,
                Accumulator::F32
                    | Accumulator::F64
                    | Accumulator::BlockF32
                    | Accumulator::Integer { bits: 32, .. }
                    | Accumulator::Exact
            )
        });
        compare(pair, index, shape, &few, (&pools[1..2.min(pools.len())], &workspace));
    }
}

/// Heights that kernels are made for, depths at and off the ends of blocks and registers; packed
/// and as stored.
#[test]
fn kernels_equal_the_definition_at_every_height() {
    let (pools, workspace) = (Pool::all(), Mutex::default());
    for (index, pair) in pairs().into_iter().enumerate() {
        for (at, depth) in [4, 7, 8, 24, 31, 36, 64, 72, 100, 128, 129, 200].into_iter().enumerate()
        {
            let sums = if pair.0.is_blockwise(depth) && pair.1.is_blockwise(depth) {
                Accumulator::BlockF32
            } else {
                Accumulator::F32
            };
            for packed in 0..2 {
                let index = 2 * (100 + index + at) + packed;
                compare(
                    pair,
                    index,
                    [1, 1, 83, depth],
                    &[sums, Accumulator::F32],
                    (&pools[..1], &workspace),
                );
                compare(
                    pair,
                    index,
                    [1, [2, 3, 5, 16, 17, 33][at % 6], 20, depth],
                    &[sums],
                    (&pools[..1], &workspace),
                );
                compare(
                    pair,
                    index,
                    [1 + at % 2, 2 + (index + at) % 11, 83, depth],
                    &[sums, Accumulator::F32],
                    (&pools[..1], &workspace),
                );
            }
        }
    }
}

/// Blocks with minima or zero points: one row reads their codes, more rows decode them; blocks of A
/// that are shorter cut them.
#[test]
fn blocks_with_offsets_equal_the_definition() {
    let (pools, workspace) = (Pool::all(), Mutex::default());
    let pairs = [
        (Kind::F32, named("ggml::Q4_1")),
        (Kind::F32, named("generic::INT8_ASYM_G32")),
        (Kind::F32, named("generic::INT4_ASYM_ROW")),
        (named("modelopt::NVFP4"), named("compressed_tensors::INT4_G32_ASYM")),
        (named("generic::INT8_G32"), named("generic::INT4_ASYM_G128")),
        (named("ggml::Q4_1"), named("ggml::Q5_1")),
    ];
    for (index, pair) in pairs.into_iter().enumerate() {
        for depth in [8, 31, 32, 72, 100, 200] {
            let blockwise = pair.0.is_blockwise(depth) && pair.1.is_blockwise(depth);
            let sums = if blockwise { Accumulator::BlockF32 } else { Accumulator::F64 };
            // Even ones are packed; others have NaN, or scales of any bits.
            for (at, rows) in [1, 1, 1, 1, 2, 3, 17, 1].into_iter().enumerate() {
                compare(
                    pair,
                    8 * (60 + index) + at,
                    [1, rows, 83, depth],
                    &[sums, Accumulator::F32],
                    (&pools, &workspace),
                );
            }
        }
    }
}

/// So many columns that kernels take two panels at a time, and depths of more than one piece.
#[test]
fn kernels_equal_the_definition_on_pairs_of_panels() {
    let (pools, workspace) = (Pool::all(), Mutex::default());
    for (index, pair) in pairs().into_iter().enumerate() {
        for (at, shape) in [[1, 16, 513, 72], [1, 17, 520, 36], [2, 9, 530, 33], [1, 16, 512, 640]]
            .into_iter()
            .enumerate()
        {
            if at == 3 && index % 5 != 2 {
                continue;
            }
            let blockwise = pair.0.is_blockwise(shape[3]) && pair.1.is_blockwise(shape[3]);
            let sums = if blockwise { Accumulator::BlockF32 } else { Accumulator::F64 };
            let chain = Accumulator::rounded(FormatSpec::BF16, Round::NearestEven);
            let all = [sums, Accumulator::F32, chain];
            let few = if at == 0 { &all[..] } else { &all[..2] };
            compare(
                pair,
                2 * (300 + index) + at % 2,
                shape,
                few,
                (&pools[1..2.min(pools.len())], &workspace),
            );
        }
    }
}
