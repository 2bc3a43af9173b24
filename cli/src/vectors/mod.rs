//! Writes test vectors for hardware benches: operands, correctly rounded result and flags, one word
//! a line, as `$readmemh` reads it.
//!
//! ```text
//! subhalf vectors add F8E4M3                                        all 65,536 pairs
//! subhalf vectors mul-add F4E2M1 --round toward-zero                all 4,096 triples
//! subhalf vectors convert F8E5M2 --from f32 --samples 10000 --seed 7
//! subhalf vectors div Binary8p4se --policy P3109_SAT_NONE
//! subhalf vectors gelu F8E4M3                                       a correctly rounded activation
//! subhalf vectors convert F4E2M1 --from bf16 --round stochastic-b:8 --seed 1
//! subhalf vectors fma E4M3 E5M2 --c F16 --result F16 --round all    four formats, one rounding
//! subhalf vectors unit hopper::WGMMA_FP8 E4M3 E5M2 --samples 5000   one instruction of a matrix unit
//! ```
//!
//! Every line is one number in hexadecimal. Its fields, first field on top, take whole digits and
//! are parted by `_`, which Verilog allows inside a number; the `//` comments in front say which
//! bits of the word each field takes:
//!
//! ```text
//! // line: a[31:24]_b[23:16]_result[15:8]_flags[7:0], a word of 32 bits
//! 38_40_44_00
//! ```
//!
//! A field of several numbers, such as the row of a that a matrix unit takes, has the first of them
//! lowest, as a packed array of Verilog does.

mod arguments;
mod compute;
mod layout;
mod operation;
mod sample;
mod unit;

pub(crate) use arguments::Arguments;

use crate::failure::Failure;
use compute::Compute;
use operation::Plan;
use std::io::Write;
use unit::Instruction;

pub(crate) fn write(
    arguments: &Arguments,
    command: &str,
    out: &mut impl Write,
) -> Result<(), Failure> {
    match Compute::of(arguments.operation) {
        Some(compute) => {
            let plan = Plan::new(arguments, compute)?;
            plan.write_header(command, out)?;
            plan.write_lines(out)?;
        }
        None => {
            let instruction = Instruction::new(arguments)?;
            instruction.write_header(command, out)?;
            instruction.write_lines(out)?;
        }
    }
    Ok(())
}
