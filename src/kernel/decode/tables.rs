//! Tables of the numbers of all codes of at most 8 bits: 1 KiB in memory, which stays in L1, or
//! split into vectors that permutes look up in registers.

use super::arithmetic::{ArithmeticDecode, fill_values};
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::spec::{Encoding, FormatSpec};

/// A table in the form that an instruction set keeps in registers.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(in crate::kernel) enum RegisterTable {
    /// Up to 256 codes whose numbers are all exact in bf16, for byte permutes.
    Planes(Planes),
    /// The bytes of the numbers of up to 256 codes, the lowest first, for byte permutes.
    Bytes([[u8; 256]; 4]),
    /// 32 codes of at most 5 bits, for permutes of f32s.
    Few([[f32; 16]; 2]),
}

/// The numbers of 256 codes, all exact in bf16, as two tables of bytes: an f32 is the high byte,
/// the low byte and 16 zeros. Made by the instruction set that permutes bytes, whose compares find
/// `odd`.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Planes {
    /// Bits 16 to 23 of each f32, in four vectors of 64 codes.
    pub(in crate::kernel) low: [[u8; 64]; 4],
    /// Bits 24 to 31 of each f32.
    pub(in crate::kernel) high: [[u8; 64]; 4],
    /// The range of codes from 128 on that are not the code 128 below with a minus sign: the first
    /// such code and the distance to the last.
    pub(in crate::kernel) odd: (u8, u8),
}

// No arithmetic here decodes these formats, and the reference codec takes microseconds for 256
// codes, which every short call would pay. So their numbers are computed at compile time.
static HIF8: [f32; 256] = all_values(&FormatSpec::HIF8);
static POSIT8: [f32; 256] = all_values(&FormatSpec::POSIT8);

/// Returns the numbers of all bytes by the reference codec.
const fn all_values(spec: &FormatSpec) -> [f32; 256] {
    let mut values = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        values[code] = spec.decode_f32(code as u32);
        code += 1;
    }
    values
}

/// Returns the numbers of all bytes; bits above a code's width are ignored. Every call makes the
/// table anew, so the reference codec is asked only where nothing faster gives the same.
pub(super) fn values(
    isa: Isa,
    spec: &FormatSpec,
    uniform: Option<&ArithmeticDecode>,
) -> [f32; 256] {
    let mut values = [0.0; 256];
    match (uniform, spec.encoding()) {
        (Some(decode), _) => fill_values(isa, decode, &mut values),
        (_, Encoding::HiF8) => values = HIF8,
        (_, Encoding::Codebook(entries)) => {
            // Entries are f32 bits already; codes behind the last entry are NaN.
            let mask = spec.code_mask() as usize;
            for (code, value) in values.iter_mut().enumerate() {
                *value = entries.get(code & mask).map_or(F32_NAN, |bits| f32::from_bits(*bits));
            }
        }
        (_, Encoding::Int(layout)) => {
            // Bits above the code are shifted out; an arithmetic shift back extends the sign. The
            // product with the unit, a power of two, is exact.
            let (spare, unit) = (
                32 - spec.bits(),
                Unpacked::new(false, 1, -i32::from(layout.fraction_bits)).to_f32(),
            );
            for (code, value) in (0u32..).zip(&mut values) {
                let word = code << spare;
                let integer =
                    if layout.signed { (word as i32) >> spare } else { (word >> spare) as i32 };
                *value = integer as f32 * unit;
            }
        }
        // The one posit of 8 bits with a table; others go through the codec.
        _ if *spec == FormatSpec::POSIT8 => values = POSIT8,
        _ => values = all_values(spec),
    }
    values
}

#[inline(always)]
fn table_body<D: Copy>(table: &[D; 256], src: &[u8], dst: &mut [D]) {
    // A byte cannot exceed the table, so no bounds check is left: a load and a store per code.
    for (code, x) in src.iter().zip(dst) {
        *x = table[*code as usize];
    }
}

/// Writes the table entry of each code.
pub(crate) fn look_up<D: Copy>(isa: Isa, table: &[D; 256], src: &[u8], dst: &mut [D]) {
    // Gathers are slower than scalar loads on the processors measured.
    look_up_by(isa.without_gathers(), table, src, dst);
}

per_isa! {
    /// Writes the table entry of each code, by a plain loop.
    fn look_up_by[D: Copy](table: &[D; 256], src: &[u8], dst: &mut [D]) = table_body;
}
