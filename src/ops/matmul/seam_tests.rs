//! Models that only tests have go through the seam and the loop of the definition, with values
//! worked out by hand.

use super::builder::Matmul;
use super::job::ProductShape;
use super::operand::Operand;
use super::product::job_of;
use super::reference::fill;
use super::workspace::ProductMemory;
use crate::block::{BlockSpec, Extent, QuantTensor, preset};
use crate::codec::Unpacked;
use crate::mma::{Accumulate, Accumulator, AnyAccumulate, GroupLen, Products, Sum, Takes};
use crate::ops::numbers::NumbersMut;
use alloc::vec;

/// A matrix unit: four products a step, under the scales of their blocks, and the accumulator,
/// which C starts, are aligned to the largest of them, cut toward zero `fraction_bits` bits
/// below its first, and added exactly.
#[derive(Debug)]
struct TruncatingUnit {
    fraction_bits: i32,
}

impl Accumulate for TruncatingUnit {
    type State = f32;

    fn takes(&self) -> Takes {
        Takes::Elements
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(4)
    }

    fn start(&self) -> f32 {
        0.0
    }

    fn start_with(&self, c: f32) -> Option<f32> {
        Some(c)
    }

    fn step(&self, acc: &mut f32, group: &Products<'_>) {
        let mut terms = vec![f64::from(*acc)];
        for block in group.groups(GroupLen::Block) {
            let scale: f64 = block.scales().map(f64::from).iter().product();
            terms.extend(block.pairs().map(|(a, b)| self.product(a, b).to_f64() * scale));
        }
        let exponents =
            terms.iter().filter(|x| **x != 0.0).map(|x| Unpacked::from_f64(*x).log2() as i32);
        let Some(top) = exponents.max() else { return };
        let unit = Unpacked::new(false, 1, top - self.fraction_bits).to_f64();
        let sum: i64 = terms.iter().map(|x| (x / unit) as i64).sum();
        *acc = (sum as f64 * unit) as f32;
    }

    fn finish(&self, acc: f32) -> Sum {
        Sum::F32(acc)
    }
}

/// A multiplier that adds: `2^i (1 + x)` times `2^j (1 + y)` is taken for `2^(i + j) (1 + x + y)`.
/// Positive numbers only.
#[derive(Debug)]
struct AddingMultiplier;

impl Accumulate for AddingMultiplier {
    type State = f64;

    fn takes(&self) -> Takes {
        Takes::Values
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(2)
    }

    fn start(&self) -> f64 {
        0.0
    }

    fn product(&self, a: f32, b: f32) -> Unpacked {
        let parts = [a, b].map(|x| {
            let exponent = Unpacked::from_f32(x).log2() as i32;
            (exponent, f64::from(x) / Unpacked::new(false, 1, exponent).to_f64() - 1.0)
        });
        let [(i, x), (j, y)] = parts;
        Unpacked::from_f64((1.0 + x + y) * Unpacked::new(false, 1, i + j).to_f64())
    }

    fn step(&self, acc: &mut f64, group: &Products<'_>) {
        *acc += group.pairs().map(|(a, b)| self.product(a, b).to_f64()).sum::<f64>();
    }

    fn finish(&self, acc: f64) -> Sum {
        Sum::F64(acc)
    }
}

/// The product of two single rows under a model.
fn product(model: &dyn AnyAccumulate, matmul: &Matmul<'_>, a: Operand<'_>, b: Operand<'_>) -> f32 {
    let shape = ProductShape { batch: 1, m: 1, n: 1, k: a.cols() };
    let mut out = [0.0f32];
    let job = job_of(matmul, [a, b], shape, Accumulator::BlockF32, model);
    fill(&job, NumbersMut::F32(&mut out), &mut ProductMemory::default());
    out[0]
}

#[test]
fn a_unit_may_align_c_and_see_scales() {
    let spec = BlockSpec { extent: Extent::Block { rows: 1, cols: 2 }, ..preset::ocp::MXFP4 };
    let quantized = |x: [f32; 8]| QuantTensor::quantize(&spec, &x, &[1, 8]).unwrap();
    // Blocks of two, every number exact: scales 1, 4, 1 and 1/8 of A, 1, 1/2, 1 and 1 of B.
    let a = quantized([4.0, 1.0, 16.0, 2.0, -4.0, 2.0, 0.5, 0.25]);
    let b = quantized([4.0, 0.5, 2.0, 1.0, 4.0, 4.0, 4.0, 4.0]);
    let unit = |matmul: &Matmul<'_>| {
        product(&TruncatingUnit { fraction_bits: 4 }, matmul, Operand::from(&a), Operand::from(&b))
    };
    // Step 1: 16, 1/2, 32 and 2; the unit is 32 / 16 = 2, the sum 8 + 0 + 16 + 1 units: 50.
    // Step 2: 50, -16, 8, 2 and 1; the unit is 2 again, the sum 25 - 8 + 4 + 1 + 0 units: 44.
    assert_eq!(unit(&Matmul::new()), 44.0);
    // C = 3 is one unit of step 1: 52, then 26 - 8 + 4 + 1 units. Added to the end it would
    // make 47.
    assert_eq!(unit(&Matmul::new().addend(&[3.0])), 46.0);
    // Next to C = 1024 the unit is 64, and no product reaches it.
    assert_eq!(unit(&Matmul::new().addend(&[1024.0])), 1024.0);
    // The bias comes after the sum in any case.
    assert_eq!(unit(&Matmul::new().addend(&[3.0]).bias(&[0.25])), 46.25);
    // The crate's own models go the same road, and leave C to the end: 50.5 - 5 + 3.
    let model =
        Accumulator::BlockF32.model([Operand::from(&a).formats(), Operand::from(&b).formats()]);
    assert_eq!(
        product(model.any(), &Matmul::new().addend(&[3.0]), Operand::from(&a), Operand::from(&b)),
        48.5
    );
}

#[test]
fn a_model_has_its_own_product_rule() {
    let (a, b) = ([1.5f32, 3.0, 4.0], [1.5f32, 1.25, 0.5]);
    let (a, b) = (Operand::numbers(&a, &[1, 3]).unwrap(), Operand::numbers(&b, &[1, 3]).unwrap());
    // 1 + 1/2 + 1/2 for 2.25, 2 (1 + 1/2 + 1/4) for 3.75, and 2.
    assert_eq!(product(&AddingMultiplier, &Matmul::new(), a, b), 7.5);
    let exact = Accumulator::Exact.model([a.formats(), b.formats()]);
    assert_eq!(product(exact.any(), &Matmul::new(), a, b), 8.0);
}
