//! Arrays of numbers: temporary.
use crate::failure::Failure;
pub(crate) struct Array {
    pub(crate) numbers: Vec<f32>,
}
pub(crate) fn read(path: &std::path::Path) -> Result<Array, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|e| Failure::File(path.display().to_string(), e.to_string()))?;
    let n = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    Ok(Array {
        numbers: bytes[10 + n..].as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    })
}
