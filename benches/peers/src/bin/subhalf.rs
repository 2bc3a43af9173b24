fn main() {
    peers::measure::<subhalf::F8E4M3, subhalf::F8E5M2>();
}
