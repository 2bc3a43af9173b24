//! What can be chosen: how weights, activations and the cache are kept, and how products are added
//! up. Names are the library's own.

use subhalf::preset::{self, Preset};
use subhalf::unit::{self, MatrixUnit};
use subhalf::{
    Accumulator, BlockSpec, Chain, Combine, Division, Exec, Extent, FormatSpec, KSchedule, Offset,
    Round, TensorScale, UnitScales,
};

/// NVFP4 as a textbook has it: the tensor scale is `amax / 2688`, a block's scale
/// `e4m3((amax_b / 6) / t)` without bounds, 1 where that is zero, and elements are `x / (s·t)`. Real
/// programs' rules are presets.
pub(crate) const PLAIN_NVFP4: BlockSpec = preset::torchao::NVFP4
    .with_scale_bounds((0.0, FormatSpec::UE4M3.max().to_f32()))
    .with_underflow_scale(1.0)
    .with_zero_block_scale(1.0)
    .with_division(Division::Divide);

/// How numbers are kept.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would not be `Copy`; there are a handful")]
pub(crate) enum Scheme {
    /// Weights as the file has them, activations and cache as f32.
    AsShipped,
    /// Codes of a format, without scales.
    Format(FormatSpec),
    /// Blocks with scales.
    Blocks(BlockSpec),
}

impl Scheme {
    /// The format of the elements; `None` for numbers as they are.
    pub(crate) const fn element(&self) -> Option<FormatSpec> {
        match self {
            Self::AsShipped => None,
            Self::Format(format) => Some(*format),
            Self::Blocks(spec) => Some(spec.element),
        }
    }

    /// Whether each row has one scale at most, an f32 that may as well multiply the finished sum.
    pub(crate) const fn has_row_scales(&self) -> bool {
        match self {
            Self::AsShipped => false,
            Self::Format(_) => true,
            Self::Blocks(spec) => {
                matches!(spec.extent, Extent::Row | Extent::Tensor)
                    && matches!(spec.tensor_scale, TensorScale::None)
                    && matches!(spec.offset, Offset::None)
            }
        }
    }
}

/// The scheme of a name: `as-shipped`, `plain::NVFP4`, a preset, or a format without scales.
pub(crate) fn scheme(name: &str) -> Result<Scheme, String> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("as-shipped") {
        return Ok(Scheme::AsShipped);
    }
    if is("plain::NVFP4") {
        return Ok(Scheme::Blocks(PLAIN_NVFP4));
    }
    if let Ok(preset) = preset::by_name(name) {
        return Ok(Scheme::Blocks(preset.spec));
    }
    if let Some(format) = format(name) {
        return Ok(Scheme::Format(format));
    }
    let part = name.to_ascii_lowercase();
    let near = |preset: &&Preset| preset.name.to_ascii_lowercase().contains(&part);
    let names: Vec<&str> = preset::all().filter(near).map(|preset| preset.name).take(6).collect();
    let near = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    Err(format!("expected as-shipped, a preset{near} or a format such as F8E4M3"))
}

fn format(name: &str) -> Option<FormatSpec> {
    let own = FormatSpec::ALL.iter().find(|spec| spec.name().eq_ignore_ascii_case(name)).copied();
    own.or_else(|| FormatSpec::by_name(name).ok())
}

/// How the products of linear layers are added up.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would not be `Copy`; a program has one")]
pub(crate) enum Sums {
    /// The library's choice: block by block where a side has scales, else a chain in f32.
    Default,
    Accumulator(Accumulator),
    /// A matrix unit, and after how many products its sums move to an f32.
    Unit(&'static MatrixUnit, Option<usize>),
}

/// Sums by their names: `default`, `F32`, `F64`, `exact`, `block-F32`, `I32`, a format (`BF16`,
/// `E8M13`) for a chain rounded to it, `E8M13-toward-zero` for one that is cut, a unit
/// (`hopper-wgmma-fp8`); `/128` behind a format or a unit moves the sum of each 128 products to an
/// f32.
pub(crate) fn sums(name: &str) -> Result<Sums, String> {
    let (base, every) = match name.split_once('/') {
        None => (name, None),
        Some((base, every)) => match every.parse() {
            Ok(every) => (base, Some(every)),
            Err(_) => return Err(format!("expected a count behind the slash, found {every:?}")),
        },
    };
    let plain = match &*base.to_ascii_lowercase() {
        "default" => Some(Sums::Default),
        "f32" => Some(Sums::Accumulator(Accumulator::F32)),
        "f64" => Some(Sums::Accumulator(Accumulator::F64)),
        "exact" => Some(Sums::Accumulator(Accumulator::Exact)),
        "block-f32" => Some(Sums::Accumulator(Accumulator::BlockF32)),
        "i32" => Some(Sums::Accumulator(Accumulator::I32)),
        _ => None,
    };
    if let (Some(sums), None) = (plain, every) {
        return Ok(sums);
    }
    if let Ok(unit) = unit::by_name(base) {
        return Ok(Sums::Unit(unit, every));
    }
    let cut = base.to_ascii_lowercase().ends_with("-toward-zero");
    let rounding = if cut { Round::TowardZero } else { Round::NearestEven };
    let word = if cut { &base[..base.len() - "-toward-zero".len()] } else { base };
    let Some(format) = format(word) else {
        let expected = "default, F32, F64, exact, block-F32, I32, a format or a unit";
        return Err(format!("expected {expected} such as hopper-wgmma-fp8"));
    };
    let chain = Chain::rounded(format, rounding);
    let accumulator = match every {
        None => Accumulator::chain(chain),
        Some(every) => Accumulator::chunked(every, chain, Chain::F32),
    };
    accumulator.validate().map_err(|error| error.to_string())?;
    Ok(Sums::Accumulator(accumulator))
}

/// Everything that is chosen about numbers, and how to run, which no bit depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numerics {
    pub(crate) weights: Scheme,
    pub(crate) activations: Scheme,
    pub(crate) cache: Scheme,
    pub(crate) sums: Sums,
    pub(crate) exec: Exec,
}

impl Numerics {
    /// The model as it is: weights of the file, activations and cache in f32, sums in f32.
    pub(crate) const AS_SHIPPED: Self = Self {
        weights: Scheme::AsShipped,
        activations: Scheme::AsShipped,
        cache: Scheme::AsShipped,
        sums: Sums::Default,
        exec: Exec::PARALLEL,
    };

    /// Whether the scales of rows multiply finished sums, as the last step of a kernel on a GPU
    /// does: on a unit that applies no scales by itself, and is given none along K.
    pub(crate) fn scales_last(&self) -> bool {
        let Sums::Unit(unit, _) = self.sums else { return false };
        matches!(unit.first().scales(), UnitScales::None)
            && self.weights.has_row_scales()
            && self.activations.has_row_scales()
    }

    /// The accumulator of linear layers; `has_minima` if weights have minima, which no block-wise
    /// sum takes.
    pub(crate) fn accumulator(
        &self,
        has_minima: bool,
    ) -> Result<Option<Accumulator>, subhalf::Error> {
        Ok(match self.sums {
            Sums::Default => has_minima.then_some(Accumulator::F32),
            Sums::Accumulator(accumulator) => Some(accumulator),
            Sums::Unit(unit, every) => {
                // Numbers as they are go into the first of the unit's formats, if they fit.
                let first = *unit.first().a();
                let [a, b] = [&self.activations, &self.weights]
                    .map(|scheme| scheme.element().unwrap_or(first));
                let combine =
                    if !matches!(unit.first().scales(), UnitScales::None) || self.scales_last() {
                        Combine::Add
                    } else {
                        Combine::FmaOfScales
                    };
                let schedule = match every {
                    None => KSchedule::InOrder,
                    Some(every) => KSchedule::promoted(every, combine),
                };
                Some(Accumulator::unit(unit.spec(a, b)?, schedule))
            }
        })
    }
}
