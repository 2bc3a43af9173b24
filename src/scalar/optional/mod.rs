//! Traits of other crates for stamped types, each behind the feature that has the crate's name.
//! They are there with the feature of this crate, whatever the features of the caller's; what needs
//! more than a call is in the functions beside the macros.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "arbitrary")]
mod bytes;
#[cfg(feature = "serde")]
mod codes;
#[cfg(feature = "rand")]
mod draws;
#[cfg(feature = "num-traits-float")]
mod float;

#[cfg(feature = "rand")]
pub use ::{rand, rand_distr};
#[cfg(feature = "arbitrary")]
pub use ::arbitrary;
#[cfg(feature = "ndarray")]
pub use ::ndarray;
#[cfg(feature = "serde")]
pub use ::serde;
#[cfg(feature = "serde")]
pub use codes::{deserialize_code, serialize_code};
#[cfg(feature = "rand")]
pub use draws::{RoundedUniform, add_weight, sample};
#[cfg(feature = "num-traits-float")]
pub use float::{integer_decode, libm, to_integer, without_pole};

/// Stamps the traits of one type, given its name and code type.
#[doc(hidden)]
#[macro_export]
macro_rules! __optional_traits {
    ($name:ident $code:ty) => {
        $crate::__serde! { $name $code }
        $crate::__arbitrary! { $name $code }
        $crate::__ndarray! { $name }
        $crate::__rand! { $name }
    };
}

#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde {
    ($($rest:tt)*) => {};
}

#[cfg(not(feature = "arbitrary"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __arbitrary {
    ($($rest:tt)*) => {};
}

#[cfg(not(feature = "ndarray"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __ndarray {
    ($($rest:tt)*) => {};
}

#[cfg(not(feature = "rand"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __rand {
    ($($rest:tt)*) => {};
}

#[cfg(not(feature = "num-traits-float"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __float {
    ($($rest:tt)*) => {};
}
