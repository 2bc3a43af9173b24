//! The layer gives the bits of `subhalf::matmul`, whatever the scheme, the type and the axes of x.

use candle_core::{DType, Device, IndexOp, Module, Result, Tensor};
use half::{bf16, f16};
use subhalf::{
    Accumulator, BlockSpec, Chain, FormatSpec, Matmul, Operand, QuantTensor, Round, matmul, preset,
};
use subhalf_candle::QuantLinear;

const OUTPUTS: usize = 48;
const INPUTS: usize = 96;
const ROWS: usize = 6;

fn numbers(len: usize, step: f32) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * step).sin() * 3.0).collect()
}

fn weight(spec: &BlockSpec) -> QuantTensor {
    QuantTensor::quantize(spec, &numbers(OUTPUTS * INPUTS, 0.37), &[OUTPUTS, INPUTS]).unwrap()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_scheme_gives_the_bits_of_matmul() -> Result<()> {
    let schemes = [
        preset::torchao::NVFP4,
        preset::ocp::MXFP4,
        preset::ggml::Q8_0,
        preset::compressed_tensors::INT4_G32_ASYM,
        preset::deepseek::v3::FP8_E4M3_128X128,
        preset::generic::INT8_ROW,
    ];
    let x = numbers(ROWS * INPUTS, 0.7);
    for spec in schemes {
        let weight = weight(&spec);
        let expected = matmul(Operand::numbers(&x, &[ROWS, INPUTS]).unwrap(), &weight).unwrap();
        let layer = QuantLinear::new(weight.view(), None, Matmul::new())?;
        let y = layer.forward(&Tensor::from_slice(&x, (ROWS, INPUTS), &Device::Cpu)?)?;
        assert_eq!(bits(&y.flatten_all()?.to_vec1()?), bits(&expected), "{spec:?}");
        // Three axes, and a view whose rows are not in order in memory.
        let x = Tensor::from_slice(&x, (2, 3, INPUTS), &Device::Cpu)?;
        let y = layer.forward(&x)?;
        assert_eq!(y.dims(), [2, 3, OUTPUTS]);
        let turned = layer.forward(&x.transpose(0, 1)?)?;
        assert_eq!(turned.i((2, 1))?.to_vec1::<f32>()?, y.i((1, 2))?.to_vec1::<f32>()?);
        assert_eq!(bits(&y.flatten_all()?.to_vec1()?), bits(&expected), "{spec:?}");
    }
    Ok(())
}

#[test]
fn the_bias_and_the_accumulator_take_part() -> Result<()> {
    let (weight, x, bias) =
        (weight(&preset::ocp::MXFP8_E4M3), numbers(ROWS * INPUTS, 0.7), numbers(OUTPUTS, 0.9));
    let rounded = Matmul::new().accumulator(Accumulator::chunked(
        32,
        Chain::rounded(FormatSpec::F16, Round::NearestEven),
        Chain::F32,
    ));
    let expected = rounded
        .bias(&bias)
        .multiply(Operand::numbers(&x, &[ROWS, INPUTS]).unwrap(), &weight)
        .unwrap();
    let (x, bias) =
        (Tensor::from_slice(&x, (ROWS, INPUTS), &Device::Cpu)?, Tensor::new(bias, &Device::Cpu)?);
    let y = QuantLinear::new(weight.view(), Some(bias.clone()), rounded)?.forward(&x)?;
    assert_eq!(bits(&y.flatten_all()?.to_vec1()?), bits(&expected));
    let plain = QuantLinear::new(weight.view(), Some(bias), Matmul::new())?.forward(&x)?;
    assert_ne!(bits(&plain.flatten_all()?.to_vec1()?), bits(&expected));
    Ok(())
}

#[test]
fn sixteen_bit_inputs_are_rounded_once() -> Result<()> {
    let (weight, x) = (weight(&preset::torchao::NVFP4), numbers(ROWS * INPUTS, 0.7));
    let layer = QuantLinear::new(weight.view(), None, Matmul::new())?;
    let x = Tensor::from_slice(&x, (ROWS, INPUTS), &Device::Cpu)?;
    let halves = x.to_dtype(DType::F16)?;
    let mut expected = vec![f16::ZERO; ROWS * OUTPUTS];
    let a = halves.flatten_all()?.to_vec1::<f16>()?;
    let a = Operand::numbers(&a, &[ROWS, INPUTS]).unwrap();
    Matmul::new().multiply_into(a, &weight, &mut expected).unwrap();
    assert_eq!(layer.forward(&halves)?.flatten_all()?.to_vec1::<f16>()?, expected);
    let halves = x.to_dtype(DType::BF16)?;
    let mut expected = vec![bf16::ZERO; ROWS * OUTPUTS];
    let a = halves.flatten_all()?.to_vec1::<bf16>()?;
    let a = Operand::numbers(&a, &[ROWS, INPUTS]).unwrap();
    Matmul::new().multiply_into(a, &weight, &mut expected).unwrap();
    assert_eq!(layer.forward(&halves)?.flatten_all()?.to_vec1::<bf16>()?, expected);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let layer = QuantLinear::new(weight(&preset::ocp::MXFP4).view(), None, Matmul::new())?;
    for x in [
        Tensor::zeros((2, INPUTS), DType::F64, &Device::Cpu)?,
        Tensor::zeros((2, 5), DType::F32, &Device::Cpu)?,
    ] {
        assert!(layer.forward(&x).is_err());
    }
    let bias = Tensor::zeros(OUTPUTS - 1, DType::F32, &Device::Cpu)?;
    let layer = QuantLinear::new(weight(&preset::ocp::MXFP4).view(), Some(bias), Matmul::new())?;
    assert!(layer.forward(&Tensor::zeros((2, INPUTS), DType::F32, &Device::Cpu)?).is_err());
    Ok(())
}
