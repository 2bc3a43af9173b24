// Blocks of ggml's IQ types with grids, in which every point of every grid occurs, and a digest of what ggml's reference makes of each
// block, as a file that tests/all/gguf/grids.rs reads: for each type its blocks, each with eight bytes of FNV-1a over the bits of its
// 256 f32s, byte by byte.
//
// With the sources of ggml d99724f2 in GGML, x86-64, gcc 12.2.0, run by hand on 2026-11-30:
//
//     gcc -O2 -ffp-contract=off -I GGML/include -I GGML/src -shared -fPIC -o libquants.so GGML/src/ggml-quants.c -lm
//     gcc -O2 -o grids tests/interop/ggml_grids.c ./libquants.so -Wl,--unresolved-symbols=ignore-all -lm
//     ./grids > tests/golden/gguf/grids.bin
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void dequantize_row_iq2_xxs(const void *x, float *y, int64_t k);
void dequantize_row_iq2_xs(const void *x, float *y, int64_t k);
void dequantize_row_iq2_s(const void *x, float *y, int64_t k);
void dequantize_row_iq3_xxs(const void *x, float *y, int64_t k);
void dequantize_row_iq3_s(const void *x, float *y, int64_t k);
void dequantize_row_iq1_s(const void *x, float *y, int64_t k);
void dequantize_row_iq1_m(const void *x, float *y, int64_t k);

typedef unsigned char byte;

// Puts index n at place i of a block.
static void put_iq2_xxs(byte *x, int i, int n) { x[2 + 8 * (i / 4) + i % 4] = (byte)n; }
static void put_iq2_xs(byte *x, int i, int n) {
    x[2 + 2 * i] = (byte)n;
    x[3 + 2 * i] = (byte)((x[3 + 2 * i] & 0xFE) | n >> 8);
}
static void put_iq2_s(byte *x, int i, int n) {
    byte *high = x + 66 + i / 4;
    x[2 + i] = (byte)n;
    *high = (byte)((*high & ~(3 << 2 * (i % 4))) | n >> 8 << 2 * (i % 4));
}
static void put_iq3_xxs(byte *x, int i, int n) { x[2 + i] = (byte)n; }
static void put_iq3_s(byte *x, int i, int n) {
    byte *ninth = x + 66 + i / 8;
    x[2 + i] = (byte)n;
    *ninth = (byte)((*ninth & ~(1 << i % 8)) | n >> 8 << i % 8);
}
static void put_iq1_s(byte *x, int i, int n) {
    byte *at = x + 34 + 2 * (i / 4);
    unsigned word = at[0] | at[1] << 8, shift = 3 * (i % 4);
    word = (word & ~(7u << shift)) | (unsigned)(n >> 8) << shift;
    x[2 + i] = (byte)n;
    at[0] = (byte)word;
    at[1] = (byte)(word >> 8);
}
static void put_iq1_m(byte *x, int i, int n) {
    byte *high = x + 32 + i / 2;
    x[i] = (byte)n;
    *high = (byte)((*high & ~(7 << 4 * (i % 2))) | n >> 8 << 4 * (i % 2));
}

static const struct {
    int bytes, indices, points;
    void (*put)(byte *, int, int);
    void (*dequantize)(const void *, float *, int64_t);
} TYPES[7] = {
    {66, 32, 256, put_iq2_xxs, dequantize_row_iq2_xxs}, {74, 32, 512, put_iq2_xs, dequantize_row_iq2_xs},
    {82, 32, 1024, put_iq2_s, dequantize_row_iq2_s},    {98, 64, 256, put_iq3_xxs, dequantize_row_iq3_xxs},
    {110, 64, 512, put_iq3_s, dequantize_row_iq3_s},    {50, 32, 2048, put_iq1_s, dequantize_row_iq1_s},
    {56, 32, 2048, put_iq1_m, dequantize_row_iq1_m},
};

int main(void) {
    uint64_t state = 3;
    for (int t = 0; t < 7; t++) {
        for (int b = 0; b < TYPES[t].points / TYPES[t].indices; b++) {
            byte x[128];
            float y[256];
            for (int i = 0; i < TYPES[t].bytes; i++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                x[i] = (byte)(state >> 56);
            }
            // A finite d: an exponent without its upper bit.
            x[t == 6 ? 55 : 1] &= 0xBF;
            for (int i = 0; i < TYPES[t].indices; i++) TYPES[t].put(x, i, b * TYPES[t].indices + i);
            TYPES[t].dequantize(x, y, 256);
            uint64_t digest = 0xCBF29CE484222325u;
            for (size_t i = 0; i < sizeof y; i++) digest = (digest ^ ((byte *)y)[i]) * 0x100000001B3u;
            fwrite(x, 1, (size_t)TYPES[t].bytes, stdout);
            fwrite(&digest, 1, 8, stdout);
        }
    }
    return 0;
}
