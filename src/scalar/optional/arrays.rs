//! `ndarray`: `array * x`. What linear algebra asks for, `LinalgScalar`, follows from the traits of
//! `num-traits`.

/// The type as an operand of array arithmetic.
#[doc(hidden)]
#[macro_export]
macro_rules! __ndarray {
    ($name:ident) => {
        impl $crate::scalar_support::ndarray::ScalarOperand for $name {}
    };
}
