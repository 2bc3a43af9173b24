//! [`QuantConfig`]: what `config.json` says about how weights were quantized. Programs put it under
//! several names, with the same words for different things; most of it follows from the shapes of
//! tensors anyway, and only what does not is asked for here.

use crate::io::error::{Problem, ReadError};
use serde_json::Value;
use std::borrow::ToOwned;
use std::string::{String, ToString};

/// The part of a `config.json`, or a file in its place, that is about quantization.
#[derive(Clone, Debug, Default)]
pub(super) struct QuantConfig {
    /// `quant_method`, in lower case: `fp8`, `compressed-tensors`, `modelopt`, `gptq`, `awq`, …
    method: Option<String>,
    section: Value,
}

/// Where programs keep the section, in the order of looking: transformers, MLX, compressed-tensors
/// before 0.6, Model Optimizer's `hf_quant_config.json`.
pub(super) const SECTIONS: &[&str] = &["quantization_config", "quantization", "compression_config"];

impl QuantConfig {
    /// Reads the text of `config.json`, `quantize_config.json` or `hf_quant_config.json`; `file` is
    /// its name in errors.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ReadError> {
        let whole: Value = serde_json::from_str(text).map_err(|error| {
            let what = "invalid JSON".to_owned();
            ReadError::new(file, Problem::Json { what, error: error.to_string() })
        })?;
        // Multimodal models have it with their text model.
        let inner = whole.get("text_config").unwrap_or(&Value::Null);
        let section = SECTIONS
            .iter()
            .find_map(|&name| whole.get(name).or_else(|| inner.get(name)))
            .filter(|section| section.is_object());
        let section = match section {
            Some(section) => section.clone(),
            // AutoGPTQ's quantize_config.json is the section itself.
            None if whole.get("bits").is_some() => whole.clone(),
            None => Value::Null,
        };
        let own = section.get("quant_method").and_then(Value::as_str);
        let producer = whole.pointer("/producer/name").and_then(Value::as_str);
        let method = own.or(producer).map(str::to_lowercase);
        Ok(Self { method, section })
    }

    /// Whether there is such a section at all.
    pub(super) fn is_present(&self) -> bool {
        !self.section.is_null()
    }

    /// The program or scheme that the config names.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// A number for a layer: MLX has an object for a layer that differs from the others, under the
    /// layer's path.
    pub(super) fn number(&self, layer: &str, key: &str) -> Option<i64> {
        let own = self.section.get(layer).and_then(|own| own.get(key));
        own.or_else(|| self.section.get(key)).and_then(Value::as_i64)
    }

    /// A word: `checkpoint_format`, `mode`.
    pub(super) fn word(&self, key: &str) -> Option<&str> {
        self.section.get(key).and_then(Value::as_str)
    }

    /// Bits of the weights in each of compressed-tensors' groups.
    pub(super) fn bits_of_groups(&self) -> impl Iterator<Item = u8> {
        let groups = self.section.get("config_groups").and_then(Value::as_object);
        groups.into_iter().flat_map(|groups| groups.values()).filter_map(|group| {
            u8::try_from(group.pointer("/weights/num_bits").and_then(Value::as_u64)?).ok()
        })
    }

    /// Rows and columns of a tile: `weight_block_size` of FP8 models, or the first
    /// `block_structure` among compressed-tensors' groups.
    pub(super) fn tile(&self) -> Option<[u32; 2]> {
        let of_groups = || {
            let groups = self.section.get("config_groups")?.as_object()?;
            groups.values().find_map(|group| group.pointer("/weights/block_structure"))
        };
        let tile = self.section.get("weight_block_size").or_else(of_groups)?.as_array()?;
        let side = |index: usize| {
            tile.get(index)?.as_u64().and_then(|side| u32::try_from(side).ok()).filter(|&n| n > 0)
        };
        Some([side(0)?, side(1)?])
    }
}
