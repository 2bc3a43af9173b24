//! The rows of microfloat.

fn main() {
    subhalf_benches::scalars::measure::<microfloat::f8e4m3fn, microfloat::f8e5m2>();
}
