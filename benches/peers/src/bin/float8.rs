fn main() {
    peers::measure::<float8::F8E4M3, float8::F8E5M2>();
}
