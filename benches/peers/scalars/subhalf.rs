//! The rows of subhalf.

fn main() {
    subhalf_benches::scalars::measure::<subhalf::F8E4M3, subhalf::F8E5M2>();
}
