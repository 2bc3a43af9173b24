//! The rows of float8.

fn main() {
    subhalf_benches::scalars::measure::<float8::F8E4M3, float8::F8E5M2>();
}
