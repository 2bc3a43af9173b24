//! Block-scaled schemes: as the name of the preset that they equal, or else part by part.

use super::number;
use super::number::pair;
use crate::block::{
    BlockSpec, Codebooks, Dequantization, Division, ElementRounding, Extent, Nonfinite, Offset,
    ScaleRule, ScaleSigns, Search, SubScale, TensorScale, ZeroMinimum, ZeroSign,
};
use crate::policy::Convert;
use crate::spec::{FormatSpec, Table, lists};
use alloc::vec::Vec;
use core::fmt::{Formatter, Result as Written};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A scheme by its parts.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "BlockSpec", rename = "BlockSpec", deny_unknown_fields)]
struct BlockParts {
    element: FormatSpec,
    element_convert: Convert,
    element_rounding: ElementRounding,
    zero_sign: ZeroSign,
    scale: Option<FormatSpec>,
    scale_convert: Convert,
    extent: Extent,
    rule: ScaleRule,
    #[serde(with = "pair")]
    scale_bounds: (f32, f32),
    #[serde(with = "number")]
    zero_block_scale: f32,
    #[serde(with = "number")]
    underflow_scale: f32,
    #[serde(with = "divisors")]
    divisors: Table<(u32, f32), 4>,
    #[serde(with = "number")]
    flush_below: f32,
    search: Option<Search>,
    tensor_scale: TensorScale,
    sub_scale: Option<SubScale>,
    scale_signs: ScaleSigns,
    codebooks: Codebooks,
    offset: Offset,
    zero_minimum: ZeroMinimum,
    division: Division,
    dequantization: Dequantization,
    nonfinite: Nonfinite,
}

/// Codes, and the numbers in place of their scales, of which some may be infinite.
mod divisors {
    use super::{Deserializer, Serializer, Table, Vec, lists};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct ScaleDivisor(u32, #[serde(with = "super::number")] f32);

    pub(super) fn serialize<S: Serializer>(
        divisors: &Table<(u32, f32), 4>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(divisors.iter().map(|&(code, divisor)| ScaleDivisor(code, divisor)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Table<(u32, f32), 4>, D::Error> {
        let read = Vec::<ScaleDivisor>::deserialize(deserializer)?;
        let entries: Vec<_> =
            read.into_iter().map(|ScaleDivisor(code, number)| (code, number)).collect();
        lists::table(&entries)
    }
}

/// Writes the name of the preset, for people; else all parts. A rule of one's own
/// ([`ScaleRule::Custom`]) is a function, which is refused.
#[cfg_attr(feature = "presets", doc = "```")]
#[cfg_attr(not(feature = "presets"), doc = "```ignore")]
/// use subhalf::{BlockSpec, preset};
/// let nvfp4 = preset::torchao::NVFP4;
/// assert_eq!(serde_json::to_string(&nvfp4)?, r#""torchao::NVFP4""#);
/// let own = nvfp4.with_flush_below(1e-30);
/// let text = serde_json::to_string(&own)?;
/// assert_eq!(serde_json::from_str::<BlockSpec>(&text)?, own);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl Serialize for BlockSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "presets")]
        if serializer.is_human_readable()
            && let Some(preset) = crate::block::preset::of(self)
        {
            return serializer.serialize_str(preset.name);
        }
        BlockParts::serialize(self, serializer)
    }
}

/// Reads the name of a preset or all parts, which [`validate`](BlockSpec::validate) checks.
impl<'de> Deserialize<'de> for BlockSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(BlockVisitor);
        }
        BlockParts::deserialize(deserializer).and_then(checked)
    }
}

fn checked<E: Error>(spec: BlockSpec) -> Result<BlockSpec, E> {
    spec.validate().map(|()| spec).map_err(E::custom)
}

struct BlockVisitor;

impl<'de> Visitor<'de> for BlockVisitor {
    type Value = BlockSpec;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("the name of a preset, or all parts of a scheme")
    }

    #[cfg(feature = "presets")]
    fn visit_str<E: Error>(self, name: &str) -> Result<BlockSpec, E> {
        crate::block::preset::by_name(name).map(|preset| preset.spec).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BlockSpec, A::Error> {
        BlockParts::deserialize(MapAccessDeserializer::new(map)).and_then(checked)
    }
}
