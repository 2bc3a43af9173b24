//! Numbers to codes and back, and arithmetic on codes.

use crate::failure::{Failure, guarded};
use crate::names::{convert, format};
use crate::pointers::Place;
use core::ffi::c_int;
use subhalf::{Convert, Encoded, FormatSpec, Unpacked};

/// How a result is rounded, as a caller says it.
#[derive(Clone, Copy)]
struct Rounding {
    policy: c_int,
    round: c_int,
    random: u32,
}

/// Computes a code of a format, and writes it and the flags.
///
/// # Safety
/// Both pointers are null, or may be written until the call returns.
unsafe fn compute(
    result: c_int,
    Rounding { policy, round, random }: Rounding,
    code: *mut u32,
    flags: *mut u32,
    operation: impl FnOnce(&FormatSpec, &Convert, u32) -> Result<Encoded, Failure>,
) -> c_int {
    guarded(|| {
        let spec = format("format of the result", result)?;
        let convert = convert(&spec, policy, round)?;
        // SAFETY: the caller's promise.
        let code = unsafe { Place::required("result", code) }?;
        // SAFETY: the caller's promise.
        let flags = unsafe { Place::optional("flags", flags) }?;
        let encoded = operation(&spec, &convert, random)?;
        code.put(encoded.code);
        flags.put(u32::from(encoded.flags.bits()));
        Ok(0)
    })
}

/// Encodes a double.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_encode(
    format: c_int,
    value: f64,
    policy: c_int,
    round: c_int,
    random: u32,
    code: *mut u32,
    flags: *mut u32,
) -> c_int {
    let rounding = Rounding { policy, round, random };
    let encode = |spec: &FormatSpec, convert: &Convert, random| {
        Ok(spec.encode_with(Unpacked::from_f64(value), convert, random))
    };
    // SAFETY: the header asks for pointers that are null or may be written.
    unsafe { compute(format, rounding, code, flags, encode) }
}

/// The number of a code as a double, rounded to nearest even where a format is wider.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_decode(id: c_int, code: u32, value: *mut f64) -> c_int {
    guarded(|| {
        let spec = format("format", id)?;
        // SAFETY: the header asks for a pointer that is null or may be written.
        let value = unsafe { Place::required("value", value) }?;
        value.put(spec.decode_f64(code));
        Ok(0)
    })
}

/// Converts a code of one format to another.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_convert(
    from: c_int,
    a: u32,
    to: c_int,
    policy: c_int,
    round: c_int,
    random: u32,
    code: *mut u32,
    flags: *mut u32,
) -> c_int {
    let rounding = Rounding { policy, round, random };
    let encode = |spec: &FormatSpec, convert: &Convert, random| {
        Ok(spec.encode_with(format("format of a", from)?.decode(a), convert, random))
    };
    // SAFETY: the header asks for pointers that are null or may be written.
    unsafe { compute(to, rounding, code, flags, encode) }
}

/// Stamps the arithmetic of one format, by the number of operands.
macro_rules! arithmetic {
    ($($doc:literal $name:ident = $method:ident($($operand:ident),+);)*) => {$(
        #[doc = $doc]
        // SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            format: c_int,
            $($operand: u32,)+
            policy: c_int,
            round: c_int,
            random: u32,
            code: *mut u32,
            flags: *mut u32,
        ) -> c_int {
            let rounding = Rounding { policy, round, random };
            let operation = |spec: &FormatSpec, convert: &Convert, random| {
                Ok(spec.$method($($operand,)+ convert, random))
            };
            // SAFETY: the header asks for pointers that are null or may be written.
            unsafe { compute(format, rounding, code, flags, operation) }
        }
    )*};
}

arithmetic! {
    "`a + b`, rounded once."
    subhalf_add = add_with(a, b);
    "`a - b`, rounded once."
    subhalf_sub = sub_with(a, b);
    "`a * b`, rounded once."
    subhalf_mul = mul_with(a, b);
    "`a / b`, rounded once."
    subhalf_div = div_with(a, b);
    "The remainder of `a / b` with the quotient truncated, C's `fmod`."
    subhalf_rem = rem_with(a, b);
    "`a * b + c`, rounded once."
    subhalf_mul_add = mul_add_with(a, b, c);
    "The square root of `a`, rounded once."
    subhalf_sqrt = sqrt_with(a);
    "`1 / a`, rounded once."
    subhalf_recip = recip_with(a);
}

/// `a * b + c` of operands that have formats of their own, rounded once into a fourth.
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subhalf_fma(
    format_a: c_int,
    a: u32,
    format_b: c_int,
    b: u32,
    format_c: c_int,
    c: u32,
    result: c_int,
    policy: c_int,
    round: c_int,
    random: u32,
    code: *mut u32,
    flags: *mut u32,
) -> c_int {
    let rounding = Rounding { policy, round, random };
    let fma = |spec: &FormatSpec, convert: &Convert, random| {
        let (x, y) = (format("format of a", format_a)?, format("format of b", format_b)?);
        let z = format("format of c", format_c)?;
        Ok(spec.mul_add_of((&x, a), (&y, b), (&z, c), convert, random))
    };
    // SAFETY: the header asks for pointers that are null or may be written.
    unsafe { compute(result, rounding, code, flags, fma) }
}
