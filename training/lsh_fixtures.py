"""Prints the codes of one row under `hash(lsh, BITS)`, as `crates/alike/tests/it/hashing.rs` expects them.

    python training/lsh_fixtures.py

Needs Python alone: the generator works with whole numbers, and sums run in double precision in the order of dimensions.
"""

import struct

WORD = 2**64 - 1


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & WORD
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & WORD
        yield mixed ^ (mixed >> 31)


def normal(numbers):
    """The sum of twelve uniform variates less 6, in single precision."""
    six = [next(numbers) for _ in range(6)]
    total = sum((number >> 32) + (number & 0xFFFFFFFF) for number in six)
    return struct.unpack("<f", struct.pack("<f", (total - 6 * 0xFFFFFFFF) / 2**32))[0]


def code(row, bits):
    numbers = splitmix64(len(row) * 2**32 + bits)
    sums = [0.0] * bits
    for x in row:
        for bit in range(bits):
            sums[bit] += x * normal(numbers)
    words = [0] * -(-bits // 64)
    for bit, value in enumerate(sums):
        words[bit // 64] |= (value > 0) << bit % 64
    return [f"0x{word:016x}" for word in words]


row = [float((i * 7 + 13) % 29 - 11) for i in range(324)]
print(code(row, 64), code(row, 70))
