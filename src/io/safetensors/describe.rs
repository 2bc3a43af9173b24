//! `config.json` of a model that was quantized: what vLLM, transformers and MLX want to be told of
//! a layout. Keys and values are those of compressed-tensors 0.20.1 (its schemes refuse keys that
//! they do not know), Model Optimizer 0.47, transformers 5.24 and mlx-lm 0.32.

use super::config::SECTIONS;
use super::layouts::{CheckpointLayout, CodeOrder};
use super::plan::Convention;
use crate::block::{Extent, Offset, TensorScale};
use crate::io::error::{Problem, ReadError};
use crate::spec::{Encoding, FormatSpec};
use serde_json::{Map, Value, json};
use std::borrow::ToOwned;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// What a config says of a quantized model beside its layout.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct QuantizedModel {
    /// The modules whose weights were left as numbers, `lm_head` for example.
    pub ignored: Vec<String>,
    /// Whether every quantized module has a static scale of its input beside it.
    pub has_input_scales: bool,
    /// Whether attention has static FP8 scales of keys and values.
    pub has_cache_scales: bool,
}

impl CheckpointLayout {
    /// The text of a `config.json` that says how a model is quantized: that of `model`, or of none,
    /// whose sections about quantization are replaced. A layout that no config describes
    /// (`ComfyUI`'s) only takes them out.
    ///
    /// ```
    /// use subhalf::io::{CheckpointLayout, QuantizedModel};
    /// let layout = CheckpointLayout::by_name("mlx::MXFP4")?;
    /// let text = layout.config(Some(r#"{"model_type":"llama"}"#), &QuantizedModel::default())?;
    /// assert!(text.contains(r#""model_type": "llama""#) && text.contains(r#""mode": "mxfp4""#));
    /// # Ok::<(), subhalf::io::ReadError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError`] for a text that is no JSON object.
    pub fn config(
        &self,
        model: Option<&str>,
        quantized: &QuantizedModel,
    ) -> Result<String, ReadError> {
        let mut config = without_quantization(model)?;
        for (key, section) in self.sections(quantized) {
            config.insert(key.to_owned(), section);
        }
        pretty(&Value::Object(config))
    }

    /// The text of Model Optimizer's `hf_quant_config.json`; `None` for other programs' layouts.
    ///
    /// # Errors
    /// None in practice: what is written is made here.
    pub fn model_optimizer_config(
        &self,
        quantized: &QuantizedModel,
    ) -> Result<Option<String>, ReadError> {
        if self.convention() != Convention::ModelOptimizer {
            return Ok(None);
        }
        let group = match self.spec.extent {
            Extent::Block { cols, .. } => json!(cols),
            _ => Value::Null,
        };
        let cache = if quantized.has_cache_scales { json!("FP8") } else { Value::Null };
        pretty(&json!({
            "producer": {"name": "modelopt", "version": "0.47.0"},
            "quantization": {
                "quant_algo": match (self.algorithm(), quantized.has_input_scales) {
                    ("NVFP4", false) => "W4A16_NVFP4",
                    (own, _) => own,
                },
                "kv_cache_quant_algo": cache,
                "group_size": group,
                "exclude_modules": quantized.ignored,
            },
        }))
        .map(Some)
    }

    fn sections(&self, quantized: &QuantizedModel) -> Vec<(&'static str, Value)> {
        let one = |section| [("quantization_config", section)].into();
        match self.convention() {
            Convention::CompressedTensors => one(self.compressed_tensors(quantized)),
            Convention::ModelOptimizer => one(self.model_optimizer(quantized)),
            Convention::GptOss => one(json!({
                "quant_method": "mxfp4",
                "modules_to_not_convert": quantized.ignored,
            })),
            Convention::DeepSeek => self.deepseek(quantized),
            Convention::Gptq => one(self.gptq(quantized)),
            Convention::Awq => one(json!({
                "quant_method": "awq",
                "bits": 4,
                "group_size": self.columns(),
                "zero_point": true,
                "version": "gemm",
                "modules_to_not_convert": quantized.ignored,
            })),
            Convention::Mlx => {
                let section = json!({
                    "group_size": self.columns(),
                    "bits": self.spec.element.bits(),
                    "mode": match (self.spec.offset, self.columns(), self.spec.element.bits()) {
                        (Offset::None, 16, _) => "nvfp4",
                        (Offset::None, _, 4) => "mxfp4",
                        (Offset::None, ..) => "mxfp8",
                        _ => "affine",
                    },
                });
                [("quantization", section.clone()), ("quantization_config", section)].into()
            }
            _ => Vec::new(),
        }
    }

    /// Columns of a block.
    fn columns(&self) -> u32 {
        match self.spec.extent {
            Extent::Block { cols, .. } => cols,
            _ => 0,
        }
    }

    fn is_float(&self) -> bool {
        !matches!(self.spec.element.encoding(), Encoding::Int(_))
    }

    fn compressed_tensors(&self, quantized: &QuantizedModel) -> Value {
        let bits = self.spec.element.bits();
        let powers = self.spec.scale == Some(FormatSpec::E8M0);
        let two_scales = !matches!(self.spec.tensor_scale, TensorScale::None);
        let format = match (self.is_float(), powers, bits) {
            (true, true, 4) => "mxfp4-pack-quantized",
            (true, true, 6) => "mxfp6-pack-quantized",
            (true, true, _) => "mxfp8-quantized",
            (true, _, 4) => "nvfp4-pack-quantized",
            (true, ..) => "float-quantized",
            _ if self.order == CodeOrder::Elements => "int-quantized",
            _ => "pack-quantized",
        };
        let mut weights = json!({
            "num_bits": bits,
            "type": if self.is_float() { "float" } else { "int" },
            "symmetric": self.spec.offset == Offset::None,
            "dynamic": false,
        });
        let strategy = match self.spec.extent {
            Extent::Tensor => "tensor",
            Extent::Row => "channel",
            Extent::Block { rows: 1, cols } => {
                weights["group_size"] = json!(cols);
                if two_scales { "tensor_group" } else { "group" }
            }
            Extent::Block { rows, cols } => {
                weights["block_structure"] = json!([rows, cols]);
                "block"
            }
            _ => "tensor",
        };
        weights["strategy"] = json!(strategy);
        match (powers, two_scales) {
            (true, _) => weights["scale_dtype"] = json!("torch.uint8"),
            (_, true) => weights["scale_dtype"] = json!("torch.float8_e4m3fn"),
            _ => {}
        }
        if self.spec.offset != Offset::None {
            weights["zp_dtype"] = json!("torch.int8");
        }
        let mut inputs = Value::Null;
        if quantized.has_input_scales && two_scales {
            // W4A4: the scales of blocks are found as the model runs, the tensor's is stored.
            inputs = weights.clone();
            inputs["dynamic"] = json!("local");
        } else if format == "int-quantized" {
            // The format is that of INT8 products: vLLM refuses it without quantized inputs.
            inputs = json!({
                "num_bits": 8, "type": "int", "symmetric": true, "strategy": "token",
                "dynamic": true,
            });
        } else if format == "float-quantized" || format == "mxfp8-quantized" {
            inputs = json!({"num_bits": 8, "type": "float", "symmetric": true});
            match self.spec.extent {
                Extent::Tensor if quantized.has_input_scales => {
                    inputs["strategy"] = json!("tensor");
                    inputs["dynamic"] = json!(false);
                }
                Extent::Block { cols, .. } => {
                    inputs["strategy"] = json!("group");
                    inputs["group_size"] = json!(cols);
                    inputs["dynamic"] = json!(true);
                    if powers {
                        inputs["scale_dtype"] = json!("torch.uint8");
                    }
                }
                _ => {
                    inputs["strategy"] = json!("token");
                    inputs["dynamic"] = json!(true);
                }
            }
        }
        let cache = match quantized.has_cache_scales {
            true => json!({
                "num_bits": 8, "type": "float", "symmetric": true, "strategy": "tensor",
                "dynamic": false,
            }),
            false => Value::Null,
        };
        json!({
            "config_groups": {"group_0": {
                "format": format,
                "targets": ["Linear"],
                "weights": weights,
                "input_activations": inputs,
                "output_activations": null,
            }},
            "format": format,
            "global_compression_ratio": null,
            "ignore": quantized.ignored,
            "kv_cache_scheme": cache,
            "quant_method": "compressed-tensors",
            "quantization_status": "compressed",
            "sparsity_config": {},
            "transform_config": {},
            "version": "0.20.1",
        })
    }

    /// Model Optimizer's word for the scheme.
    fn algorithm(&self) -> &'static str {
        match (self.spec.element.bits(), self.spec.scale == Some(FormatSpec::E8M0)) {
            (4, true) => "MXFP4",
            (4, _) => "NVFP4",
            (_, true) => "MXFP8",
            _ => "FP8",
        }
    }

    fn model_optimizer(&self, quantized: &QuantizedModel) -> Value {
        let mut numbers =
            json!({"dynamic": false, "num_bits": self.spec.element.bits(), "type": "float"});
        if let Extent::Block { cols, .. } = self.spec.extent {
            numbers["group_size"] = json!(cols);
        }
        let inputs = match quantized.has_input_scales {
            true => numbers.clone(),
            false => Value::Null,
        };
        let cache = match quantized.has_cache_scales {
            true => json!({"dynamic": false, "num_bits": 8, "type": "float"}),
            false => Value::Null,
        };
        json!({
            "config_groups": {"group_0": {
                "input_activations": inputs,
                "weights": numbers,
                "targets": ["Linear"],
            }},
            "ignore": quantized.ignored,
            "quant_algo": self.algorithm(),
            "kv_cache_scheme": cache,
            "producer": {"name": "modelopt", "version": "0.47.0"},
            "quant_method": "modelopt",
        })
    }

    fn gptq(&self, quantized: &QuantizedModel) -> Value {
        let mut section = json!({
            "quant_method": "gptq",
            "bits": self.spec.element.bits(),
            "group_size": self.columns(),
            "desc_act": false,
            "sym": self.spec.offset == Offset::None,
            "lm_head": false,
            "checkpoint_format": match self.order {
                CodeOrder::Gptq { zero_offset: 0 } => "gptq_v2",
                _ => "gptq",
            },
        });
        // GPTQModel's word for modules that are left: patterns that begin with a minus.
        let left = quantized.ignored.iter().map(|module| {
            (format!("-:^{}$", module.replace('.', "\\.")), Value::Object(Map::new()))
        });
        if !quantized.ignored.is_empty() {
            section["dynamic"] = Value::Object(left.collect());
        }
        section
    }

    fn deepseek(&self, quantized: &QuantizedModel) -> Vec<(&'static str, Value)> {
        let mut section = json!({
            "quant_method": "fp8",
            "fmt": "e4m3",
            "activation_scheme": "dynamic",
            "weight_block_size": [128, 128],
            "modules_to_not_convert": quantized.ignored,
        });
        if self.spec.scale == Some(FormatSpec::E8M0) {
            section["scale_fmt"] = json!("ue8m0");
        }
        let mut sections = Vec::new();
        match self.spec.extent {
            // Experts of MXFP4 stand beside linear layers of FP8.
            Extent::Block { rows: 1, .. } => sections.push(("expert_dtype", json!("fp4"))),
            Extent::Block { rows, cols } => section["weight_block_size"] = json!([rows, cols]),
            _ => {}
        }
        sections.push(("quantization_config", section));
        sections
    }
}

/// The text of a `config.json` for a model whose weights are numbers: that of `model` without its
/// sections about quantization.
///
/// # Errors
/// [`ReadError`] for a text that is no JSON object.
pub fn config_of_numbers(model: &str) -> Result<String, ReadError> {
    pretty(&Value::Object(without_quantization(Some(model))?))
}

fn without_quantization(model: Option<&str>) -> Result<Map<String, Value>, ReadError> {
    let fault = |problem| ReadError::new("config.json", problem);
    let read: Value = serde_json::from_str(model.unwrap_or("{}")).map_err(|error| {
        let what = "invalid JSON".to_owned();
        fault(Problem::Json { what, error: error.to_string() })
    })?;
    let Value::Object(mut config) = read else {
        return Err(fault(Problem::mismatch("config", "a JSON object", format!("{read:.40}"))));
    };
    for key in SECTIONS.iter().chain(&["expert_dtype"]) {
        config.remove(*key);
        if let Some(Value::Object(inner)) = config.get_mut("text_config") {
            inner.remove(*key);
        }
    }
    Ok(config)
}

fn pretty(value: &Value) -> Result<String, ReadError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        let what = "config".to_owned();
        ReadError::new("", Problem::Json { what, error: error.to_string() })
    })?;
    Ok(text + "\n")
}
