"""Known answers for GGML's quantised blocks: what random blocks stand for, and what ggml writes.

    python3 scripts/train/reference/ggml_blocks.py LIBGGML_BASE_SO [OUT]

OUT is engine/src/test/resources/ggml-blocks.json by default. The decoders below follow the
published block layouts, one field after the other, and compute in fp32 in the published order. The
library (for example libggml-base.so of the llama.cpp that `nightjar bench peers` fetches) is asked
for the blocks of given values, and must agree with the decoders bit for bit.
"""

import base64
import ctypes
import json
import sys

import numpy as np

TABLE = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32
)


def f16(raw):
    """An fp16 field as fp32."""
    return np.frombuffer(raw, "<f2")[0].astype(np.float32)


def halves(raw):
    """Lower nibbles of all bytes, then upper ones."""
    bytes_ = np.frombuffer(raw, np.uint8)
    return np.concatenate([bytes_ & 15, bytes_ >> 4]).astype(np.int32)


def bits(raw):
    """Single bits, the lowest of the first byte first."""
    return np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little").astype(np.int32)


def f32(values):
    return np.asarray(values, np.float32)


def q8_0(b):
    return f16(b[:2]) * f32(np.frombuffer(b[2:34], np.int8))


def q4_0(b):
    return f16(b[:2]) * f32(halves(b[2:18]) - 8)


def q4_1(b):
    return f16(b[:2]) * f32(halves(b[4:20])) + f16(b[2:4])


def q5_0(b):
    return f16(b[:2]) * f32((halves(b[6:22]) | bits(b[2:6]) << 4) - 16)


def q5_1(b):
    return f16(b[:2]) * f32(halves(b[8:24]) | bits(b[4:8]) << 4) + f16(b[2:4])


def iq4_nl(b):
    return f16(b[:2]) * TABLE[halves(b[2:18])]


def iq4_xs(b):
    d, high = f16(b[:2]), int.from_bytes(b[2:4], "little")
    out = []
    for j in range(8):
        low = b[4 + j // 2] >> 4 * (j % 2) & 15
        scale = d * f32((low | (high >> 2 * j & 3) << 4) - 32)
        out.append(scale * TABLE[halves(b[8 + 16 * j : 24 + 16 * j])])
    return np.concatenate(out)


def two_bits(raw):
    """64 bytes, each 32 of them holding four runs of 32 elements."""
    bytes_ = np.frombuffer(raw, np.uint8).reshape(2, 1, 32)
    return (bytes_ >> np.array([0, 2, 4, 6]).reshape(1, 4, 1) & 3).reshape(256).astype(np.int32)


def four_bits(raw):
    """128 bytes, each 32 of them holding two runs of 32 elements."""
    return np.concatenate([halves(raw[i : i + 32]) for i in range(0, 128, 32)])


def q2_k(b):
    d, dmin, q = f16(b[80:82]), f16(b[82:84]), two_bits(b[16:80])
    out = []
    for j in range(16):
        dl, ml = d * f32(b[j] & 15), dmin * f32(b[j] >> 4)
        out.append(dl * f32(q[16 * j : 16 * j + 16]) - ml)
    return np.concatenate(out)


def q3_k(b):
    d = f16(b[108:110])
    third = bits(b[:32]).reshape(32, 8).T.reshape(256)
    q = two_bits(b[32:96]) - np.where(third == 1, 0, 4)
    scales = b[96:108]
    out = []
    for j in range(16):
        low = scales[j] & 15 if j < 8 else scales[j - 8] >> 4
        high = scales[8 + j % 4] >> 2 * (j // 4) & 3
        out.append(d * f32((low | high << 4) - 32) * f32(q[16 * j : 16 * j + 16]))
    return np.concatenate(out)


def scale_min(scales, j):
    """The six-bit scale and minimum of the j-th 32 elements."""
    if j < 4:
        return scales[j] & 63, scales[j + 4] & 63
    return (
        scales[j + 4] & 15 | scales[j - 4] >> 6 << 4,
        scales[j + 4] >> 4 | scales[j] >> 6 << 4,
    )


def with_minima(d, dmin, scales, q):
    out = []
    for j in range(8):
        scale, minimum = scale_min(scales, j)
        out.append(d * f32(scale) * f32(q[32 * j : 32 * j + 32]) - dmin * f32(minimum))
    return np.concatenate(out)


def q4_k(b):
    return with_minima(f16(b[:2]), f16(b[2:4]), b[4:16], four_bits(b[16:144]))


def q5_k(b):
    fifth = bits(b[16:48]).reshape(32, 8).T.reshape(256)
    return with_minima(f16(b[:2]), f16(b[2:4]), b[4:16], four_bits(b[48:176]) | fifth << 4)


def q6_k(b):
    low = np.concatenate([halves(b[i : i + 64]) for i in (0, 64)])
    q = f32((low | two_bits(b[128:192]) << 4) - 32)
    scales = f32(np.frombuffer(b[192:208], np.int8))
    return np.repeat(f16(b[208:210]) * scales, 16) * q


# name: (number in ggml.h, decoder, elements, bytes, offsets of fp16 fields)
TYPES = {
    "Q4_0": (2, q4_0, 32, 18, [0]),
    "Q4_1": (3, q4_1, 32, 20, [0, 2]),
    "Q5_0": (6, q5_0, 32, 22, [0]),
    "Q5_1": (7, q5_1, 32, 24, [0, 2]),
    "Q8_0": (8, q8_0, 32, 34, [0]),
    "Q2_K": (10, q2_k, 256, 84, [80, 82]),
    "Q3_K": (11, q3_k, 256, 110, [108]),
    "Q4_K": (12, q4_k, 256, 144, [0, 2]),
    "Q5_K": (13, q5_k, 256, 176, [0, 2]),
    "Q6_K": (14, q6_k, 256, 210, [208]),
    "IQ4_NL": (20, iq4_nl, 32, 18, [0]),
    "IQ4_XS": (23, iq4_xs, 256, 136, [0]),
}


def random_blocks(random, elements, size, fields):
    """Blocks of random bits with finite fp16 fields: usual, negative, subnormal and zero ones."""
    blocks = b""
    for i in range(1536 // elements):
        block = bytearray(random.integers(0, 256, size, dtype=np.uint8).tobytes())
        for at in fields:
            value = random.normal() * [1, 0.01, 1e-6, 0][i % 4]
            block[at : at + 2] = np.float16(value).tobytes()
        blocks += bytes(block)
    return blocks


def values_to_encode(random):
    """Normal values, outliers, all of one sign, a constant block, zeros, and tiny ones."""
    x = random.normal(size=(6, 256)).astype(np.float32)
    x[1, ::17] *= 20
    x[2] = np.abs(x[2]) * 0.05 + 1
    x[3] = -0.25
    x[3, :32] = np.arange(32) * 0.5 - 7
    x[4] = 0
    x[5] *= np.float32(1e-5)
    return x.reshape(-1)


def decode(name, blocks):
    _, decoder, _, size, _ = TYPES[name]
    return np.concatenate([decoder(blocks[i : i + size]) for i in range(0, len(blocks), size)])


class Library:
    """The two functions of ggml that are needed."""

    def __init__(self, path):
        self.ggml = ctypes.CDLL(path)
        self.ggml.ggml_quantize_chunk.restype = ctypes.c_size_t

    def encode(self, name, values):
        number, _, elements, size, _ = TYPES[name]
        out = ctypes.create_string_buffer(len(values) // elements * size)
        self.ggml.ggml_quantize_chunk(
            ctypes.c_int(number),
            values.ctypes.data_as(ctypes.c_void_p),
            out,
            ctypes.c_int64(0),
            ctypes.c_int64(1),
            ctypes.c_int64(len(values)),
            None,
        )
        return out.raw

    def decode(self, name, blocks):
        _, _, elements, size, _ = TYPES[name]
        out = np.zeros(len(blocks) // size * elements, np.float32)
        function = "dequantize_row_" + name.lower().replace("_k", "_K")
        getattr(self.ggml, function)(
            blocks, out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(out))
        )
        return out


def main(library, out="engine/src/test/resources/ggml-blocks.json"):
    ggml = Library(library)
    random = np.random.default_rng(7)
    text = lambda raw: base64.b64encode(raw).decode()
    values = values_to_encode(random)
    result = {"values": text(values.tobytes()), "types": {}}
    for name, (_, _, elements, size, fields) in TYPES.items():
        blocks = random_blocks(random, elements, size, fields)
        decoded = decode(name, blocks)
        assert decoded.dtype == np.float32
        assert decoded.tobytes() == ggml.decode(name, blocks).tobytes(), name
        encoded = ggml.encode(name, values)
        result["types"][name] = {
            "blocks": text(blocks),
            "decoded": text(decoded.tobytes()),
            "encoded": text(encoded),
        }
        error = np.sqrt(np.mean((decode(name, encoded) - values)[:256] ** 2))
        print(f"{name:7} {len(blocks) // size:3} blocks agree, error of normal values {error:.4f}")
    with open(out, "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
