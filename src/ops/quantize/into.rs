//! Quantization into memory that the caller has: a cache that grows token by token.

use super::{Path, Quantizer};
use crate::block::{Geometry, PartsMut};
use crate::error::Error;
use crate::kernel::{self, Step};
use crate::ops::par::Exec;
use crate::ops::real::{Real, Source};
use crate::ops::slice::SliceConverter;
use crate::spec::{Code, FormatSpec};

impl Quantizer<'_> {
    /// Quantizes a row-major tensor into buffers, and returns the tensor scale, 1 for a scheme
    /// without. Rows of a larger tensor may be written one after another, if the scheme's blocks lie
    /// within rows and its tensor scale is given: their codes and scales follow each other.
    ///
    /// A call of at most 65,536 numbers, or on one thread, allocates nothing once its thread has
    /// quantized a tensor as wide by the same scheme, if the scheme is one of elements by nearest
    /// rounding and scales that are powers of two (`ocp::MXFP4`, `ocp::MXFP8_E4M3`), with at most
    /// 8,192 blocks beside each other.
    ///
    /// ```
    /// use subhalf::{Parts, PartsMut, QuantView, Quantizer, preset};
    /// let quantizer = Quantizer::new(&preset::ocp::MXFP4);
    /// // A cache of two tokens of 32 numbers.
    /// let (mut codes, mut scales) = ([0u8; 32], [0u8; 2]);
    /// for (token, x) in [[3.0f32; 32], [-0.5; 32]].iter().enumerate() {
    ///     let (codes, scales) = (&mut codes[16 * token..][..16], &mut scales[token..][..1]);
    ///     quantizer.quantize_to(x, &[1, 32], PartsMut::new(codes, scales))?;
    /// }
    /// assert_eq!(scales, [126, 124]); // 3 = 6 * 2^-1, -0.5 = -4 * 2^-3
    /// let parts = Parts::new(&codes, &scales);
    /// let cache = QuantView::from_parts(&preset::ocp::MXFP4, &[2, 32], parts)?;
    /// assert_eq!(cache.dequantize()[31..33], [3.0, -0.5]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for numbers or buffers that are not the shape's, and the other errors of
    /// [`quantize`](Self::quantize); the buffers then keep their contents.
    pub fn quantize_to<T: Source>(
        &self,
        src: &[T],
        shape: &[usize],
        parts: PartsMut<'_>,
    ) -> Result<f32, Error> {
        self.spec.validate()?;
        let geometry = Geometry::of(self.spec, shape)?;
        parts.check(self.spec, &geometry)?;
        let cols = shape.last().copied().unwrap_or(1);
        self.fill(Path::Kernels, T::source(src), &geometry, cols, parts)
    }
}

impl FormatSpec {
    /// Encodes numbers over a scale: the f32 quotients `x / scale`, each rounded into the format
    /// under the [default policy](Self::default_convert). So inference engines fill a cache of keys
    /// and values whose scale is fixed. Nothing is allocated for the formats of up to 8 bits with
    /// [`encode_slice`](Self::encode_slice)'s kernels of one rounding (FP8, FP6, FP4, integers).
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let mut codes = [0u8; 3];
    /// FormatSpec::F8E4M3.encode_scaled(&[0.5f32, -2.0, 1000.0], 0.25, &mut codes)?;
    /// assert_eq!(codes, [0x40, 0xD0, 0x7E]); // 2, -8, 448
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too narrow
    /// for the format; [`Error::Given`] if the scale is not a positive finite number.
    pub fn encode_scaled<T: Real + Into<f32>, C: Code>(
        &self,
        src: &[T],
        scale: f32,
        dst: &mut [C],
    ) -> Result<(), Error> {
        const CHUNK: usize = 512;
        Error::check_length("output length", src.len(), dst.len())?;
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(Error::Given {
                what: "scale",
                index: 0,
                expected: "a positive finite number",
                bits: scale.to_bits(),
            });
        }
        let exec = Exec::SERIAL;
        let converter = SliceConverter::new(self).exec(exec);
        let mut quotients = [0.0f32; CHUNK];
        // Of no numbers too, a type that is too narrow is refused.
        converter.encode(&quotients[..0], &mut dst[..0])?;
        for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
            let quotients = &mut quotients[..src.len()];
            quotients.iter_mut().zip(src).for_each(|(quotient, x)| *quotient = (*x).into());
            kernel::apply(exec.isa(), Step::Over(scale), quotients);
            converter.encode(quotients, dst)?;
        }
        Ok(())
    }
}
