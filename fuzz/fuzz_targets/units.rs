//! Products by a matrix unit: the fast kernel, the definition of products, and a chain of single
//! instructions have the same bits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use subhalf::{
    Accept, Accumulator, BitOrder, BlockSpec, Combine, Error, Exec, Extent, FormatSpec, KSchedule,
    Matmul, MmaSpec, Nonfinite, Operand, Parts, QuantTensor, ScaleRule, UnitAcc, UnitScales, pack,
    reference_matmul,
};
use subhalf_fuzz::{Choices, Share, assert_one_line, codes, exec, unit};

static SHARE: Share = Share::new();

/// Numbers by their bits, in which all NaNs are the same.
fn bits(x: f32) -> u32 {
    if x.is_nan() { 0x7FC0_0000 } else { x.to_bits() }
}

fn number(unit: &MmaSpec, code: u32) -> f32 {
    match unit.acc() {
        UnitAcc::F32 => f32::from_bits(code),
        UnitAcc::F16 => FormatSpec::F16.decode_f32(code),
        UnitAcc::I32 => code as i32 as f32,
    }
}

/// One side: codes and, for units with scales, the codes of scales, block after block of a row.
struct Side {
    format: FormatSpec,
    codes: Vec<u32>,
    scales: Vec<u32>,
    tensor: Option<QuantTensor>,
}

impl Side {
    fn new(
        choices: &mut Choices<'_>,
        format: &FormatSpec,
        scales: UnitScales,
        [rows, cols]: [usize; 2],
    ) -> Result<Self, Error> {
        let mut side = Self {
            format: *format,
            codes: codes(choices, format, rows * cols),
            scales: Vec::new(),
            tensor: None,
        };
        let (block, scale) = match scales {
            UnitScales::E8M0 { block, .. } => (block, FormatSpec::E8M0),
            UnitScales::UE4M3 { block, .. } => (block, FormatSpec::UE4M3),
            UnitScales::None => return Ok(side),
        };
        let extent = Extent::Block { rows: 1, cols: block.into() };
        let spec = BlockSpec::new(*format, Some(scale), extent, ScaleRule::Floor)
            .with_nonfinite(Nonfinite::Ignore);
        side.scales = codes(choices, &scale, rows * cols.div_ceil(block.into()));
        if scale == FormatSpec::E8M0 && choices.one_in(2) {
            // Scales near 1, under which sums stay numbers.
            side.scales.iter_mut().for_each(|code| *code = 112 + *code % 32);
        }
        let bytes: Vec<u8> = side.scales.iter().map(|code| *code as u8).collect();
        let mut packed = Vec::new();
        for row in side.codes.chunks(cols) {
            let row: Vec<u8> = row.iter().map(|code| *code as u8).collect();
            let mut bytes = vec![0; (cols * format.bits() as usize).div_ceil(8)];
            pack(&row, format.bits(), BitOrder::LsbFirst, &mut bytes)?;
            packed.extend(bytes);
        }
        let parts = Parts::new(&packed, &bytes);
        side.tensor =
            Some(QuantTensor::from_parts_with(&spec, &[rows, cols], parts, Accept::Nonfinite)?);
        Ok(side)
    }

    fn operand(&self, shape: &[usize; 2]) -> Result<Operand<'_>, Error> {
        match &self.tensor {
            Some(tensor) => Ok(tensor.into()),
            None => Operand::codes(&self.format, &self.codes, shape),
        }
    }
}

fn run(choices: &mut Choices<'_>) -> Result<(), Error> {
    let unit = unit(choices)?;
    let (m, n) = (1 + choices.below(4), 1 + choices.below(20));
    let k = match choices.below(4) {
        0 => choices.below(9),
        1 => unit.step_len() * choices.below(4),
        _ => 1 + choices.below(90),
    }
    .max(1);
    let a = Side::new(choices, unit.a(), unit.scales(), [m, k])?;
    let b = Side::new(choices, unit.b(), unit.scales(), [n, k])?;
    let acc = if unit.acc() == UnitAcc::F16 { FormatSpec::F16 } else { FormatSpec::F32 };
    let c: Vec<f32> =
        codes(choices, &acc, m * n).into_iter().map(|code| acc.decode_f32(code)).collect();
    let takes_c = choices.one_in(2) && unit.acc() != UnitAcc::I32;
    let every = unit.step_len() * (1 + choices.below(4));
    let combine = choices.one_of(&[Combine::Add, Combine::FmaOfScales, Combine::FmaOfPart]);
    let schedule = match choices.below(3) {
        2 => KSchedule::promoted(every, combine),
        _ => KSchedule::InOrder,
    };
    let mut matmul =
        Matmul::new().accumulator(Accumulator::unit(unit, schedule)).exec(exec(choices));
    if takes_c {
        matmul = matmul.addend(&c);
    }
    let (left, right) = (a.operand(&[m, k])?, b.operand(&[n, k])?);
    let mut reference = vec![0f32; m * n];
    let expected = reference_matmul(&matmul.exec(Exec::SERIAL), left, right, &mut reference);
    let found = matmul.multiply(left, right);
    let found = match (expected, found) {
        (Ok(()), Ok(found)) => found,
        (Err(expected), Err(found)) => {
            assert_eq!(expected, found);
            return Err(found);
        }
        (expected, found) => panic!("{expected:?} {found:?} {matmul:?}"),
    };
    for (i, (x, y)) in found.iter().zip(&reference).enumerate() {
        assert_eq!(x.to_bits(), y.to_bits(), "{i}: {x:e} {y:e} {k} {matmul:?}");
    }
    if schedule != KSchedule::InOrder {
        return Ok(());
    }
    let per_row = a.scales.len() / m;
    for (i, x) in found.iter().enumerate() {
        let (row, col) = (i / n, i % n);
        let start = match (takes_c, unit.acc()) {
            (true, UnitAcc::F16) => FormatSpec::F16.encode_f32(c[i]),
            (true, _) => c[i].to_bits(),
            (false, _) => 0,
        };
        let part = |all: &[u32], row: usize, len: usize| all[row * len..][..len].to_vec();
        let (x_codes, y_codes) = (part(&a.codes, row, k), part(&b.codes, col, k));
        let (s, t) = (part(&a.scales, row, per_row), part(&b.scales, col, per_row));
        let expected = unit.dot_scaled(&x_codes, &y_codes, [&s, &t], start)?;
        // One instruction after the other.
        let mut code = start;
        let block = match unit.scales() {
            UnitScales::E8M0 { block, .. } | UnitScales::UE4M3 { block, .. } => usize::from(block),
            UnitScales::None => 0,
        };
        let whole = block == 0 || unit.step_len().is_multiple_of(block);
        if whole {
            for at in (0..k).step_by(unit.step_len()) {
                let end = (at + unit.step_len()).min(k);
                let blocks = if block == 0 { 0..0 } else { at / block..end.div_ceil(block) };
                let scales = [&s[blocks.clone()], &t[blocks]];
                code = unit.step_scaled(&x_codes[at..end], &y_codes[at..end], scales, code)?.code;
            }
            assert_eq!(code, expected, "{i}: steps and chain, {k} {unit:?}");
        }
        let expected = number(&unit, expected);
        assert_eq!(bits(*x), bits(expected), "{i}: {x:e} {expected:e} {k} {matmul:?}");
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result.is_ok());
});
