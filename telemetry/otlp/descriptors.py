#!/usr/bin/env python3
"""Writes OTLP's .proto files, as protoc's --descriptor_set_in takes them.

    descriptors.py <folder of the wheel opentelemetry-proto> <output> <file>.proto ...

The wheel has no .proto files, only what Python makes of them, in which the description of each
file stands as a literal. A FileDescriptorSet is these, one after another as its field 1.
"""

import ast
import pathlib
import sys

FIELD_1_WITH_A_LENGTH = b"\x0a"


def description_in(module: pathlib.Path) -> bytes:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    sys.exit(f"{module}: no description of a .proto file")


def varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def main(wheel: str, output: str, *files: str) -> None:
    entries = bytearray()
    for file in files:
        description = description_in(pathlib.Path(wheel) / file.replace(".proto", "_pb2.py"))
        entries += FIELD_1_WITH_A_LENGTH + varint(len(description)) + description
    pathlib.Path(output).write_bytes(entries)


if __name__ == "__main__":
    main(*sys.argv[1:])
