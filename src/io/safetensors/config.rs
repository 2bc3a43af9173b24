//! [`QuantConfig`]: what `config.json` says about how weights were quantized. Programs put it under
//! several names, with the same words for different things; most of it follows from the shapes of
//! tensors anyway, and only what does not is asked for here. The rest of the text is passed over as
//! it is read, so that a config takes little more memory than its text.

use crate::io::error::{Problem, ReadError};
use core::fmt;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::ToOwned;
use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

/// The part of a `config.json`, or a file in its place, that is about quantization.
#[derive(Clone, Debug, Default)]
pub(super) struct QuantConfig {
    /// `quant_method`, in lower case: `fp8`, `compressed-tensors`, `modelopt`, `gptq`, `awq`, …
    method: Option<String>,
    section: Json,
}

/// Where programs keep the section, in the order of looking: transformers, MLX, compressed-tensors
/// before 0.6, Model Optimizer's `hf_quant_config.json`.
pub(super) const SECTIONS: &[&str] = &["quantization_config", "quantization", "compression_config"];

/// Other keys that are asked for.
const KEYS: &[&str] = &[
    "text_config",
    "producer",
    "name",
    "quant_method",
    "checkpoint_format",
    "bits",
    "group_size",
    "config_groups",
    "weights",
    "num_bits",
    "block_structure",
    "weight_block_size",
];

impl QuantConfig {
    /// Reads the text of `config.json`, `quantize_config.json` or `hf_quant_config.json`; `file` is
    /// its name in errors.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ReadError> {
        let whole: Json = serde_json::from_str(text).map_err(|error| {
            let what = "invalid JSON".to_owned();
            ReadError::new(file, Problem::Json { what, error: error.to_string() })
        })?;
        // Multimodal models have it with their text model.
        let inner = whole.get("text_config").unwrap_or(&Json::Other);
        let section = SECTIONS
            .iter()
            .find_map(|&name| whole.get(name).or_else(|| inner.get(name)))
            .filter(|section| matches!(section, Json::Object(_)));
        let producer = whole.get("producer").and_then(|producer| producer.get("name"));
        let producer = producer.and_then(Json::word).map(str::to_lowercase);
        let section = match section {
            Some(section) => section.clone(),
            // AutoGPTQ's quantize_config.json is the section itself.
            None if whole.get("bits").is_some() => whole,
            None => Json::Other,
        };
        let own = section.get("quant_method").and_then(Json::word).map(str::to_lowercase);
        Ok(Self { method: own.or(producer), section })
    }

    /// Whether there is such a section at all.
    pub(super) const fn is_present(&self) -> bool {
        matches!(self.section, Json::Object(_))
    }

    /// The program or scheme that the config names.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// A number for a layer: MLX has an object for a layer that differs from the others, under the
    /// layer's path.
    pub(super) fn number(&self, layer: &str, key: &str) -> Option<i64> {
        let own = self.section.get(layer).and_then(|own| own.get(key));
        own.or_else(|| self.section.get(key)).and_then(Json::integer)
    }

    /// A word: `checkpoint_format`.
    pub(super) fn word(&self, key: &str) -> Option<&str> {
        self.section.get(key).and_then(Json::word)
    }

    /// What compressed-tensors' groups say of their weights under a key.
    fn of_groups(&self, key: &str) -> impl Iterator<Item = &Json> {
        let groups = self.section.get("config_groups").map_or(&[][..], Json::members);
        groups.iter().filter_map(move |(_, group)| group.get("weights")?.get(key))
    }

    /// Bits of the weights in each of compressed-tensors' groups.
    pub(super) fn bits_of_groups(&self) -> impl Iterator<Item = u8> {
        self.of_groups("num_bits").filter_map(|bits| u8::try_from(bits.integer()?).ok())
    }

    /// Columns of the groups that a row is cut into, in each of compressed-tensors' groups.
    pub(super) fn columns_of_groups(&self) -> impl Iterator<Item = u32> {
        let lengths = self.of_groups("group_size");
        lengths.filter_map(|length| u32::try_from(length.integer()?).ok().filter(|&n| n > 0))
    }

    /// Rows and columns of a tile: `weight_block_size` of FP8 models, or the first
    /// `block_structure` among compressed-tensors' groups.
    pub(super) fn tile(&self) -> Option<[u32; 2]> {
        let of_groups = || self.of_groups("block_structure").next();
        let Json::Array(tile) = self.section.get("weight_block_size").or_else(of_groups)? else {
            return None;
        };
        let side =
            |index: usize| u32::try_from(tile.get(index)?.integer()?).ok().filter(|&side| side > 0);
        Some([side(0)?, side(1)?])
    }
}

/// A JSON value, as far as it is asked for: of objects the members of known keys and objects that
/// have such members, of arrays the first two items.
#[derive(Clone, Debug, Default)]
enum Json {
    /// Null, a Boolean, a fraction, or an integer that is no i64.
    #[default]
    Other,
    Integer(i64),
    Word(Box<str>),
    Array(Vec<Self>),
    Object(Vec<(Box<str>, Self)>),
}

impl Json {
    fn members(&self) -> &[(Box<str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The member of a key; of several the last.
    fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(own, _)| **own == *key).map(|(_, member)| member)
    }

    const fn integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Json, E> {
        Ok(Json::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Json, E> {
        Ok(i64::try_from(integer).map_or(Json::Other, Json::Integer))
    }

    fn visit_str<E>(self, word: &str) -> Result<Json, E> {
        Ok(Json::Word(word.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while items.len() < 2 {
            let Some(item) = array.next_element()? else { return Ok(Json::Array(items)) };
            items.push(item);
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = object.next_key::<String>()? {
            let known = SECTIONS.contains(&&*key) || KEYS.contains(&&*key);
            let member: Json = object.next_value()?;
            // Layers and groups have names of their own.
            if known || !member.members().is_empty() {
                members.push((key.into(), member));
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::QuantConfig;
    use std::format;

    fn read(text: &str) -> QuantConfig {
        QuantConfig::parse("", text).expect("JSON")
    }

    #[test]
    fn what_is_not_asked_for_is_not_kept() {
        let config = read(
            r#"{"vocab": [1, 2, 3, 4], "torch_dtype": "bfloat16", "quantization": {"bits": 4,
                "group_size": 64, "ignored": ["lm_head", "x", "y"], "epsilon": 1e-5,
                "a.layer": {"bits": 8, "mode": "affine"}, "another": {"mode": "affine"}}}"#,
        );
        assert_eq!(config.number("a.layer", "bits"), Some(8));
        assert_eq!(config.number("a.layer", "group_size"), Some(64));
        assert_eq!(config.number("another", "bits"), Some(4));
        let kept = format!("{config:?}");
        let others = ["vocab", "torch_dtype", "bfloat16", "ignored", "lm_head", "epsilon", "mode"];
        for other in others.into_iter().chain(["another"]) {
            assert!(!kept.contains(other), "{other} in {kept}");
        }
    }

    #[test]
    fn sections_are_found_where_programs_keep_them() {
        let inner = read(r#"{"text_config": {"quantization_config": {"quant_method": "FP8"}}}"#);
        assert_eq!((inner.is_present(), inner.method()), (true, Some("fp8")));
        let alone = read(r#"{"bits": 3, "checkpoint_format": "gptq_v2"}"#);
        assert_eq!(
            (alone.number("", "bits"), alone.word("checkpoint_format")),
            (Some(3), Some("gptq_v2"))
        );
        let producer = read(r#"{"producer": {"name": "ModelOpt"}, "quantization": null}"#);
        assert_eq!((producer.is_present(), producer.method()), (false, Some("modelopt")));
        for none in ["[1, 2]", "3", "null", r#"{"quantization_config": 7}"#] {
            let none = read(none);
            assert_eq!((none.is_present(), none.method()), (false, None));
        }
        assert!(QuantConfig::parse("", r#"{"bits": [1, 2, }"#).is_err());
    }

    #[test]
    fn tiles_are_the_first_two_items_and_positive() {
        let tile = |text: &str| read(&format!(r#"{{"quantization_config": {text}}}"#)).tile();
        assert_eq!(tile(r#"{"weight_block_size": [128, 64]}"#), Some([128, 64]));
        assert_eq!(tile(r#"{"weight_block_size": [128, 64, 3, "x"]}"#), Some([128, 64]));
        assert_eq!(tile(r#"{"weight_block_size": [128]}"#), None);
        assert_eq!(tile(r#"{"weight_block_size": [128, 0]}"#), None);
        assert_eq!(tile(r#"{"weight_block_size": [128, 18446744073709551615]}"#), None);
        let groups = r#"{"config_groups": {"group_0": {"weights": {"num_bits": 8}},
            "group_1": {"weights": {"num_bits": 4, "block_structure": [32, 16]}}}}"#;
        assert_eq!(tile(groups), Some([32, 16]));
        let config = read(&format!(r#"{{"quantization_config": {groups}}}"#));
        assert!(config.bits_of_groups().eq([8, 4]));
    }
}
