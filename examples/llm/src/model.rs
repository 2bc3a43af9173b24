//! A Llama model from a GGUF file: shapes, and weights under the chosen numerics.

use crate::calibrate::{Calibration, Fit, INPUTS};
use crate::failure::Failure;
use crate::linear::Linear;
use crate::numerics::Numerics;
use rayon::prelude::*;
use std::collections::HashMap;
use subhalf::io::{Gguf, GgufValue, GgufWeight};
use subhalf::{Exec, QuantTensor};

/// The shapes of a model, and the numbers of its formulas.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) blocks: usize,
    pub(crate) width: usize,
    pub(crate) inner: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    /// Numbers of a head.
    pub(crate) head: usize,
    pub(crate) context: usize,
    pub(crate) rope_base: f32,
    pub(crate) epsilon: f32,
}

impl Config {
    /// Reads the metadata.
    fn of(file: &Gguf<'_>) -> Result<Self, Failure> {
        let kind = file.value("general.architecture");
        if kind.as_ref().and_then(|kind| kind.as_str()) != Some("llama") {
            let found = kind.map_or_else(|| "none".to_owned(), |kind| format!("{kind:?}"));
            return Err(Failure::unfit("metadata 'general.architecture'", "'llama'", found));
        }
        let count = |key: &str| -> Result<usize, Failure> {
            let value = file.value(&format!("llama.{key}")).and_then(|value| value.as_u64());
            let value = value.and_then(|value| usize::try_from(value).ok()).filter(|x| *x > 0);
            value.ok_or_else(|| {
                Failure::unfit(format!("metadata 'llama.{key}'"), "a positive integer", "none")
            })
        };
        let real = |key: &str| match file.value(&format!("llama.{key}")) {
            Some(GgufValue::F32(x)) => Ok(x),
            _ => Err(Failure::unfit(format!("metadata 'llama.{key}'"), "an F32", "none")),
        };
        let (width, heads) = (count("embedding_length")?, count("attention.head_count")?);
        let config = Self {
            blocks: count("block_count")?,
            width,
            inner: count("feed_forward_length")?,
            heads,
            kv_heads: count("attention.head_count_kv")?,
            head: width / heads,
            context: count("context_length")?,
            rope_base: real("rope.freq_base")?,
            epsilon: real("attention.layer_norm_rms_epsilon")?,
        };
        let divides = width.is_multiple_of(heads)
            && heads.is_multiple_of(config.kv_heads)
            && config.head.is_multiple_of(2);
        if !divides {
            let expected = "heads of an even width, shared evenly";
            return Err(Failure::unfit("attention", expected, format!("{config:?}")));
        }
        Ok(config)
    }
}

/// The weights of a file, as they are.
pub(crate) struct Shipped<'f> {
    pub(crate) config: Config,
    weights: HashMap<String, (Vec<usize>, GgufWeight<'f>)>,
}

impl<'f> Shipped<'f> {
    /// Reads all tensors.
    pub(crate) fn load(file: &Gguf<'f>) -> Result<Self, Failure> {
        let mut weights = HashMap::new();
        for tensor in file.tensors() {
            let loaded = (tensor.shape().to_vec(), file.load(tensor)?);
            weights.insert(tensor.name().to_owned(), loaded);
        }
        Ok(Self { config: Config::of(file)?, weights })
    }

    /// The weight of a name and a shape.
    fn weight(&self, name: &str, shape: &[usize]) -> Result<&GgufWeight<'f>, Failure> {
        match self.weights.get(name) {
            Some((found, weight)) if found == shape => Ok(weight),
            found => {
                let found =
                    found.map_or_else(|| "none".to_owned(), |(shape, _)| format!("{shape:?}"));
                Err(Failure::unfit(format!("tensor '{name}'"), format!("{shape:?}"), found))
            }
        }
    }

    /// Bits that a weight of the blocks' matrices takes, scales and minima included.
    pub(crate) fn bits(&self) -> f64 {
        let of_blocks = self
            .weights
            .iter()
            .filter(|(name, (shape, _))| name.starts_with("blk.") && shape.len() == 2);
        let [bits, count] = of_blocks.fold([0.0; 2], |[bits, count], (_, (shape, weight))| {
            let elements = shape.iter().product::<usize>() as f64;
            let of_element = match weight {
                GgufWeight::Quantized(tensor) => tensor.spec().bits_per_element(),
                GgufWeight::Numbers(numbers) => numbers.bytes().len() as f64 * 8.0 / elements,
                _ => 0.0,
            };
            [bits + of_element * elements, count + elements]
        });
        bits / count
    }

    /// The shape of the embedding, whose rows are the tokens.
    fn tokens(&self) -> Result<usize, Failure> {
        match self.weights.get("token_embd.weight") {
            Some((shape, _)) if shape.len() == 2 => Ok(shape[0]),
            _ => Err(Failure::unfit("tensor 'token_embd.weight'", "two axes", "none")),
        }
    }
}

impl std::fmt::Debug for Shipped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shipped({:?}, {} tensors)", self.config, self.weights.len())
    }
}

/// The layers of a block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) q: Linear,
    pub(crate) k: Linear,
    pub(crate) v: Linear,
    pub(crate) output: Linear,
    pub(crate) inner_norm: Vec<f32>,
    pub(crate) gate: Linear,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    /// What inputs are divided by, in the order of [`Calibration`]'s inputs.
    factors: [Option<Vec<f32>>; INPUTS],
}

impl Block {
    /// What an input is divided by, column by column.
    pub(crate) fn factors(&self, input: usize) -> Option<&[f32]> {
        self.factors[input].as_deref()
    }
}

/// A row of numbers for each token.
#[derive(Debug)]
enum Embedding<'s> {
    Quantized(&'s QuantTensor),
    Numbers(Vec<f32>),
}

/// A model ready to run.
#[derive(Debug)]
pub(crate) struct Model<'s> {
    pub(crate) config: Config,
    pub(crate) numerics: Numerics,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Vec<f32>,
    pub(crate) tokens: usize,
    embedding: Embedding<'s>,
    /// From the last hidden state to logits. Its weights stay as they are and its sums in f32,
    /// whatever the numerics.
    head: Linear,
}

impl<'s> Model<'s> {
    /// The model under some numerics: the matrices of its blocks are quantized, and no other
    /// weight.
    pub(crate) fn new(shipped: &'s Shipped<'s>, numerics: Numerics) -> Result<Self, Failure> {
        Self::calibrated(shipped, numerics, None)
    }

    /// The model under some numerics, whose recipe looks at what layers were given.
    pub(crate) fn calibrated(
        shipped: &'s Shipped<'s>,
        numerics: Numerics,
        calibration: Option<&Calibration>,
    ) -> Result<Self, Failure> {
        let config = shipped.config.clone();
        if numerics.recipe.is_some() != calibration.is_some() {
            return Err(Failure::unfit("recipe", "a text to calibrate it with", "none"));
        }
        let blocks = (0..config.blocks)
            .into_par_iter()
            .map(|block| Self::block(shipped, block, &numerics, calibration))
            .collect::<Result<_, _>>()?;
        let tokens = shipped.tokens()?;
        let shape = [tokens, config.width];
        let embedding = shipped.weight("token_embd.weight", &shape)?;
        let output = match shipped.weights.contains_key("output.weight") {
            true => shipped.weight("output.weight", &shape)?,
            false => embedding,
        };
        let as_shipped = Numerics { exec: numerics.exec, ..Numerics::AS_SHIPPED };
        Ok(Self {
            norm: shipped.weight("output_norm.weight", &[config.width])?.to_f32(),
            head: Linear::new(output, shape, &as_shipped, None)?,
            config,
            numerics,
            blocks,
            tokens,
            embedding: match embedding {
                GgufWeight::Quantized(tensor) => Embedding::Quantized(tensor),
                numbers => Embedding::Numbers(numbers.to_f32()),
            },
        })
    }

    fn block(
        shipped: &Shipped<'_>,
        block: usize,
        numerics: &Numerics,
        calibration: Option<&Calibration>,
    ) -> Result<Block, Failure> {
        let config = &shipped.config;
        let (width, inner) = (config.width, config.inner);
        let of_kv = config.kv_heads * config.head;
        let weight = |name: &str, shape: [usize; 2]| {
            shipped.weight(&format!("blk.{block}.{name}.weight"), &shape)
        };
        // What the recipe makes of an input and of the matrices that take it.
        let fit = |input: usize, matrices: &[(&str, [usize; 2])]| {
            let Some(calibration) = calibration else { return Ok(None) };
            let mut all = Vec::new();
            for (name, shape) in matrices {
                all.extend(weight(name, *shape)?.to_f32());
            }
            let columns = matrices[0].1[1];
            calibration.fit((block, input), &all, columns, numerics).map(Some)
        };
        let (q, k, v) =
            (("attn_q", [width, width]), ("attn_k", [of_kv, width]), ("attn_v", [of_kv, width]));
        let (gate, up) = (("ffn_gate", [inner, width]), ("ffn_up", [inner, width]));
        let (output, down) = (("attn_output", [width, width]), ("ffn_down", [width, inner]));
        let fits =
            [fit(0, &[q, k, v])?, fit(1, &[output])?, fit(2, &[gate, up])?, fit(3, &[down])?];
        let linear = |(name, shape): (&str, [usize; 2]), input: usize| {
            Linear::new(weight(name, shape)?, shape, numerics, fits[input].as_ref())
        };
        let norm = |name: &str| {
            let weight = shipped.weight(&format!("blk.{block}.{name}.weight"), &[width])?;
            Ok::<_, Failure>(weight.to_f32())
        };
        Ok(Block {
            attention_norm: norm("attn_norm")?,
            q: linear(q, 0)?,
            k: linear(k, 0)?,
            v: linear(v, 0)?,
            output: linear(output, 1)?,
            inner_norm: norm("ffn_norm")?,
            gate: linear(gate, 2)?,
            up: linear(up, 2)?,
            down: linear(down, 3)?,
            factors: fits.map(|fit| fit.and_then(Fit::into_factors)),
        })
    }

    /// The embeddings of tokens, one row after the other.
    pub(crate) fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, Failure> {
        let width = self.config.width;
        let mut rows = vec![0.0; tokens.len() * width];
        for (token, row) in tokens.iter().zip(rows.chunks_mut(width)) {
            let token = *token as usize;
            if token >= self.tokens {
                return Err(Failure::unfit("token", format!("below {}", self.tokens), token));
            }
            match &self.embedding {
                Embedding::Quantized(tensor) => {
                    tensor.view().rows(token..token + 1)?.dequantize_into(row, Exec::SERIAL)?;
                }
                Embedding::Numbers(numbers) => {
                    row.copy_from_slice(&numbers[token * width..][..width]);
                }
            }
        }
        Ok(rows)
    }

    /// The layer from hidden states to logits.
    pub(crate) const fn head(&self) -> &Linear {
        &self.head
    }
}
