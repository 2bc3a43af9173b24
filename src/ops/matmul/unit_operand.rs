//! Which operands a matrix unit takes: elements that are numbers of its input formats, and scales
//! that it or its schedule applies.

use super::operand::Operand;
#[cfg(feature = "half")]
use super::operand::Stored;
use crate::error::Error;
use crate::mma::{KSchedule, MmaSpec};
#[cfg(feature = "half")]
use crate::ops::numbers::Numbers;
use crate::spec::FormatSpec;
use alloc::vec;

/// Refuses an operand that a unit does not take; `input` is the unit's format for its side.
pub(super) fn check_unit(
    operand: &Operand<'_>,
    input: &FormatSpec,
    (unit, schedule): (&MmaSpec, &KSchedule),
) -> Result<(), Error> {
    let refused = |expected| Err(Error::Scheme { what: "operand of a matrix unit", expected });
    if operand.spec().is_some_and(|spec| spec.offset_bytes() > 0) {
        return refused("elements without zero points");
    }
    let f32s = operand.element().is_none_or(|element| *element == FormatSpec::F32);
    match operand.element() {
        // TF32 is what is left of an f32: hardware does not look at the low bits.
        _ if f32s && *input == FormatSpec::TF32 => {}
        Some(element) if !is_within(element, input) => {
            return refused("elements that are numbers of its input format");
        }
        Some(_) => {}
        None => check_numbers(operand, input)?,
    }
    if !operand.is_scaled() || operand.spec().is_none_or(|spec| spec.scale.is_none()) {
        return Ok(());
    }
    let Some((block, _)) = unit.scales().parts() else {
        return if schedule.applies_scales() {
            Ok(())
        } else {
            refused("elements without scales of blocks; a promoted schedule may apply them")
        };
    };
    let stored = operand.spec().and_then(|spec| spec.scale);
    // UE4M3 is E4M3 without a sign, and scales have none.
    let e4m3 =
        stored == Some(FormatSpec::F8E4M3) && unit.scales().format() == Some(FormatSpec::UE4M3);
    if stored != unit.scales().format() && !e4m3 {
        return refused("scales in the format that it applies");
    }
    let block_k = operand.block_k();
    if !block_k.is_multiple_of(block) && block_k < operand.cols() {
        return refused("scales for as many elements along K as it applies them to");
    }
    Ok(())
}

/// Whether every number of a format is one of another's.
fn is_within(format: &FormatSpec, input: &FormatSpec) -> bool {
    let wide = [FormatSpec::F16, FormatSpec::BF16];
    if format == input || (*input == FormatSpec::TF32 && wide.contains(format)) {
        return true;
    }
    // Wider formats than these have numbers that no input format of a unit has.
    format.bits() <= 8
        && (0..format.code_count() as u32).all(|code| is_number(format.decode_f32(code), input))
}

/// Whether a number is one of a format.
fn is_number(x: f32, format: &FormatSpec) -> bool {
    let stored = format.decode_f32(format.encode_f32(x));
    stored == x || (x.is_nan() && stored.is_nan())
}

/// Refuses numbers that the unit's format does not have.
fn check_numbers(operand: &Operand<'_>, input: &FormatSpec) -> Result<(), Error> {
    #[cfg(feature = "half")]
    match operand.source {
        // Halves are numbers of their own format.
        Stored::Numbers(Numbers::BF16(_)) if *input == FormatSpec::BF16 => return Ok(()),
        Stored::Numbers(Numbers::F16(_)) if *input == FormatSpec::F16 => return Ok(()),
        _ => {}
    }
    let mut row = vec![0.0; operand.cols()];
    for line in 0..operand.batch() * operand.rows() {
        operand.elements(line, &mut row);
        let Some(k) = row.iter().position(|&x| !is_number(x, input)) else { continue };
        return Err(Error::Stored {
            what: "operand of a matrix unit",
            index: line * operand.cols() + k,
            expected: "a number of its input format",
            found: row[k].to_bits(),
        });
    }
    Ok(())
}
