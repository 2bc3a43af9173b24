//! Accumulators, schedules and matrix units as text, both ways.

use super::accumulator::{Accumulator, Chain, IntegerOverflow};
use super::unit::preset::{self, MatrixUnit};
use super::unit::{Combine, KSchedule, MmaSpec};
use crate::error::Error;
use crate::naming::{is_same, names_of, nearest_name};
use crate::spec::FormatSpec;
use core::fmt::{Display, Formatter, Result as Written};
use core::str::FromStr;

names_of! { IntegerOverflow, "integer overflow":
    Wrap "wrap",
    Saturate "saturate",
}

names_of! { Combine, "combination":
    Add "add",
    FmaOfScales "fma-of-scales",
    FmaOfPart "fma-of-part",
}

/// Writes the path of the constant inside [`unit`](crate::unit).
impl Display for MatrixUnit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        f.pad(self.name)
    }
}

/// Reads the path of a unit, as [`unit::by_name`](crate::unit::by_name) does.
impl FromStr for MatrixUnit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        preset::by_name(name).copied()
    }
}

/// Writes `f32`, `f64`, or a format and a rounding: `F16:nearest-even`.
impl Display for Chain {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::F32 => f.pad("f32"),
            Self::F64 => f.pad("f64"),
            Self::Rounded { format, rounding } => write!(f, "{format}:{rounding}"),
        }
    }
}

/// Reads what `Display` writes, of formats that have a name in this crate.
impl FromStr for Chain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            None if is_same(text, "f32") => Ok(Self::F32),
            None if is_same(text, "f64") => Ok(Self::F64),
            Some((format, rounding)) => {
                Ok(Self::rounded(format.trim().parse()?, rounding.trim().parse()?))
            }
            None => Err(unknown(text)),
        }
    }
}

/// Writes `in-order`, or the products of a partial sum and what takes it up: `128:add`.
impl Display for KSchedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::InOrder => f.pad("in-order"),
            Self::Promoted { every, combine } => write!(f, "{every}:{combine}"),
        }
    }
}

/// Reads what `Display` writes.
impl FromStr for KSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once(':');
        match parts.and_then(|(every, combine)| Some((every.trim().parse().ok()?, combine))) {
            Some((every, combine)) => Ok(Self::promoted(every, combine.parse()?)),
            None if is_same(text, "in-order") => Ok(Self::InOrder),
            None => {
                let nearest = nearest_name(text, ["in-order", "128:add", "128:fma-of-scales"]);
                let vocabulary = "KSchedule, such as in-order or 128:add";
                Err(Error::unknown_name("schedule", vocabulary, text, nearest))
            }
        }
    }
}

/// Names of accumulators, and of the functions that make others.
const NAMES: [&str; 8] = ["f32", "f64", "exact", "block-f32", "i32", "chunked", "integer", "unit"];

fn unknown(text: &str) -> Error {
    let vocabulary = "Accumulator, such as f32 or F16:nearest-even";
    Error::unknown_name("accumulator", vocabulary, text, nearest_name(text, NAMES))
}

impl Accumulator {
    /// The accumulators without parameters.
    pub const ALL: [Self; 5] = [Self::F32, Self::F64, Self::Exact, Self::BlockF32, Self::I32];
}

/// Writes a chain as [`Chain`] does; `exact`, `block-f32` and `i32`; others as functions of their
/// parameters.
///
/// ```
/// use subhalf::{Accumulator, Chain, FormatSpec, IntegerOverflow, KSchedule, Round, unit};
/// let e4m3 = FormatSpec::F8E4M3;
/// let wgmma = unit::hopper::WGMMA_FP8.spec(e4m3, e4m3)?;
/// for (accumulator, text) in [
///     (Accumulator::Exact, "exact"),
///     (Accumulator::rounded(FormatSpec::F16, Round::TowardZero), "F16:toward-zero"),
///     (Accumulator::chunked(128, Chain::F32, Chain::F64), "chunked(128, f32, f64)"),
///     (Accumulator::integer(24, IntegerOverflow::Saturate), "integer(24, saturate)"),
///     (
///         Accumulator::unit(wgmma, KSchedule::CUTLASS_FP8),
///         "unit(hopper::WGMMA_FP8, F8E4M3, F8E4M3, 128:add)",
///     ),
/// ] {
///     assert_eq!(accumulator.to_string(), text);
///     assert_eq!(text.parse(), Ok(accumulator));
/// }
/// # Ok::<(), subhalf::Error>(())
/// ```
impl Display for Accumulator {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::Chain(chain) => chain.fmt(f),
            Self::BlockF32 => f.pad("block-f32"),
            Self::Exact => f.pad("exact"),
            Self::Chunked { k, inner, outer } => write!(f, "chunked({k}, {inner}, {outer})"),
            Self::Integer { bits: 32, overflow: IntegerOverflow::Wrap } => f.pad("i32"),
            Self::Integer { bits, overflow } => write!(f, "integer({bits}, {overflow})"),
            Self::Unit { spec, schedule } => {
                let (a, b) = (spec.a(), spec.b());
                write!(f, "unit({}, {a}, {b}, {schedule})", UnitName(spec))
            }
        }
    }
}

/// The name of the unit that is this for its formats; `own` if none is.
struct UnitName<'a>(&'a MmaSpec);

impl Display for UnitName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let (a, b) = (*self.0.a(), *self.0.b());
        let unit = preset::all().find(|unit| unit.spec(a, b).as_ref() == Ok(self.0));
        f.write_str(unit.map_or("own", |unit| unit.name))
    }
}

/// Reads what `Display` writes, of formats and matrix units that have a name in this crate. Whether
/// the parameters are in range is for [`validate`](Accumulator::validate).
impl FromStr for Accumulator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let without_parameters = Self::ALL.into_iter().zip(NAMES);
        if let Some((found, _)) = { without_parameters }.find(|(_, name)| is_same(name, text)) {
            return Ok(found);
        }
        let call = text.strip_suffix(')').and_then(|text| text.split_once('('));
        let Some((function, parameters)) = call else {
            return text.parse().map(Self::Chain);
        };
        let mut parts = parameters.split(',').map(str::trim);
        // A parameter that is missing or too many leaves no match below.
        let four = [parts.next(), parts.next(), parts.next(), parts.next()];
        let number = |part: &str| part.parse::<usize>().map_err(|_| unknown(text));
        match four {
            _ if parts.next().is_some() => Err(unknown(text)),
            [Some(k), Some(inner), Some(outer), None] if is_same(function, "chunked") => {
                Ok(Self::chunked(number(k)?, inner.parse()?, outer.parse()?))
            }
            [Some(bits), Some(overflow), None, None] if is_same(function, "integer") => {
                let bits = u32::try_from(number(bits)?).map_err(|_| unknown(text))?;
                Ok(Self::integer(bits, overflow.parse()?))
            }
            [Some(name), Some(a), Some(b), Some(schedule)] if is_same(function, "unit") => {
                let format = |name: &str| name.parse::<FormatSpec>();
                let spec = preset::by_name(name)?.spec(format(a)?, format(b)?)?;
                Ok(Self::unit(spec, schedule.parse()?))
            }
            _ => Err(unknown(text)),
        }
    }
}
