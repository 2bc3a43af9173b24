//! What can be chosen: how weights, activations and the cache are kept, and how products are added
//! up. Names are the library's own.

use crate::calibrate::Recipe;
use crate::failure::Failure;
use std::borrow::Cow;
use subhalf::preset;
use subhalf::unit::{self, MatrixUnit};
use subhalf::{
    Accumulator, BlockSpec, Chain, Combine, Division, Exec, Extent, FormatSpec, Hadamard,
    KSchedule, Offset, TensorScale, UnitScales,
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
    match (preset::by_name(name), name.parse()) {
        (Ok(preset), _) => Ok(Scheme::Blocks(preset.spec)),
        (_, Ok(format)) => Ok(Scheme::Format(format)),
        (Err(error), _) => Err(format!("expected as-shipped, a preset or a format; {error}")),
    }
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

/// Sums by their names: `default`, a name that [`Accumulator`] has (`f32`, `exact`,
/// `F16:nearest-even`), or a unit (`hopper-wgmma-fp8`); `/128` behind a chain or a unit moves the
/// sum of each 128 products to an f32.
pub(crate) fn sums(name: &str) -> Result<Sums, String> {
    let (base, every) = match name.split_once('/') {
        None => (name, None),
        Some((base, every)) => match every.parse() {
            Ok(every) => (base, Some(every)),
            Err(_) => return Err(format!("expected a count behind the slash, found {every:?}")),
        },
    };
    // A shell's word has a hyphen where a path has colons.
    let path = base.replacen('-', "::", 1).replace('-', "_");
    let unit = unit::by_name(base).or_else(|_| unit::by_name(&path));
    let found = match (unit, every) {
        (Ok(unit), every) => return Ok(Sums::Unit(unit, every)),
        (_, None) if base.eq_ignore_ascii_case("default") => return Ok(Sums::Default),
        (_, None) => base.parse(),
        (_, Some(every)) => {
            base.parse().map(|chain: Chain| Accumulator::chunked(every, chain, Chain::F32))
        }
    };
    let found = found.and_then(|found: Accumulator| found.validate().map(|()| found));
    found.map(Sums::Accumulator).map_err(|error| {
        format!("expected default, an accumulator or a unit such as hopper-wgmma-fp8; {error}")
    })
}

/// Everything that is chosen about numbers, and how to run, which no bit depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numerics {
    pub(crate) weights: Scheme,
    pub(crate) activations: Scheme,
    pub(crate) cache: Scheme,
    pub(crate) sums: Sums,
    /// Blocks of inputs, and of the weights' rows, that go through a Hadamard transform before they
    /// are quantized; the product stays what it is.
    pub(crate) rotated: Option<usize>,
    /// What is done to weights before or while they are quantized, from a text that was read.
    pub(crate) recipe: Option<Recipe>,
    pub(crate) exec: Exec,
}

impl Numerics {
    /// The model as it is: weights of the file, activations and cache in f32, sums in f32.
    pub(crate) const AS_SHIPPED: Self = Self {
        weights: Scheme::AsShipped,
        activations: Scheme::AsShipped,
        cache: Scheme::AsShipped,
        sums: Sums::Default,
        rotated: None,
        recipe: None,
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

    /// Numbers of rows of this width as they are quantized: transformed, if so chosen.
    pub(crate) fn rotate<'n>(
        &self,
        numbers: Cow<'n, [f32]>,
        width: usize,
    ) -> Result<Cow<'n, [f32]>, Failure> {
        let Some(block) = self.rotated else { return Ok(numbers) };
        if !width.is_multiple_of(block) {
            let expected = format!("a divisor of the inputs of every layer, {width} among them");
            return Err(Failure::unfit("block of the Hadamard transform", expected, block));
        }
        let mut numbers = numbers.into_owned();
        Hadamard::new(block)?.forward(&mut numbers)?;
        Ok(Cow::Owned(numbers))
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
