//! Instructions of matrix units.

use crate::failure::{Failure, guarded};
use crate::names::unit_of;
use crate::pointers::{Place, codes};
use core::ffi::c_int;
use subhalf::{Error, MmaSpec};

/// A caller's arrays: the codes of both sides, and those of their scales.
#[derive(Clone, Copy)]
struct Arrays {
    a: *const u32,
    b: *const u32,
    count: u32,
    scales_a: *const u32,
    scales_b: *const u32,
    scales: u32,
}

/// The arrays, read.
struct Rows<'a> {
    a: &'a [u32],
    b: &'a [u32],
    scales: [&'a [u32]; 2],
}

impl Arrays {
    /// # Safety
    /// Each pointer is null, or points to as many integers as its count says, which nobody writes
    /// for `'a`.
    unsafe fn read<'a>(self) -> Result<Rows<'a>, Failure> {
        // SAFETY: the caller's promise.
        let a = unsafe { codes("codes of a", self.a, self.count) }?;
        // SAFETY: the caller's promise.
        let b = unsafe { codes("codes of b", self.b, self.count) }?;
        // SAFETY: the caller's promise.
        let scales_a = unsafe { codes("scales of a", self.scales_a, self.scales) }?;
        // SAFETY: the caller's promise.
        let scales_b = unsafe { codes("scales of b", self.scales_b, self.scales) }?;
        Ok(Rows { a, b, scales: [scales_a, scales_b] })
    }
}

/// Computes D from a caller's arrays, and writes it.
///
/// # Safety
/// The pointers of `arrays` are null or point to as many integers as its counts say; `d` is null or
/// may be written until the call returns.
unsafe fn compute(
    unit: c_int,
    arrays: Arrays,
    d: *mut u32,
    instruction: impl FnOnce(&MmaSpec, &Rows<'_>) -> Result<u32, Error>,
) -> c_int {
    guarded(|| {
        let spec = unit_of(unit)?;
        // SAFETY: the caller's promise.
        let rows = unsafe { arrays.read() }?;
        // SAFETY: the caller's promise.
        let d = unsafe { Place::required("d", d) }?;
        let code = instruction(&spec, &rows).map_err(|error| Failure::length(error.to_string()))?;
        d.put(code);
        Ok(0)
    })
}

/// One instruction: D for as many pairs of codes as it takes, or fewer, and C.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_unit_step(
    unit: c_int,
    a: *const u32,
    b: *const u32,
    count: u32,
    scales_a: *const u32,
    scales_b: *const u32,
    scales: u32,
    c: u32,
    d: *mut u32,
) -> c_int {
    let arrays = Arrays { a, b, count, scales_a, scales_b, scales };
    let step = |spec: &MmaSpec, rows: &Rows<'_>| {
        spec.step_scaled(rows.a, rows.b, rows.scales, c).map(|step| step.code)
    };
    // SAFETY: the header asks for pointers that are null or valid for their counts.
    unsafe { compute(unit, arrays, d, step) }
}

/// As many instructions as the pairs of codes need: D of each is C of the next.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_unit_dot(
    unit: c_int,
    a: *const u32,
    b: *const u32,
    count: u32,
    scales_a: *const u32,
    scales_b: *const u32,
    scales: u32,
    c: u32,
    d: *mut u32,
) -> c_int {
    let arrays = Arrays { a, b, count, scales_a, scales_b, scales };
    let dot = |spec: &MmaSpec, rows: &Rows<'_>| spec.dot_scaled(rows.a, rows.b, rows.scales, c);
    // SAFETY: the header asks for pointers that are null or valid for their counts.
    unsafe { compute(unit, arrays, d, dot) }
}
