//! Operands of many kinds from a seed.

use subhalf::{
    BlockSpec, Extent, FormatSpec, Offset, Operand, PackedMatrix, QuantTensor, Quantizer,
    TensorScale, preset,
};

pub(crate) use crate::arith::wide::Random;

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// What numbers are kept in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    F32,
    #[cfg(feature = "half")]
    F16,
    #[cfg(feature = "half")]
    BF16,
    Codes(FormatSpec),
    Tensor(BlockSpec),
    /// Quantized in the product.
    Dynamic(BlockSpec),
}

impl Kind {
    /// Whether sums of so many products can be made block by block.
    pub(crate) fn is_blockwise(self, depth: usize) -> bool {
        let (Self::Tensor(spec) | Self::Dynamic(spec)) = self else { return true };
        let cut = match spec.extent {
            Extent::Flat(length) => {
                depth.is_multiple_of(length as usize) || (length as usize).is_multiple_of(depth)
            }
            _ => true,
        };
        cut && !matches!(spec.offset, Offset::Minimum(_))
    }
}

pub(crate) fn named(name: &str) -> Kind {
    Kind::Tensor(preset::by_name(name).unwrap_or_else(|error| panic!("{error}")).spec)
}

/// One side of a product with everything that it borrows.
pub(crate) struct Side {
    pub(crate) shape: [usize; 3],
    kind: Kind,
    pub(crate) numbers: Vec<f32>,
    #[cfg(feature = "half")]
    f16: Vec<half::f16>,
    #[cfg(feature = "half")]
    bf16: Vec<half::bf16>,
    codes: Vec<u8>,
    words: Vec<u16>,
    longs: Vec<u32>,
    pub(crate) tensor: Option<QuantTensor>,
    packed: Option<PackedMatrix>,
    spec: BlockSpec,
}

impl Side {
    /// `wild` inputs have NaN, infinities and zeros among them, and blocks of nothing but zeros.
    pub(crate) fn new(kind: Kind, shape: [usize; 3], random: &mut Random, wild: bool) -> Self {
        let count: usize = shape.iter().product();
        let scale = 2f32.powi((random.next() % 9) as i32 - 4);
        let mut zeros = 0;
        let mut number = || {
            let word = random.next();
            zeros = if wild && word >> 40 & 63 == 0 { 40u32 } else { zeros.saturating_sub(1) };
            match word >> 48 & 0x1FF {
                _ if zeros > 0 => 0.0,
                0 if wild => f32::NAN,
                1 if wild => f32::INFINITY,
                2 if wild => -0.0,
                3 if wild => f32::from_bits(word as u32),
                _ => {
                    (word as i32 as f32 / 2f32.powi(31))
                        * 2f32.powi((word >> 32 & 3) as i32)
                        * scale
                }
            }
        };
        let numbers: Vec<f32> = (0..count).map(|_| number()).collect();
        let mut side = Self {
            shape,
            kind,
            #[cfg(feature = "half")]
            f16: numbers.iter().map(|x| half::f16::from_f32(*x)).collect(),
            #[cfg(feature = "half")]
            bf16: numbers.iter().map(|x| half::bf16::from_f32(*x)).collect(),
            codes: Vec::new(),
            words: Vec::new(),
            longs: Vec::new(),
            tensor: None,
            packed: None,
            spec: preset::ocp::MXFP4,
            numbers,
        };
        match kind {
            Kind::Codes(format) => {
                // Any code in tame numbers, or that of one.
                let codes = side
                    .numbers
                    .iter()
                    .map(|x| if wild { random.next() as u32 } else { format.encode_f32(*x) });
                let codes: Vec<u32> = codes.collect();
                side.codes = codes.iter().map(|code| *code as u8).collect();
                side.words = codes.iter().map(|code| *code as u16).collect();
                side.longs = codes;
            }
            Kind::Tensor(spec) | Kind::Dynamic(spec) => {
                side.spec = spec;
                side.tensor =
                    Some(Quantizer::new(&side.spec).quantize(&side.numbers, &shape).unwrap());
            }
            _ => {}
        }
        side
    }

    /// The same with scales that are any codes.
    pub(crate) fn with_any_scales(mut self, random: &mut Random) -> Self {
        if let (Some(tensor), Kind::Tensor(_)) = (&self.tensor, self.kind) {
            let parts = tensor.parts();
            let scales: Vec<u8> = match tensor.spec().scale {
                Some(format) if format.bits() <= 8 => parts
                    .scales
                    .iter()
                    .map(|_| (random.next() % format.code_count()) as u8)
                    .collect(),
                _ => parts.scales.to_vec(),
            };
            let parts = parts.with_scales(&scales);
            self.tensor =
                Some(QuantTensor::from_parts(tensor.spec(), tensor.shape(), parts).unwrap());
        }
        self
    }

    /// The same, packed.
    pub(crate) fn packed(mut self) -> Self {
        self.packed = Some(PackedMatrix::new(self.operand(&Quantizer::new(&self.spec))).unwrap());
        self
    }

    pub(crate) fn quantizer(&self) -> Quantizer<'_> {
        Quantizer::new(&self.spec)
    }

    pub(crate) fn operand<'a>(&'a self, quantizer: &'a Quantizer<'a>) -> Operand<'a> {
        let shape = &self.shape;
        if let Some(packed) = &self.packed {
            return packed.into();
        }
        match &self.kind {
            Kind::F32 => Operand::numbers(&self.numbers, shape).unwrap(),
            #[cfg(feature = "half")]
            Kind::F16 => Operand::numbers(&self.f16, shape).unwrap(),
            #[cfg(feature = "half")]
            Kind::BF16 => Operand::numbers(&self.bf16, shape).unwrap(),
            Kind::Codes(format) if format.bits() <= 8 => {
                Operand::codes(format, &self.codes, shape).unwrap()
            }
            Kind::Codes(format) if format.bits() <= 16 => {
                Operand::codes(format, &self.words, shape).unwrap()
            }
            Kind::Codes(format) => Operand::codes(format, &self.longs, shape).unwrap(),
            Kind::Dynamic(_) if self.numbers.len().is_multiple_of(2) => {
                Operand::quantized(quantizer, &self.numbers, shape).unwrap()
            }
            Kind::Tensor(_) | Kind::Dynamic(_) => self.tensor.as_ref().expect("a tensor").into(),
        }
    }

    /// The numbers of a row, read by other means than a product's.
    pub(crate) fn row(&self, line: usize) -> Vec<f32> {
        let cols = self.shape[2];
        let range = line * cols..(line + 1) * cols;
        match &self.kind {
            Kind::F32 => self.numbers[range].to_vec(),
            #[cfg(feature = "half")]
            Kind::F16 => self.f16[range].iter().map(|x| x.to_f32()).collect(),
            #[cfg(feature = "half")]
            Kind::BF16 => self.bf16[range].iter().map(|x| x.to_f32()).collect(),
            Kind::Codes(format) => {
                self.longs[range].iter().map(|code| format.decode_f32(*code)).collect()
            }
            Kind::Tensor(_) | Kind::Dynamic(_) => {
                self.tensor.as_ref().expect("a tensor").dequantize()[range].to_vec()
            }
        }
    }

    /// Of each position of a row the element without its scale, the scale, and which block it is
    /// in.
    pub(crate) fn blocks(&self, line: usize) -> (Vec<f32>, Vec<f32>, Vec<usize>) {
        let cols = self.shape[2];
        let Some(tensor) = &self.tensor else {
            return (self.row(line), vec![1.0; cols], vec![0; cols]);
        };
        let (view, spec) = (tensor.view(), tensor.spec());
        let block = |k: usize| match spec.extent {
            Extent::Block { cols, .. } => k / cols as usize,
            Extent::Column => k,
            Extent::Flat(length) => (line * cols + k) / length as usize,
            _ => 0,
        };
        let element = |k: usize| {
            let q = spec.element.decode_f32(view.code(line * cols + k).unwrap());
            // Formats with zero points have blocks of one row here.
            match (spec.offset, spec.extent) {
                (Offset::ZeroPoint, Extent::Row) => {
                    q - spec.element.decode_f32(view.offset_code(line))
                }
                (Offset::ZeroPoint, Extent::Block { rows: 1, cols: width }) => {
                    q - spec.element.decode_f32(
                        view.offset_code(line * cols.div_ceil(width as usize) + block(k)),
                    )
                }
                (Offset::None, _) => q,
                _ => panic!("{spec:?}"),
            }
        };
        let scale = |k: usize| view.scale(line * cols + k).unwrap();
        (
            (0..cols).map(element).collect(),
            (0..cols).map(scale).collect(),
            (0..cols).map(block).collect(),
        )
    }

    /// What multiplies a whole sum.
    pub(crate) fn tensor_factor(&self) -> f32 {
        let Some(tensor) = &self.tensor else { return 1.0 };
        match tensor.spec().tensor_scale {
            TensorScale::Divisor { .. } => 1.0 / tensor.tensor_scale(),
            TensorScale::Amax { target } => tensor.tensor_scale() / target,
            _ => tensor.tensor_scale(),
        }
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.kind
    }
}

/// The pairs that are tried: weights of every kind, against activations that go with them and some
/// that do not.
pub(crate) fn pairs() -> Vec<(Kind, Kind)> {
    let row_int8 = named("generic::INT8_ROW");
    let codes = Kind::Codes;
    let pairs = vec![
        (Kind::F32, Kind::F32),
        (Kind::F32, named("ocp::MXFP4")),
        (Kind::F32, named("modelopt::NVFP4")),
        (Kind::F32, named("ggml::Q4_0")),
        (Kind::F32, named("bitsandbytes::NF4")),
        (Kind::F32, named("generic::INT4_ROW")),
        (named("ocp::MXFP4"), named("ocp::MXFP4")),
        (named("ocp::MXFP6_E2M3"), named("ocp::MXFP6_E2M3")),
        (named("ocp::MXFP6_E3M2"), named("ocp::MXFP4")),
        (named("ocp::MXFP8_E4M3"), named("ocp::MXFP8_E4M3")),
        (named("ocp::MXFP8_E5M2"), named("ocp::MXFP8_E4M3")),
        (named("ocp::MXFP8_E4M3"), named("ocp::MXFP4")),
        (named("ocp::MXINT8"), named("ocp::MXINT8")),
        (named("transformer_engine::NVFP4"), named("torchao::NVFP4")),
        (named("modelopt::NVFP4"), named("fouroversix::NVFP4_MSE")),
        (named("fouroversix::NVINT4"), named("ocp::MXFP4")),
        (row_int8, row_int8),
        (named("generic::INT8_G32"), named("generic::INT8_G32")),
        (named("ggml::Q8_0"), named("ggml::Q4_0")),
        (named("generic::FP8_E4M3_TENSOR"), named("generic::FP8_E4M3_TENSOR")),
        (named("generic::FP8_E4M3_128X128"), named("generic::FP8_E4M3_128X128")),
        (named("generic::FP8_E4M3_TENSOR"), named("generic::INT4_ROW")),
        (codes(FormatSpec::F8E4M3), codes(FormatSpec::F8E4M3)),
        (codes(FormatSpec::F8E5M2), codes(FormatSpec::F8E4M3FNUZ)),
        (codes(FormatSpec::INT4), codes(FormatSpec::F8E4M3)),
        (codes(FormatSpec::INT8), codes(FormatSpec::INT8)),
        (codes(FormatSpec::UINT8), codes(FormatSpec::INT4)),
        (codes(FormatSpec::HIF8), codes(FormatSpec::F4E2M1)),
        (codes(FormatSpec::F16), codes(FormatSpec::POSIT8)),
        (codes(FormatSpec::BF16), codes(FormatSpec::MXINT8)),
        (codes(FormatSpec::TF32), codes(FormatSpec::F6E3M2)),
        (Kind::Dynamic(preset::ocp::MXFP8_E4M3), named("ocp::MXFP4")),
        (Kind::Dynamic(preset::modelopt::NVFP4), named("modelopt::NVFP4")),
        (named("generic::HIF8_TENSOR_TO_15"), Kind::F32),
        (Kind::F32, named("compressed_tensors::INT4_G32_ASYM")),
        (named("generic::INT8_G32"), named("compressed_tensors::INT4_G32_ASYM")),
        (Kind::F32, named("ggml::Q5_1")),
    ];
    #[cfg(feature = "half")]
    let pairs = [
        pairs,
        vec![
            (Kind::F16, named("ocp::MXFP4")),
            (Kind::BF16, named("torchao::NVFP4")),
            (Kind::BF16, Kind::F16),
        ],
    ]
    .concat();
    pairs
}
