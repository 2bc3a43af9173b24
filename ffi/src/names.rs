//! Formats, policies, roundings and matrix units as integers that a caller can keep.
//!
//! Policies have the numbers of their table. Formats and units that a program asks for are kept in
//! a list each, in the order of asking, so that an id is good for any thread until the program
//! ends; asking again gives the same id. The lists are as short as the formats that there are.

use crate::failure::{Failure, guarded};
use crate::pointers::text;
use core::ffi::{c_char, c_int};
use std::sync::{PoisonError, RwLock};
use subhalf::{Convert, FormatSpec, MmaSpec, Round, Stochastic, UnitScales, Vocabulary, unit};

/// Values in the order in which they were first asked for.
struct Kept<T>(RwLock<Vec<T>>);

impl<T: Copy + PartialEq> Kept<T> {
    const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    fn id(&self, value: T) -> c_int {
        // A list that a panic left behind is whole: a push either happened or not.
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let found = values.iter().position(|known| *known == value);
        let id = found.unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        // There are far fewer formats and units than integers.
        id as c_int
    }

    fn get(&self, id: c_int) -> Option<T> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(id).ok().and_then(|id| values.get(id).copied())
    }
}

static FORMATS: Kept<FormatSpec> = Kept::new();
static UNITS: Kept<MmaSpec> = Kept::new();

/// The format of an id.
pub(crate) fn format(what: &str, id: c_int) -> Result<FormatSpec, Failure> {
    FORMATS.get(id).ok_or_else(|| Failure::id(what, "an id of subhalf_format", id))
}

/// The unit of an id.
pub(crate) fn unit_of(id: c_int) -> Result<MmaSpec, Failure> {
    UNITS.get(id).ok_or_else(|| Failure::id("unit", "an id of subhalf_unit", id))
}

/// A policy with a rounding, for results of this format.
pub(crate) fn convert(
    format: &FormatSpec,
    policy: c_int,
    round: c_int,
) -> Result<Convert, Failure> {
    let convert = match policy {
        0 => format.default_convert(),
        _ => usize::try_from(policy)
            .ok()
            .and_then(|policy| Convert::ALL.get(policy - 1))
            .map(|(_, convert)| *convert)
            .ok_or_else(|| Failure::id("policy", "0 or an id of subhalf_policy", policy))?,
    };
    let unknown = || Failure::id("round", "a rounding of the header", round);
    let stochastic = |kind| {
        let bits = u8::try_from(round & 0xFF).map_err(|_| unknown())?;
        Round::stochastic(kind, bits).map_err(|_| unknown())
    };
    Ok(match (round, round >> 8) {
        (0, _) => convert,
        (1..=9, _) => convert.with_round(Round::DETERMINISTIC[(round - 1) as usize]),
        (_, 1) => convert.with_round(stochastic(Stochastic::A)?),
        (_, 2) => convert.with_round(stochastic(Stochastic::B)?),
        (_, 3) => convert.with_round(stochastic(Stochastic::C)?),
        _ => return Err(unknown()),
    })
}

/// The id of a format, by anybody's name for it; this library's own names go first.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_format(name: *const c_char) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for a string or null.
        let name = unsafe { text("format name", name) }?;
        let found = FormatSpec::by_name_in(Vocabulary::Subhalf, name)
            .or_else(|_| FormatSpec::by_name(name));
        found.map(|spec| FORMATS.id(spec)).map_err(|error| Failure::name(error.to_string()))
    })
}

/// The width of a format's codes.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub extern "C" fn subhalf_format_bits(id: c_int) -> c_int {
    guarded(|| Ok(format("format", id)?.bits() as c_int))
}

/// The id of a policy by its name.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_policy(name: *const c_char) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for a string or null.
        let name = unsafe { text("policy name", name) }?;
        let wanted = Convert::by_name(name).map_err(|error| Failure::name(error.to_string()))?;
        // Two names of one policy have one id.
        let place = Convert::ALL.iter().position(|(_, known)| *known == wanted);
        place.map(|place| place as c_int + 1).ok_or_else(|| {
            Failure::name(format!("policy name: expected one of Convert::ALL, found {name:?}"))
        })
    })
}

/// The id of a matrix unit by its name, for elements of these formats.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_unit(name: *const c_char, a: c_int, b: c_int) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for a string or null.
        let name = unsafe { text("unit name", name) }?;
        let unit = unit::by_name(name).map_err(|error| Failure::name(error.to_string()))?;
        let (a, b) = (format("format of a", a)?, format("format of b", b)?);
        let spec = unit.spec(a, b).map_err(|error| Failure::name(format!("{name}: {error}")))?;
        Ok(UNITS.id(spec))
    })
}

/// The products of one instruction of a unit.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub extern "C" fn subhalf_unit_products(unit: c_int) -> c_int {
    guarded(|| Ok(unit_of(unit)?.step_len() as c_int))
}

/// The products that share a scale, 0 of a unit without scales.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub extern "C" fn subhalf_unit_scales(unit: c_int) -> c_int {
    guarded(|| {
        Ok(match unit_of(unit)?.scales() {
            UnitScales::None => 0,
            UnitScales::E8M0 { block, .. } | UnitScales::UE4M3 { block, .. } => c_int::from(block),
        })
    })
}
