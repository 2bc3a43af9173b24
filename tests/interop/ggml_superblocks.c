// Numbers, and what ggml's reference makes of them in Q4_K and Q6_K, as a file that tests/all/gguf/superblocks.rs reads:
// per superblock 256 f32s, 144 bytes of Q4_K and 210 of Q6_K, little-endian.
//
// With the sources of ggml d99724f2 in GGML, x86-64, gcc 12.2.0, run by hand on 2026-11-30:
//
//     gcc -O2 -ffp-contract=off -I GGML/include -I GGML/src -shared -fPIC -o libquants.so GGML/src/ggml-quants.c -lm
//     gcc -O2 -o superblocks tests/interop/ggml_superblocks.c ./libquants.so -Wl,--unresolved-symbols=ignore-all -lm
//     ./superblocks 2 1 > tests/golden/gguf/superblocks.bin        (two superblocks of each kind, seed 1)
//     ./superblocks 5000 2 > FOLDER/superblocks.bin                (for SUBHALF_GGML=FOLDER, 96 MB)
//
// -ffp-contract=off: no product is fused into a sum; neither -ffast-math nor -march.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void quantize_row_q4_K_ref(const float *x, void *y, int64_t k);
void quantize_row_q6_K_ref(const float *x, void *y, int64_t k);

static uint64_t state;
static uint32_t word(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}
static float uniform(void) { return (float)(word() >> 8) / 16777216.0f; }
static float normal(void) {
    float sum = -6;
    for (int i = 0; i < 12; i++) sum += uniform();
    return sum;
}
// A float of any magnitude from 2^low up to below 2^high.
static float wide(int low, int high) {
    float x = ldexpf(1 + uniform(), low + (int)(word() % (uint32_t)(high - low)));
    return word() & 1 ? x : -x;
}

enum { KINDS = 14 };

static void fill(float *x, int kind) {
    float a = normal(), b = ldexpf(1 + uniform(), (int)(word() % 20) - 16);
    for (int i = 0; i < 256; i++) {
        switch (kind) {
        case 0: x[i] = uniform() * 2 - 1; break;
        case 1: x[i] = normal() * 0.02f; break;
        case 2: x[i] = a; break;                                                       // constant
        case 3: x[i] = word() & 1 ? 0.0f : -0.0f; break;                               // zeros
        case 4: x[i] = normal() * (word() % 64 ? 0.02f : 4.0f); break;                 // outliers
        case 5: x[i] = fabsf(normal()) * b; break;                                     // positive
        case 6: x[i] = -fabsf(normal()) * b; break;                                    // negative
        case 7: x[i] = wide(-30, 4); break;                                            // all magnitudes
        case 8: x[i] = (float)((int)(word() % 16) - 8) * b; break;                     // already on a grid
        case 9: x[i] = i / 32 % 2 ? 0.0f : normal() * b; break;                        // runs of zeros
        case 10: x[i] = i == (int)(word() % 256) ? normal() : 0.0f; break;             // next to nothing
        case 11: x[i] = ldexpf(normal(), (int)(word() % 8) - 22); break;               // scales about F16's smallest
        case 12: x[i] = wide(-149, -100); break;                                       // vanishing
        case 13: x[i] = wide(8, 18); break;                                            // large
        }
    }
}

int main(int count, char **arguments) {
    if (count != 3) return 1;
    int each = atoi(arguments[1]);
    state = strtoull(arguments[2], 0, 10);
    for (int kind = 0; kind < KINDS; kind++) {
        for (int n = 0; n < each; n++) {
            float x[256];
            unsigned char q4_k[144], q6_k[210];
            fill(x, kind);
            memset(q4_k, 0, sizeof q4_k);
            memset(q6_k, 0, sizeof q6_k);
            quantize_row_q4_K_ref(x, q4_k, 256);
            quantize_row_q6_K_ref(x, q6_k, 256);
            fwrite(x, 1, sizeof x, stdout);
            fwrite(q4_k, 1, sizeof q4_k, stdout);
            fwrite(q6_k, 1, sizeof q6_k, stdout);
        }
    }
    return 0;
}
