//! The rows of minifloat.

fn main() {
    subhalf_benches::scalars::measure::<minifloat::F8E4M3FN, minifloat::F8E5M2>();
}
