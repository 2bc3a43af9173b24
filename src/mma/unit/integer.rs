//! Integer sums: exact products, a sum of 32 bits that wraps or saturates.

use super::spec::{IntegerAdder, MmaSpec};
use super::step::StepGroup;

impl MmaSpec {
    /// D of a step of integers, given the accumulator.
    pub(super) fn integer_step(&self, adder: IntegerAdder, group: &StepGroup<'_>, c: i32) -> i32 {
        // Elements have at most 9 bits with their sign, so that f32s hold them and i64s any sum.
        let product = |(&a, &b): (&f32, &f32)| a as i64 * b as i64;
        let products = group.a.iter().zip(group.b).map(product);
        let c = i64::from(c);
        match adder {
            IntegerAdder::Wrap => (c + products.sum::<i64>()) as i32,
            IntegerAdder::Saturate => {
                let sum = c + products.sum::<i64>();
                sum.clamp(i32::MIN.into(), i32::MAX.into()) as i32
            }
            IntegerAdder::SaturatedPairs => {
                let mut products = products;
                let mut sum = c;
                while let Some(first) = products.next() {
                    let pair = first + products.next().unwrap_or(0);
                    sum += pair.clamp(i16::MIN.into(), i16::MAX.into());
                }
                sum as i32
            }
        }
    }
}
