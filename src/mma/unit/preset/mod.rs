//! Matrix units of known hardware, each with the evidence for it.
//!
//! A [`MatrixUnit`] is a unit with its name, the instruction that runs on it, the element formats
//! that it takes, and a grade: what shows that the hardware returns these bits. The grade is part
//! of the value, so that programs and tests can ask for it.
//!
//! ```
//! use subhalf::{FormatSpec, unit};
//! let fp8 = unit::hopper::WGMMA_FP8;
//! assert_eq!(fp8.grade, unit::Grade::Silicon);
//! let spec = fp8.spec(FormatSpec::F8E4M3, FormatSpec::F8E5M2)?;
//! assert_eq!((spec.fan_in(), spec.keep()), (32, Some(13)));
//! assert!(fp8.spec(FormatSpec::BF16, FormatSpec::BF16).is_err());
//! # Ok::<(), subhalf::Error>(())
//! ```

pub mod amd;
pub mod arm;
mod gpus;
mod nvidia;
pub mod riscv;
mod table;
pub mod x86;

pub use gpus::{all, by_name, units_of};
pub use nvidia::{ada, ampere, blackwell, hopper, imma, turing, volta};
pub use table::{Grade, MatrixUnit, assumed_f32_chain};
