//! Products of operands of every kind under every accumulator but the matrix units, against
//! `reference_matmul`.
#![no_main]

use bytemuck::Pod;
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use subhalf::{
    Accumulator, BlockSpec, Chain, Error, Exec, FormatSpec, IntegerOverflow, Matmul, Operand,
    PackedMatrix, QuantTensor, Quantizer, Real, Unpacked, gemv, reference_matmul,
};
use subhalf_fuzz::{
    Choices, Share, assert_one_line, block_numbers, codes, dither, exec, format, round, scheme,
};

static SHARE: Share = Share::new();

/// What numbers of a side are kept in.
enum Stored {
    F32,
    F16(Vec<half::f16>),
    BF16(Vec<half::bf16>),
    Codes(FormatSpec, Vec<u32>),
    Tensor(QuantTensor),
    /// Quantized in the product.
    Dynamic(BlockSpec),
}

struct Side {
    shape: Vec<usize>,
    numbers: Vec<f32>,
    stored: Stored,
}

/// A scheme that needs no scales from the caller.
fn own_scales(choices: &mut Choices<'_>) -> Result<BlockSpec, Error> {
    let spec = scheme(choices, true)?;
    spec.validate()?;
    Ok(spec)
}

impl Side {
    fn new(choices: &mut Choices<'_>, shape: &[usize]) -> Result<Self, Error> {
        let count = shape.iter().product();
        let numbers = block_numbers(choices, count);
        let stored = match choices.below(10) {
            0 | 1 => Stored::F32,
            2 => Stored::F16(numbers.iter().map(|x| half::f16::from_f32(*x)).collect()),
            3 => Stored::BF16(numbers.iter().map(|x| half::bf16::from_f32(*x)).collect()),
            4 | 5 => {
                let format = format(choices)?;
                let codes = if choices.one_in(2) {
                    numbers.iter().map(|x| format.encode_f32(*x)).collect()
                } else {
                    codes(choices, &format, count)
                };
                Stored::Codes(format, codes)
            }
            6..=8 => Stored::Tensor(
                Quantizer::new(&own_scales(choices)?)
                    .exec(Exec::SERIAL)
                    .dither(dither(choices))
                    .quantize(&numbers, shape)?,
            ),
            _ => Stored::Dynamic(own_scales(choices)?),
        };
        Ok(Self { shape: shape.to_vec(), numbers, stored })
    }

    fn quantizer(&self) -> Option<Quantizer<'_>> {
        match &self.stored {
            Stored::Dynamic(spec) => Some(Quantizer::new(spec)),
            _ => None,
        }
    }

    fn operand<'a>(&'a self, quantizer: &'a Option<Quantizer<'a>>) -> Result<Operand<'a>, Error> {
        match (&self.stored, quantizer) {
            (Stored::F16(numbers), _) => Operand::numbers(numbers, &self.shape),
            (Stored::BF16(numbers), _) => Operand::numbers(numbers, &self.shape),
            (Stored::Codes(format, codes), _) => Operand::codes(format, codes, &self.shape),
            (Stored::Tensor(tensor), _) => Ok(tensor.into()),
            (Stored::Dynamic(_), Some(quantizer)) => {
                Operand::quantized(quantizer, &self.numbers, &self.shape)
            }
            _ => Operand::numbers(&self.numbers, &self.shape),
        }
    }
}

fn chain(choices: &mut Choices<'_>) -> Result<Chain, Error> {
    use FormatSpec as F;
    Ok(match choices.below(6) {
        0 | 1 => Chain::F32,
        2 => Chain::F64,
        3 => Chain::rounded(format(choices)?, round(choices)),
        _ => {
            let usual = [F::F16, F::BF16, F::TF32, F::E8M13, F::F32, F::F8E5M2, F::INT8];
            Chain::rounded(choices.one_of(&usual), round(choices))
        }
    })
}

fn accumulator(choices: &mut Choices<'_>) -> Result<Option<Accumulator>, Error> {
    Ok(Some(match choices.below(12) {
        0 => return Ok(None),
        1 => Accumulator::F32,
        2 => Accumulator::F64,
        3 => Accumulator::Exact,
        4..=6 => Accumulator::BlockF32,
        7 => {
            let overflow = choices.one_of(&IntegerOverflow::ALL);
            Accumulator::integer(1 + choices.below(53) as u32, overflow)
        }
        8 | 9 => Accumulator::chain(chain(choices)?),
        _ => {
            let k = choices.one_of(&[16, 1, 4, 32, 7, 128]);
            Accumulator::chunked(k, chain(choices)?, chain(choices)?)
        }
    }))
}

fn check<D: Real + Pod + Debug>(
    matmul: &Matmul<'_>,
    exec: Exec,
    a: Operand<'_>,
    b: Operand<'_>,
    packs: bool,
    count: usize,
) -> Result<(), Error> {
    let one = D::nearest(Unpacked::ONE);
    let (mut expected, mut found) = (vec![one; count], vec![one; count]);
    let reference = reference_matmul(&matmul.exec(Exec::SERIAL), a, b, &mut expected);
    let result = matmul.exec(exec).multiply_into(a, b, &mut found);
    if let Err(error) = reference {
        assert_eq!(result, Err(error), "{matmul:?} {a:?} {b:?}");
        return Err(error);
    }
    let compare = |found: &[D], what: &str| {
        let bytes = |x: &D| bytemuck::bytes_of(x).to_vec();
        for (i, (x, y)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(
                bytes(x),
                bytes(y),
                "{what} {i}: {x:?} {y:?} {matmul:?} {a:?} {b:?} {exec:?}"
            );
        }
    };
    assert_eq!(result, Ok(()), "{matmul:?} {a:?} {b:?}");
    compare(&found, "multiply_into");
    if packs {
        let packed = PackedMatrix::new(b)?;
        found.fill(one);
        // A packed operand is another for accumulators that need what packing leaves out.
        if matmul.exec(exec).multiply_into(a, &packed, &mut found).is_ok() {
            compare(&found, "packed");
        }
    }
    Ok(())
}

fn run(choices: &mut Choices<'_>) -> Result<(), Error> {
    let (m, n) = match choices.below(4) {
        0 => (1, 1 + choices.below(70)),
        1 => (1 + choices.below(20), 1 + choices.below(4)),
        _ => (1 + choices.below(6), 1 + choices.below(20)),
    };
    let k = match choices.below(5) {
        0 => choices.below(9),
        1 => 32 * (1 + choices.below(4)),
        _ => 1 + choices.below(80),
    };
    let batch = if choices.one_in(5) { 1 + choices.below(3) } else { 1 };
    let batch_b = if choices.one_in(2) { batch } else { 1 };
    // Stored the other way round, now and then.
    let turned = [choices.one_in(8), choices.one_in(8)];
    let shape = |batch: usize, rows: usize, turned: bool| {
        let axes = if turned { [batch, k, rows] } else { [batch, rows, k] };
        if batch == 1 { axes[1..].to_vec() } else { axes.to_vec() }
    };
    // Transposing is of matrices.
    let a = Side::new(choices, &shape(batch, m, turned[0] && batch == 1))?;
    let b = Side::new(choices, &shape(batch_b, n, turned[1] && batch_b == 1))?;
    let (for_a, for_b) = (a.quantizer(), b.quantizer());
    let (mut left, mut right) = (a.operand(&for_a)?, b.operand(&for_b)?);
    if turned[0] && batch == 1 {
        left = left.transposed();
    }
    if turned[1] && batch_b == 1 {
        right = right.transposed();
    }
    let count = batch * m * n;
    let (addend, bias) = (block_numbers(choices, count), block_numbers(choices, n));
    let mut matmul = Matmul::new().dither(dither(choices));
    if let Some(accumulator) = accumulator(choices)? {
        accumulator.validate()?;
        matmul = matmul.accumulator(accumulator);
    }
    if choices.one_in(3) {
        matmul = matmul.addend(&addend);
    }
    if choices.one_in(4) {
        matmul = matmul.bias(&bias);
    }
    let (exec, packs) = (exec(choices), choices.one_in(4));
    if batch == 1 && m == 1 && !turned[0] && choices.one_in(4) {
        let mut expected = vec![0f32; n];
        let x = Operand::numbers(&a.numbers, &[1, k])?;
        reference_matmul(&Matmul::new().exec(Exec::SERIAL), x, right, &mut expected)?;
        let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(gemv(right, &a.numbers)?), bits(expected), "gemv {right:?}");
    }
    match choices.below(4) {
        0 => check::<f64>(&matmul, exec, left, right, packs, count),
        1 => check::<half::bf16>(&matmul, exec, left, right, packs, count),
        _ => check::<f32>(&matmul, exec, left, right, packs, count),
    }
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result.is_ok());
});
