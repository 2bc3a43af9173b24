//! Compares arithmetic with lines of Berkeley TestFloat: operands, result and flags of a function,
//! as its `testfloat_gen` writes them, or as a program or a testbench writes what hardware gave.
//!
//! ```text
//! testfloat_gen f16_mulAdd | subhalf check f16_mulAdd
//! testfloat_gen -rmin -tininessbefore f32_to_f16 | subhalf check f32_to_f16 --round rmin --tininess before
//! subhalf check bf16_mul results.txt
//! ```
//!
//! A line is equal if result and flags are, bit for bit; any NaN equals any other, as their sign and
//! payload differ from processor to processor, and from SoftFloat's choice in TestFloat. Flags have
//! TestFloat's bits, which are this crate's.

mod arguments;
mod function;
mod line;

pub(crate) use arguments::Arguments;
pub(crate) use function::names;

use crate::failure::Failure;
use function::Function;
use line::{Line, Outcome, flag_names};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let function = Function::by_name(&arguments.function)?;
    match arguments.file.as_deref().filter(|path| path.as_os_str() != "-") {
        None => compare(arguments, &function, io::stdin().lock(), out),
        Some(path) => {
            let named = |error| Failure::Input(path.display().to_string(), error);
            compare(arguments, &function, BufReader::new(File::open(path).map_err(named)?), out)
        }
    }
}

fn compare(
    arguments: &Arguments,
    function: &Function,
    mut lines: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let conditions = arguments.conditions();
    let (mut count, mut differing) = (0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = lines
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::Input("the lines".to_owned(), error))?;
        if length == 0 {
            break;
        }
        count += 1;
        let text = String::from_utf8_lossy(&bytes);
        let line = Line::parse(text.trim_end_matches(['\n', '\r']), function)
            .map_err(|(expected, found)| Failure::Line { line: count, expected, found })?;
        let found = function.of(&line.operands, &conditions);
        if !function.is_same(line.expected, found) {
            differing += 1;
            if differing <= arguments.show {
                let text = |outcome: Outcome| {
                    let Outcome { result, flags } = outcome;
                    let digits = function.result_digits();
                    format!("{result:0digits$X} {flags:02X} ({})", flag_names(flags))
                };
                writeln!(
                    out,
                    "line {count}: {}: expected {}, found {}",
                    line.operands_text,
                    text(line.expected),
                    text(found)
                )?;
            }
        }
    }
    if count == 0 {
        return Err(Failure::Line {
            line: 1,
            expected: function.shape(),
            found: "no line".to_owned(),
        });
    }
    if differing > arguments.show {
        writeln!(out, "and {} more lines that differ", differing - arguments.show)?;
    }
    writeln!(out, "{}, {conditions}: {count} lines, {differing} differ", arguments.function)?;
    if differing > 0 {
        // What was found stands before the failure does.
        out.flush()?;
        return Err(Failure::Differing(differing));
    }
    Ok(())
}
