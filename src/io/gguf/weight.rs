//! [`GgufWeight`]: a tensor with its bytes, as numbers or as codes and scales.

use super::super::error::Problem;
use super::header::GgufTensor;
use super::kind::{GgufType, KindClass};
use crate::block::layout::from_ggml_with;
use crate::block::{Accept, QuantTensor, TensorScale};
use crate::error::Error;
use crate::spec::FormatSpec;
use core::fmt;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::format;
use std::vec::Vec;

/// A tensor of a GGUF file with its numbers.
#[derive(Debug)]
#[non_exhaustive]
pub enum GgufWeight<'a> {
    /// Numbers as they are.
    Numbers(GgufNumbers<'a>),
    /// Codes and scales, in the scheme of [`GgmlType::spec`](crate::layout::GgmlType::spec).
    Quantized(Box<QuantTensor>),
}

impl GgufWeight<'_> {
    /// The numbers as f32: quantized ones as ggml's own dequantization has them, bit for bit (with
    /// two exceptions for bytes that ggml does not write, see
    /// [`preset::ggml`](crate::preset::ggml)), an NVFP4 weight's times its tensor scale; doubles
    /// and integers rounded to nearest.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::Numbers(numbers) => numbers.to_f32(),
            Self::Quantized(tensor) => tensor.dequantize(),
        }
    }
}

/// Numbers as a file has them: little-endian, at any address.
pub struct GgufNumbers<'a> {
    kind: GgufType,
    bytes: Cow<'a, [u8]>,
}

impl GgufNumbers<'_> {
    /// Their type: a float of 16 to 64 bits or an integer of 8 to 64.
    #[must_use]
    pub const fn kind(&self) -> GgufType {
        self.kind
    }

    /// The bytes, row-major and little-endian.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The numbers as f32, to which doubles and integers are rounded.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self.kind {
            GgufType::F16 => {
                let bits = self.chunks(u16::from_le_bytes);
                bits.map(|bits| FormatSpec::F16.decode_f32(bits.into())).collect()
            }
            GgufType::BF16 => self
                .chunks(u16::from_le_bytes)
                .map(|bits| f32::from_bits(u32::from(bits) << 16))
                .collect(),
            GgufType::F64 => self.chunks(f64::from_le_bytes).map(|x| x as f32).collect(),
            GgufType::I8 => self.chunks(i8::from_le_bytes).map(f32::from).collect(),
            GgufType::I16 => self.chunks(i16::from_le_bytes).map(f32::from).collect(),
            GgufType::I32 => self.chunks(i32::from_le_bytes).map(|x| x as f32).collect(),
            GgufType::I64 => self.chunks(i64::from_le_bytes).map(|x| x as f32).collect(),
            _ => self.chunks(f32::from_le_bytes).collect(),
        }
    }

    /// The numbers as f64: integers beyond 2^53 are rounded, all others are exact.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match self.kind {
            GgufType::F64 => self.chunks(f64::from_le_bytes).collect(),
            GgufType::I32 => self.chunks(i32::from_le_bytes).map(f64::from).collect(),
            GgufType::I64 => self.chunks(i64::from_le_bytes).map(|x| x as f64).collect(),
            _ => self.to_f32().into_iter().map(f64::from).collect(),
        }
    }

    fn chunks<T, const N: usize>(&self, number: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
        self.bytes.as_chunks().0.iter().map(move |bytes| number(*bytes))
    }
}

impl fmt::Debug for GgufNumbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not every number of a layer.
        write!(f, "GgufNumbers({} bytes of {})", self.bytes.len(), self.kind)
    }
}

/// Makes the numbers of a tensor from its bytes, and from those of its F32 tensor scales.
pub(super) fn load<'a>(
    tensor: &GgufTensor,
    bytes: Cow<'a, [u8]>,
    scales: Option<&[u8]>,
    accept: Accept,
) -> Result<GgufWeight<'a>, Problem> {
    let refused =
        |error: Error| Problem::Weight { weight: tensor.name().to_owned(), error: Box::new(error) };
    let kind = match tensor.kind().class() {
        Some(KindClass::Quantized(kind)) => kind,
        Some(KindClass::Numbers) => {
            return Ok(GgufWeight::Numbers(GgufNumbers { kind: tensor.kind(), bytes }));
        }
        None => {
            let reason = tensor.unread().unwrap_or_else(|| format!("not read: {}", tensor.kind()));
            return Err(Problem::Carried { tensor: tensor.name().to_owned(), reason });
        }
    };
    let read = from_ggml_with(kind, &bytes, tensor.shape(), accept).map_err(refused)?;
    let Some(scales) = scales else { return Ok(GgufWeight::Quantized(Box::new(read))) };
    // What the converter read was Model Optimizer's `weight_scale_2`, amax / (6 · 448).
    let spec = read.spec().with_tensor_scale(TensorScale::Multiplier { target: 2688.0 });
    let scales: Vec<f32> =
        scales.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let parts = match &*scales {
        [one] => read.parts().with_tensor_scale(*one),
        many => read.parts().with_tensor_scales(many),
    };
    let read = QuantTensor::from_parts_with(&spec, tensor.shape(), parts, accept);
    Ok(GgufWeight::Quantized(Box::new(read.map_err(refused)?)))
}
