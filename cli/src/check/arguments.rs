//! What can be asked for, in TestFloat's words.

use clap::{Args, ValueEnum};
use std::fmt;
use std::path::PathBuf;
use subhalf::Round;

/// Compares arithmetic with lines of Berkeley TestFloat (`testfloat_gen`): operands, result, flags.
///
/// Says which lines differ, and ends with exit code 0 if none does, 1 if some do, 2 at a line that
/// cannot be read. Any NaN equals any other NaN.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    // Names are written here as they are typed, without the marks of a documentation comment.
    #[arg(help = "TestFloat's name of the function: f16_add, f32_mulAdd, f32_to_bf16, \
                  f16_le_quiet, …; one that is not known is answered with the list")]
    pub(super) function: String,
    /// The file with the lines. [default: the standard input]
    pub(super) file: Option<PathBuf>,
    /// The rounding: TestFloat's option of this name.
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Rounding::NearEven)]
    round: Rounding,
    /// Whether a result is tiny that is below the normal numbers before, or only after it is
    /// rounded to their precision: -tininessbefore and -tininessafter.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Tininess::After)]
    tininess: Tininess,
    /// roundToInt raises inexact: TestFloat's -exact.
    #[arg(long)]
    exact: bool,
    /// So many lines that differ are shown; the others are only counted.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(super) show: u64,
}

impl Arguments {
    pub(super) const fn conditions(&self) -> Conditions {
        Conditions { round: self.round, tininess: self.tininess, exact: self.exact }
    }
}

/// What the lines were made under.
#[derive(Clone, Copy)]
pub(super) struct Conditions {
    pub(super) round: Rounding,
    pub(super) tininess: Tininess,
    pub(super) exact: bool,
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            self.round.to_possible_value().map_or(String::new(), |x| x.get_name().to_owned());
        let when = if self.tininess == Tininess::After { "after" } else { "before" };
        write!(f, "{name}, tininess {when}{}", if self.exact { ", exact" } else { "" })
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    #[value(name = "rnear_even")]
    NearEven,
    #[value(name = "rminMag")]
    MinMag,
    #[value(name = "rmin")]
    Min,
    #[value(name = "rmax")]
    Max,
    #[value(name = "rnear_maxMag")]
    NearMaxMag,
    #[value(name = "rodd")]
    Odd,
}

impl Rounding {
    pub(super) const fn round(self) -> Round {
        match self {
            Self::NearEven => Round::NearestEven,
            Self::MinMag => Round::TowardZero,
            Self::Min => Round::Down,
            Self::Max => Round::Up,
            Self::NearMaxMag => Round::NearestAway,
            Self::Odd => Round::ToOdd,
        }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tininess {
    Before,
    After,
}
