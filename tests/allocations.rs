//! Calls that say that they allocate nothing, under an allocator that counts.
#![cfg(all(feature = "matmul", feature = "presets"))]
#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use subhalf::{
    Accumulator, Chain, Exec, FormatSpec, IntegerOverflow, Isa, Matmul, Operand, PackedMatrix,
    Parts, PartsMut, QuantTensor, QuantView, Quantizer, Round, SliceConverter, Stochastic,
    Workspace, preset,
};

/// The system's allocator, which counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator as it came; the count is a cell of the
// thread, made without allocating.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread while `work` runs.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))), 1);
    assert_eq!(allocations(|| ()), 0);
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 % 101) as f32 - 50.0) / 16.0).collect()
}

/// Accumulators that take scaled operands; those that take integers alone come last.
fn accumulators() -> [Accumulator; 9] {
    let f16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
    let random = Round::stochastic(Stochastic::A, 8).unwrap();
    [
        Accumulator::BlockF32,
        Accumulator::F32,
        Accumulator::F64,
        Accumulator::Exact,
        Accumulator::rounded(FormatSpec::BF16, Round::NearestEven),
        Accumulator::rounded(FormatSpec::F16, random),
        Accumulator::chunked(20, f16, Chain::F32),
        Accumulator::chunked(20, Chain::F64, f16),
        Accumulator::I32,
    ]
}

/// Multiplies twice with one workspace and counts what the second product allocates.
fn check(what: &str, matmul: Matmul<'_>, a: Operand<'_>, b: Operand<'_>, w: &mut Workspace) {
    for isa in Isa::available() {
        let matmul = matmul.exec(Exec::SERIAL.with_isa(isa));
        let mut out = vec![0f32; a.rows() * b.rows() * a.batch().max(b.batch())];
        let mut multiply = || matmul.multiply_with(a, b, &mut out, w).unwrap();
        multiply();
        let count = allocations(&mut multiply);
        assert_eq!(count, 0, "{what}, {matmul:?} of {a:?} and {b:?}");
    }
}

#[test]
fn products_with_a_workspace_allocate_nothing() {
    let mut w = Workspace::new();
    let names = [
        "ocp::MXFP4",
        "modelopt::NVFP4",
        "ocp::MXFP8_E4M3",
        "ocp::MXFP6_E2M3",
        "generic::FP8_E4M3_TENSOR",
        "generic::INT8_G32",
        "generic::INT8_ROW",
        "generic::UINT4_G32",
        "ggml::Q8_0",
        "ggml::Q4_1",
    ];
    for (m, n, k) in [(1, 100, 256), (3, 20, 64), (40, 300, 192), (2, 17, 1056)] {
        let (x, weights) = (numbers(m * k), numbers(n * k));
        for name in names {
            let spec = &preset::by_name(name).unwrap().spec;
            let weight = QuantTensor::quantize(spec, &weights, &[n, k]).unwrap();
            let packed = PackedMatrix::new(&weight).unwrap();
            let left = QuantTensor::quantize(spec, &x, &[m, k]).unwrap();
            let x = Operand::numbers(&x, &[m, k]).unwrap();
            let c = numbers(m * n);
            for accumulator in accumulators() {
                let integers = name.contains("INT8");
                let blockwise = accumulator == Accumulator::BlockF32;
                // What is made step by step takes its time: the smallest shape has all kinds.
                let slow = !blockwise && accumulator != Accumulator::F32;
                if slow && m != 3 {
                    continue;
                }
                // Elements without a minimum, and integers where these are asked for.
                if name == "ggml::Q4_1" && blockwise || accumulator == Accumulator::I32 && !integers
                {
                    continue;
                }
                let by = Matmul::new().accumulator(accumulator);
                for b in [Operand::from(&weight), Operand::from(&packed)] {
                    if accumulator != Accumulator::I32 {
                        check("numbers", by, x, b, &mut w);
                        check("addend and bias", by.addend(&c).bias(&c[..n]), x, b, &mut w);
                    }
                    check("tensors", by, (&left).into(), b, &mut w);
                }
            }
        }
    }
}

#[test]
fn products_of_codes_batches_and_transposed_numbers_allocate_nothing() {
    let mut w = Workspace::new();
    let (batch, m, n, k) = (3, 2, 33, 40);
    let codes: Vec<u8> = (0..batch * n * k).map(|i| (i * 89) as u8).collect();
    let x = numbers(batch * m * k);
    let a = Operand::numbers(&x, &[batch, m, k]).unwrap();
    let b = Operand::codes(&FormatSpec::INT8, &codes, &[batch, n, k]).unwrap();
    let int8 = Operand::codes(&FormatSpec::INT8, &codes[..m * k], &[m, k]).unwrap();
    let wide: Vec<u16> = (0..n * k).map(|i| 0x3C00 + i as u16).collect();
    let wide = Operand::codes(&FormatSpec::F16, &wide, &[n, k]).unwrap();
    let turned = Operand::numbers(&x, &[batch, k, m]).unwrap().transposed();
    check("codes", Matmul::new(), a, b, &mut w);
    check("16 bits", Matmul::new(), a, wide, &mut w);
    check("transposed", Matmul::new(), turned, b, &mut w);
    check("exact", Matmul::new().accumulator(Accumulator::Exact), a, wide, &mut w);
    for overflow in [IntegerOverflow::Wrap, IntegerOverflow::Saturate] {
        let by = Matmul::new().accumulator(Accumulator::integer(12, overflow));
        check("integers", by, int8, b, &mut w);
    }
    // Single rows are one chain.
    let row = Operand::numbers(&x[..k], &[1, k]).unwrap();
    let tensor = QuantTensor::quantize(&preset::ocp::MXFP6_E2M3, &x[..k], &[1, k]).unwrap();
    check("rows", Matmul::new().accumulator(Accumulator::F32), row, (&tensor).into(), &mut w);
}

#[test]
fn views_and_slices_allocate_nothing() {
    let tensor = QuantTensor::quantize(&preset::ggml::Q8_0, &numbers(64 * 96), &[64, 96]).unwrap();
    let parts: Parts<'_> = tensor.parts();
    let count = allocations(|| {
        QuantView::from_parts(tensor.spec(), tensor.shape(), parts).unwrap();
    });
    assert_eq!(count, 0);
    let mut x = numbers(5000);
    let converter = SliceConverter::new(&FormatSpec::F8E4M3).exec(Exec::SERIAL);
    assert_eq!(allocations(|| converter.fake_quantize_in_place(&mut x).unwrap()), 0);
}

#[test]
fn a_cache_that_grows_token_by_token_allocates_nothing() {
    const TOKENS: usize = 4096;
    const HEADS: usize = 8;
    const LENGTH: usize = 64;
    let (spec, fp8) = (preset::ocp::MXFP4, FormatSpec::F8E4M3);
    let quantizer = Quantizer::new(&spec);
    let cols = HEADS * LENGTH;
    // FP8 under a scale that is fixed, and MXFP4 with scales from the data.
    let mut bytes = vec![0u8; TOKENS * cols];
    let (mut codes, mut scales) = (vec![0u8; TOKENS * cols / 2], vec![0u8; TOKENS * cols / 32]);
    let x = numbers(TOKENS * cols);
    let mut grow = |token: usize| {
        let x = &x[token * cols..][..cols];
        fp8.encode_scaled(x, 0.125, &mut bytes[token * cols..][..cols]).unwrap();
        let codes = &mut codes[token * cols / 2..][..cols / 2];
        let scales = &mut scales[token * cols / 32..][..cols / 32];
        quantizer.quantize_to(x, &[HEADS, LENGTH], PartsMut::new(codes, scales)).unwrap();
    };
    // The first token makes the memory that the thread keeps.
    grow(0);
    assert_eq!(allocations(|| (1..TOKENS).for_each(grow)), 0);
    let whole = quantizer.quantize(&x, &[TOKENS * HEADS, LENGTH]).unwrap();
    assert_eq!((whole.codes(), whole.scales()), (&codes[..], &scales[..]));
    for (code, x) in bytes.iter().zip(&x) {
        assert_eq!(u32::from(*code), fp8.encode_f32(x / 0.125));
    }
}
