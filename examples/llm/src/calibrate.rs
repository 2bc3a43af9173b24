//! Recipes that look at what a layer is given: error feedback between columns (GPTQ) and factors
//! for channels (AWQ). The model as shipped reads a text, and its layers' inputs are kept.

use crate::failure::Failure;
use crate::forward::Session;
use crate::model::Model;
use crate::numerics::{Numerics, Scheme};
use clap::ValueEnum;
use std::mem;
use subhalf::{BlockSpec, recipe};

/// The inputs that the matrices of a block share: of query, key and value; of the output of
/// attention; of gate and up; of down.
pub(crate) const INPUTS: usize = 4;

/// How weights are quantized, beside rounding each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recipe {
    /// Columns that come later make good for the error of each (GPTQ, arXiv 2210.17323).
    Gptq,
    /// Columns whose inputs are large are multiplied before, and these divided (AWQ, arXiv
    /// 2306.00978).
    Awq,
}

/// What the layers of a model were given while it read some text: rows of each of the inputs of
/// each block.
#[derive(Debug)]
pub(crate) struct Calibration {
    blocks: Vec<[Vec<f32>; INPUTS]>,
}

impl Calibration {
    /// Reads windows of a text with the model as shipped.
    pub(crate) fn new(shipped: &Model<'_>, windows: &[Vec<u32>]) -> Result<Self, Failure> {
        let mut blocks = vec![<[Vec<f32>; INPUTS]>::default(); shipped.config.blocks];
        for tokens in windows {
            let mut session = Session::new(shipped)?;
            session.inputs = Some(mem::take(&mut blocks));
            session.read(tokens)?;
            blocks = session.inputs.take().unwrap_or_default();
        }
        Ok(Self { blocks })
    }

    /// What a recipe makes of an input of a block, and of the weights that take it, row after row.
    pub(crate) fn fit(
        &self,
        (block, input): (usize, usize),
        weights: &[f32],
        width: usize,
        numerics: &Numerics,
    ) -> Result<Fit, Failure> {
        /// Rows that the search for AWQ's factors looks at, of all weights.
        const ROWS: usize = 64;
        let (Some(recipe), Scheme::Blocks(spec)) = (numerics.recipe, &numerics.weights) else {
            return Err(Failure::unfit(
                "weights of a recipe",
                "blocks with scales",
                "another scheme",
            ));
        };
        let inputs = &self.blocks[block][input];
        Ok(match recipe {
            Recipe::Gptq => {
                let inputs = numerics.rotate(inputs.into(), width)?;
                Fit::Feedback(recipe::hessian(&inputs, inputs.len() / width)?)
            }
            Recipe::Awq => {
                let every = (weights.len() / width).div_ceil(ROWS);
                let some: Vec<f32> =
                    weights.chunks(width).step_by(every).flatten().copied().collect();
                let rows = some.len() / width;
                let fit = recipe::awq(inputs, inputs.len() / width, &some, rows, spec)?;
                Fit::Channels(fit.factors)
            }
        })
    }
}

/// What a recipe found out about an input.
#[derive(Debug)]
pub(crate) enum Fit {
    /// The Hessian of the error of what is made of the input.
    Feedback(Vec<f64>),
    /// What columns of weights are multiplied by, and inputs divided.
    Channels(Vec<f32>),
}

impl Fit {
    /// What inputs are divided by.
    pub(crate) fn into_factors(self) -> Option<Vec<f32>> {
        match self {
            Self::Feedback(_) => None,
            Self::Channels(factors) => Some(factors),
        }
    }

    /// A weight of so many rows under error feedback.
    pub(crate) fn quantize(
        &self,
        numbers: &[f32],
        rows: usize,
        spec: &BlockSpec,
    ) -> Result<Option<subhalf::QuantTensor>, Failure> {
        /// What the released code of GPTQ adds to the diagonal, over its mean.
        const DAMPING: f64 = 0.01;
        let Self::Feedback(hessian) = self else { return Ok(None) };
        Ok(Some(recipe::gptq(numbers, rows, hessian, DAMPING, spec)?.tensor))
    }
}
