//! The layouts that weights are written in, as a table: for each its name, the rule by which it is
//! read, the scheme that weights are quantized in, and the order of its codes.
//!
//! Where a program has a rule of its own for scales, the scheme is its preset. FP8 has the generic
//! presets: the programs' own rules are the same but for tiles of zeros, which become NaN in
//! `DeepSeek`'s.

use super::groups::{integer, with_zero_points};
use super::layouts::{CheckpointLayout, CodeOrder};
use super::mlx::affine_spec;
use super::plan::Convention;
use super::rules::RULES;
use crate::block::{BlockSpec, Extent, Ratio, ScaleRule, preset};
use crate::io::error::{Problem, ReadError};
use crate::spec::FormatSpec;
use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

impl CheckpointLayout {
    /// All layouts, those of one program together.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut rows = Rows(Vec::new());
        rows.floats();
        rows.integers();
        rows.0
    }

    /// The layout of a name, such as `compressed_tensors::NVFP4`. Case does not matter.
    ///
    /// # Errors
    /// [`ReadError`] that lists all names if there is none.
    pub fn by_name(name: &str) -> Result<Self, ReadError> {
        let mut all = Self::all();
        match all.iter().position(|layout| layout.name.eq_ignore_ascii_case(name)) {
            Some(place) => Ok(all.swap_remove(place)),
            None => {
                let names: Vec<String> = all.into_iter().map(|layout| layout.name).collect();
                let expected = format!("one of {}", names.join(", "));
                Err(ReadError::new("", Problem::mismatch("layout", expected, name)))
            }
        }
    }
}

const fn groups_of(cols: u32) -> Extent {
    Extent::Block { rows: 1, cols }
}

/// Signed integers as compressed-tensors makes them.
fn signed_integers(bits: u8, extent: Extent, zero_points: bool) -> BlockSpec {
    let element = integer(true, bits);
    let steps = element.max().to_f32() - element.min().to_f32();
    let (spec, rule) = match zero_points {
        false => (
            preset::compressed_tensors::INT4_G32,
            ScaleRule::Amax { target: 0.5 * steps, ratio: Ratio::Divide },
        ),
        true => {
            (preset::compressed_tensors::INT4_G32_ASYM, ScaleRule::Range { steps, with_zero: true })
        }
    };
    BlockSpec { element, element_convert: element.default_convert(), ..spec }
        .with_rule(rule)
        .with_extent(extent)
}

/// The rows of the table while it is made.
struct Rows(Vec<CheckpointLayout>);

impl Rows {
    fn add(
        &mut self,
        name: &str,
        rule: (Convention, &str),
        spec: BlockSpec,
        order: CodeOrder,
    ) -> Option<&mut CheckpointLayout> {
        let rule = RULES.iter().find(|own| (own.convention, own.layout) == rule)?;
        self.0.push(CheckpointLayout {
            name: name.to_owned(),
            rule,
            spec,
            order,
            follows_numbers: false,
        });
        self.0.last_mut()
    }

    fn floats(&mut self) {
        use CodeOrder::{Blocks, Bytes, Elements, Words};
        use Convention::{ComfyUi, CompressedTensors, DeepSeek, GptOss, Mlx, ModelOptimizer};
        use preset::{compressed_tensors as ct, generic, modelopt};
        let packed = (CompressedTensors, "nvfp4-pack-quantized");
        let mx = (CompressedTensors, "mxfp4- or mxfp6-pack-quantized");
        let fp8 = (CompressedTensors, "float-quantized or mxfp8-quantized");
        let tiles = generic::FP8_E4M3_128X128;
        let power_tiles = generic::FP8_E4M3_128X128_UE8M0;
        let small_tiles = power_tiles.with_extent(Extent::Block { rows: 32, cols: 32 });
        for (name, rule, spec, order) in [
            ("compressed_tensors::NVFP4", packed, ct::NVFP4, Bytes),
            ("compressed_tensors::MXFP4", mx, ct::MXFP4, Bytes),
            ("compressed_tensors::MXFP6_E2M3", mx, ct::MXFP6_E2M3, Bytes),
            ("compressed_tensors::MXFP8_E4M3", fp8, ct::MXFP8_E4M3, Elements),
            ("compressed_tensors::FP8_E4M3_TENSOR", fp8, generic::FP8_E4M3_TENSOR, Elements),
            ("compressed_tensors::FP8_E4M3_ROW", fp8, generic::FP8_E4M3_ROW, Elements),
            ("compressed_tensors::FP8_E4M3_128X128", fp8, tiles, Elements),
            ("modelopt::NVFP4", (ModelOptimizer, "NVFP4"), modelopt::NVFP4, Bytes),
            ("modelopt::MXFP4", (ModelOptimizer, "MXFP4"), modelopt::MXFP4, Bytes),
            ("modelopt::MXFP8_E4M3", (ModelOptimizer, "FP8"), modelopt::MXFP8_E4M3, Elements),
            (
                "modelopt::FP8_E4M3_TENSOR",
                (ModelOptimizer, "FP8"),
                generic::FP8_E4M3_TENSOR,
                Elements,
            ),
            ("gpt_oss::MXFP4", (GptOss, "MXFP4 blocks"), preset::ocp::MXFP4, Blocks),
            (
                "deepseek::v3::FP8_E4M3_128X128",
                (DeepSeek, "FP8, weight_scale_inv"),
                tiles,
                Elements,
            ),
            (
                "deepseek::v3_1::FP8_E4M3_128X128",
                (DeepSeek, "FP8, weight_scale_inv"),
                power_tiles,
                Elements,
            ),
            (
                "deepseek::v4::FP8_E4M3_128X128",
                (DeepSeek, "FP8, UE8M0 scale"),
                power_tiles,
                Elements,
            ),
            (
                "deepseek::v4_1::FP8_E4M3_32X32",
                (DeepSeek, "FP8, UE8M0 scale"),
                small_tiles,
                Elements,
            ),
            ("deepseek::v4::MXFP4", (DeepSeek, "MXFP4, UE8M0 scale"), preset::ocp::MXFP4, Bytes),
            ("mlx::MXFP4", (Mlx, "mxfp4, mxfp8 or nvfp4"), preset::mlx::MXFP4, Words),
            ("mlx::MXFP8_E4M3", (Mlx, "mxfp4, mxfp8 or nvfp4"), preset::mlx::MXFP8_E4M3, Words),
            ("mlx::NVFP4", (Mlx, "mxfp4, mxfp8 or nvfp4"), preset::mlx::NVFP4, Words),
            (
                "comfyui::FP8_E4M3_TENSOR",
                (ComfyUi, "FP8, scale_weight"),
                generic::FP8_E4M3_TENSOR,
                Elements,
            ),
        ] {
            self.add(name, rule, spec, order);
        }
    }

    fn integers(&mut self) {
        use Convention::{Awq, CompressedTensors, Gptq, Mlx};
        let groups = [32, 64, 128].map(|cols| (format!("G{cols}"), groups_of(cols)));
        let with_rows = [("ROW".to_owned(), Extent::Row)].into_iter().chain(groups.clone());
        let packed = (CompressedTensors, "pack-quantized");
        for (suffix, extent) in with_rows {
            for bits in 2..=8 {
                for (zero_points, end) in [(false, ""), (true, "_ASYM")] {
                    // A row of 8 bits has a layout of its own, of bytes. vLLM reads zero points of
                    // words alone.
                    let (rule, order) = match (bits, extent, zero_points) {
                        (8, Extent::Row, false) => {
                            ((CompressedTensors, "int-quantized"), CodeOrder::Elements)
                        }
                        _ => (packed, CodeOrder::SignedWords),
                    };
                    let name = format!("compressed_tensors::INT{bits}_{suffix}{end}");
                    let spec = signed_integers(bits, extent, zero_points);
                    if let Some(row) = self.add(&name, rule, spec, order) {
                        row.follows_numbers = true;
                    }
                }
            }
        }
        let tensors = "qweight, qzeros, scales";
        for (suffix, extent) in groups {
            for bits in [2, 3, 4, 8] {
                // Version 1 is symmetric: vLLM reads nothing else, and programs that add 1 to whole
                // words of stored zero points spoil the neighbour of a zero point of 0.
                let symmetric = signed_integers(bits, extent, false).with_scale(FormatSpec::F16);
                let spec = with_zero_points(integer(false, bits), FormatSpec::F16, extent);
                for (module, spec, zero_offset) in [("gptq", symmetric, 1), ("gptq_v2", spec, 0)] {
                    let name = format!("{module}::INT{bits}_{suffix}");
                    self.add(&name, (Gptq, tensors), spec, CodeOrder::Gptq { zero_offset });
                }
            }
            let spec = with_zero_points(FormatSpec::UINT4, FormatSpec::F16, extent);
            self.add(&format!("awq::INT4_{suffix}"), (Awq, tensors), spec, CodeOrder::Awq);
            for bits in [2, 3, 4, 5, 6, 8] {
                let spec = affine_spec(integer(false, bits), FormatSpec::F32, extent);
                let name = format!("mlx::INT{bits}_{suffix}");
                if let Some(row) = self.add(&name, (Mlx, "affine"), spec, CodeOrder::Words) {
                    row.follows_numbers = true;
                }
            }
        }
    }
}
