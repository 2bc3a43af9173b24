//! Other programs' bytes: lossless conversions both ways.
