//! A linear layer for candle whose weight stays quantized: `y = x · Wᵀ + bias` with the bits of
//! [`subhalf::matmul`]. `x` is f32, f16 or bf16 and has any number of axes; `y` has its type.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, Error, Layout, Module, Result, Shape, Tensor, bail,
};
use subhalf::{Activation, Matmul, Operand, PackedMatrix, QuantView, Real};

/// A weight `[outputs, inputs]`, packed once for many products, and `outputs` f32s to add.
#[derive(Debug)]
pub struct QuantLinear {
    weight: PackedMatrix,
    bias: Option<Tensor>,
    matmul: Matmul<'static>,
}

impl QuantLinear {
    /// The layer of a weight in any scheme. `matmul` says how sums are made, and on which threads.
    pub fn new(
        weight: QuantView<'_>,
        bias: Option<Tensor>,
        matmul: Matmul<'static>,
    ) -> Result<Self> {
        Ok(Self { weight: PackedMatrix::new(weight).map_err(Error::wrap)?, bias, matmul })
    }

    fn product(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        bias: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("expected x to be contiguous")
        };
        let matmul = bias.map_or(self.matmul, |bias| self.matmul.bias(bias));
        let mut shape = layout.dims().to_vec();
        let y = match x {
            CpuStorage::F32(x) => CpuStorage::F32(self.rows(&x[start..end], &shape, &matmul)?),
            CpuStorage::F16(x) => CpuStorage::F16(self.rows(&x[start..end], &shape, &matmul)?),
            CpuStorage::BF16(x) => CpuStorage::BF16(self.rows(&x[start..end], &shape, &matmul)?),
            _ => bail!("expected x as f32, f16 or bf16"),
        };
        if let Some(inputs) = shape.last_mut() {
            *inputs = self.weight.shape()[1];
        }
        Ok((y, shape.into()))
    }

    fn rows<T: Activation + Real + Default>(
        &self,
        x: &[T],
        shape: &[usize],
        matmul: &Matmul<'_>,
    ) -> Result<Vec<T>> {
        let x = Operand::numbers(x, shape).map_err(Error::wrap)?;
        let mut y = vec![T::default(); x.batch() * x.rows() * self.weight.shape()[1]];
        matmul.multiply_into(x, &self.weight, &mut y).map_err(Error::wrap)?;
        Ok(y)
    }
}

impl CustomOp1 for QuantLinear {
    fn name(&self) -> &'static str {
        "quant-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.product(x, layout, None)
    }
}

impl CustomOp2 for QuantLinear {
    fn name(&self) -> &'static str {
        "quant-linear-bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_at: &Layout,
        bias: &CpuStorage,
        bias_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let span = bias_at.contiguous_offsets();
        let (CpuStorage::F32(bias), Some((start, end))) = (bias, span) else {
            bail!("expected a bias of contiguous f32s")
        };
        self.product(x, x_at, Some(&bias[start..end]))
    }
}

impl Module for QuantLinear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.contiguous()?;
        match &self.bias {
            Some(bias) => x.apply_op2_no_bwd(bias, self),
            None => x.apply_op1_no_bwd(self),
        }
    }
}
