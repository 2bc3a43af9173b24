//! `ndarray`: arrays of every type, and tensors of and to arrays.

use ndarray::{Array2, Array3, LinalgScalar, ScalarOperand, arr1, s};
use std::fmt::Debug;
use subhalf::{F8E4M3, Format, Operand, QuantTensor, Quantizer, matmul, preset};

/// A product of matrices by the definition, each step rounded.
fn product_is_defined<T: Format + LinalgScalar + ScalarOperand + PartialEq + Debug>() {
    let number = |i: usize| T::encode_f32(((i * 7 % 5) as f32 - 2.0) / 2.0);
    let (a, b) = (
        Array2::from_shape_fn((3, 4), |(i, k)| number(i + 3 * k)),
        Array2::from_shape_fn((4, 2), |(k, j)| number(2 * k + j)),
    );
    let c = a.dot(&b);
    for ((i, j), found) in c.indexed_iter() {
        let sum = (0..4).fold(T::zero(), |sum, k| sum + a[[i, k]] * b[[k, j]]);
        assert!(*found == sum || sum.decode_f32().is_nan(), "{}: {found:?}, {sum:?}", T::SPEC);
    }
    let doubled = &a * T::encode_f32(2.0);
    assert!(
        doubled
            .iter()
            .zip(&a)
            .all(|(x, y)| *x == *y * T::encode_f32(2.0) || x.decode_f32().is_nan())
    );
}

#[test]
fn arrays_of_every_type_with_a_zero_have_linear_algebra() {
    macro_rules! check {
        ($($name:ident)*) => { $(product_is_defined::<subhalf::$name>();)* };
    }
    // E8M0 has no zero, from which a sum could start.
    check! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1
        HiF8 UE4M3 UE5M3 Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf
        Binary6p4sf Binary4p2sf
    }
    fn is_operand<T: ScalarOperand>() {}
    macro_rules! all {
        ($($name:ident)*) => { $(is_operand::<subhalf::$name>();)* };
    }
    subhalf::__scalars! { all }
    assert_eq!((arr1(&[F8E4M3::ONE]) + F8E4M3::ONE)[0].to_f32(), 2.0);
}

#[test]
fn tensors_of_arrays_are_those_of_their_elements_in_order() {
    let x =
        Array3::from_shape_fn((2, 33, 64), |(a, b, c)| ((a + 5 * b + 11 * c) % 97) as f32 - 40.0);
    for spec in [preset::ocp::MXFP4, preset::torchao::NVFP4] {
        let quantizer = Quantizer::new(&spec);
        for view in [
            x.view(),
            x.view().reversed_axes(),
            x.slice(s![.., ..;-1, ..32]),
            x.slice(s![1..2, ..;2, 1..;3]),
            x.slice(s![.., 4..4, ..]),
        ] {
            let flat: Vec<f32> = view.iter().copied().collect();
            let expected = QuantTensor::quantize(&spec, &flat, view.shape());
            let found = quantizer.quantize_array(view);
            assert_eq!(found, expected);
            let Ok(tensor) = found else { continue };
            let array = tensor.to_array();
            assert_eq!(array.shape(), view.shape());
            assert_eq!(array.iter().copied().collect::<Vec<_>>(), tensor.dequantize());
        }
    }
}

#[test]
fn operands_of_arrays_are_not_copied() {
    let a = Array2::from_shape_fn((3, 4), |(i, k)| (i + k) as f32);
    let b = Array2::from_shape_fn((2, 4), |(j, k)| (j * k) as f32);
    let found = matmul(Operand::array(a.view()).unwrap(), Operand::array(b.view()).unwrap());
    assert_eq!(found.unwrap(), a.dot(&b.t()).into_raw_vec_and_offset().0);
    let error = Operand::array(a.t()).unwrap_err().to_string();
    assert!(error.contains("row-major"), "{error}");
    assert!(Operand::array(a.slice(s![1.., ..])).is_ok());
    assert!(Operand::array(a.slice(s![.., ..3])).is_err());
}
