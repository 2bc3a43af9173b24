//! Tables of the numbers of all codes, in memory or in registers.

use super::arithmetic::{ArithmeticDecode, fill_values};
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::spec::{Encoding, FormatSpec};

/// A table that an instruction set keeps in registers.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(in crate::kernel) enum RegisterTable {
    /// A table of up to 256 codes whose numbers are all bf16s.
    Planes(Planes),
    /// A table of codes of at most 5 bits.
    Few([[f32; 16]; 2]),
}

/// The numbers of 256 codes that are bf16s, as two tables of their bytes.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Planes {
    pub(in crate::kernel) low: [[u8; 64]; 4],
    pub(in crate::kernel) high: [[u8; 64]; 4],
    /// Codes of the upper half that are not the lower half's with a minus sign: a first one, and
    /// how many follow it.
    pub(in crate::kernel) odd: (u8, u8),
}

/// The numbers of all codes of formats that no arithmetic here decodes.
static HIF8: [f32; 256] = all_values(&FormatSpec::HIF8);
static POSIT8: [f32; 256] = all_values(&FormatSpec::POSIT8);

const fn all_values(spec: &FormatSpec) -> [f32; 256] {
    let mut values = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        values[code] = spec.decode_f32(code as u32);
        code += 1;
    }
    values
}

/// The numbers of all bytes; bits above a code's width are ignored. The reference codec is asked
/// only where nothing quicker says the same: this is done for every call.
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
            let mask = spec.code_mask() as usize;
            for (code, value) in values.iter_mut().enumerate() {
                *value = entries.get(code & mask).map_or(F32_NAN, |bits| f32::from_bits(*bits));
            }
        }
        (_, Encoding::Int(layout)) => {
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
        _ if *spec == FormatSpec::POSIT8 => values = POSIT8,
        _ => values = all_values(spec),
    }
    values
}

#[inline(always)]
fn table_body<D: Copy>(table: &[D; 256], src: &[u8], dst: &mut [D]) {
    for (code, x) in src.iter().zip(dst) {
        *x = table[*code as usize];
    }
}

/// Entries of a table.
pub(crate) fn look_up<D: Copy>(isa: Isa, table: &[D; 256], src: &[u8], dst: &mut [D]) {
    look_up_by(isa.without_gathers(), table, src, dst);
}

per_isa! {
    fn look_up_by[D: Copy](table: &[D; 256], src: &[u8], dst: &mut [D]) = table_body;
}
