//! The codes of an operand's lines, as they are stored where a kernel takes them so.

use super::operand::Operand;
use crate::kernel::gemm::NR;
use crate::kernel::{CodeRows, Isa};
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Codes of up to 16 lines of an operand, from `line` on: the stored bytes where a line has one
/// code a byte or, if `pairs` are taken, two; else copies, one code a byte. The first line stands
/// for those beyond `rows`.
pub(super) fn code_rows<'b, 'a: 'b>(
    operand: &Operand<'a>,
    isa: Isa,
    line: usize,
    rows: usize,
    pairs: bool,
    copies: &'b mut [Vec<u8>; NR],
) -> CodeRows<'b> {
    let bits = operand.element().map_or(0, FormatSpec::bits);
    let stored = operand.row_codes(line).is_some();
    let paired = pairs && stored && bits == 4 && operand.spec().is_some();
    let stored = paired || stored && (bits == 8 || operand.spec().is_none());
    let mut lane = 0;
    let bytes = copies.each_mut().map(|copy| {
        let line = line + if lane < rows { lane } else { 0 };
        lane += 1;
        if let Some(codes) = operand.row_codes(line).filter(|_| stored) {
            return codes;
        }
        copy.resize(operand.cols(), 0);
        operand.codes_of(isa, line, copy);
        copy
    });
    CodeRows { bytes, paired }
}
