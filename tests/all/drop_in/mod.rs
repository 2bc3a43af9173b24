//! The traits of other crates, each over every scalar type, used as generic code uses them.

#[cfg(feature = "arbitrary")]
mod arbitrary;
#[cfg(all(feature = "ndarray", feature = "matmul", feature = "presets"))]
mod arrays;
#[cfg(feature = "zerocopy")]
mod casts;
#[cfg(feature = "serde")]
mod codes;
#[cfg(feature = "rand")]
mod draws;
#[cfg(feature = "num-traits-float")]
mod float;
#[cfg(feature = "alloc")]
mod lossless;
mod other_types;
#[cfg(all(feature = "serde", feature = "presets", feature = "matmul"))]
mod text;
