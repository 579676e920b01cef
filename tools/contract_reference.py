#!/usr/bin/env python3
"""Draws up docs/grpc.md from the comments of proto/, so that the two cannot differ.

    tools/contract_reference.py            write it
    tools/contract_reference.py --check    say whether it is up to date

Needs protoc, and the protobuf package for Python: `make setup` and `make lint` install both.
"""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/grpc.md"
FILES = ["upscaler/v1/upscaler.proto", "upscaler/v1/job.proto", "upscaler/v1/spec.proto"]
PACKAGE = ".upscaler.v1."

# Numbers of fields in google/protobuf/descriptor.proto, of which the paths of comments consist.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM = 2, 3, 4
SERVICE_METHOD = 2
ENUM_VALUE = 2
FILE_SYNTAX = 12

INTRODUCTION = """# The gRPC contract

Drawn up from the comments in `proto/upscaler/v1/` by `tools/contract_reference.py`; change it there.
How to generate a client from these files: [client/python/README.md](../client/python/README.md).
"""


def descriptors() -> list[FileDescriptorProto]:
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(
            ["protoc", f"-I{ROOT / 'proto'}", "--include_source_info", f"-o{out.name}", *FILES],
            check=True,
        )
        files = FileDescriptorSet.FromString(out.read()).file
    return sorted(files, key=lambda file: FILES.index(file.name))


class Page:
    """The reference of one file, as lines of Markdown."""

    def __init__(self, file: FileDescriptorProto):
        self.lines: list[str] = []
        self._comments = {tuple(one.path): one for one in file.source_code_info.location}
        self._file = file

    def write(self) -> list[str]:
        self._add(f"## {self._file.name}")
        # What stands above `syntax` is about the file. Diagrams and tables keep their lines.
        syntax = self._comments.get((FILE_SYNTAX,))
        if syntax is not None and syntax.leading_comments.strip():
            self._add(self._paragraphs(syntax.leading_comments))
        for i, service in enumerate(self._file.service):
            self._service(service, (FILE_SERVICE, i))
        for i, message in enumerate(self._file.message_type):
            self._message(message, message.name, (FILE_MESSAGE, i))
        for i, enum in enumerate(self._file.enum_type):
            self._enum(enum, enum.name, (FILE_ENUM, i))
        return self.lines

    def _service(self, service: ServiceDescriptorProto, path: tuple[int, ...]) -> None:
        self._add(f"### service {service.name}", self._words(path))
        for i, method in enumerate(service.method):
            asked = ("stream " if method.client_streaming else "") + _link(method.input_type)
            given = ("stream " if method.server_streaming else "") + _link(method.output_type)
            words = self._words((*path, SERVICE_METHOD, i))
            self._add(f"**{method.name}** ({asked}) → {given}", words)

    def _message(self, message: DescriptorProto, name: str, path: tuple[int, ...]) -> None:
        self._add(f"### {name}", self._words(path))
        rows = [
            (f"`{field.name}`", _type_of(field, message), self._words((*path, MESSAGE_FIELD, i)))
            for i, field in enumerate(message.field)
        ]
        if rows:
            self._table(("field", "type", "meaning"), rows)
        for i, nested in enumerate(message.nested_type):
            self._message(nested, f"{name}.{nested.name}", (*path, MESSAGE_NESTED, i))
        for i, enum in enumerate(message.enum_type):
            self._enum(enum, f"{name}.{enum.name}", (*path, MESSAGE_ENUM, i))

    def _enum(self, enum: EnumDescriptorProto, name: str, path: tuple[int, ...]) -> None:
        self._add(f"### {name}", self._words(path))
        rows = [
            (f"`{value.name}`", str(value.number), self._words((*path, ENUM_VALUE, i)))
            for i, value in enumerate(enum.value)
        ]
        self._table(("value", "number", "meaning"), rows)

    def _words(self, path: tuple[int, ...]) -> str:
        """The comment there, in one line."""
        return " ".join(self._comments[path].leading_comments.split())

    @staticmethod
    def _paragraphs(comment: str) -> str:
        """A comment whose indented parts are tables."""
        text = []
        for block in comment.strip("\n").split("\n\n"):
            lines = [line[1:] if line.startswith(" ") else line for line in block.split("\n")]
            indented = all(line.startswith("  ") for line in lines if line)
            text.append("```\n" + "\n".join(lines) + "\n```" if indented else "\n".join(lines))
        return "\n\n".join(text)

    def _table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        self._add("\n".join(lines))

    def _add(self, *blocks: str) -> None:
        for block in blocks:
            self.lines += ["", block]


def _link(type_name: str) -> str:
    """A message or an enum by its name, as a link if it is one of ours."""
    if not type_name.startswith(PACKAGE):
        return type_name.lstrip(".")
    name = type_name.removeprefix(PACKAGE)
    return f"[{name}](#{name.lower().replace('.', '')})"


def _type_of(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    named = field.type in (FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM)
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = _link(field.type_name) if named else scalar
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    if field.proto3_optional:
        return f"optional {name}"
    if field.HasField("oneof_index"):
        return f"{name}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return name


def main() -> int:
    blocks = [INTRODUCTION.rstrip("\n")]
    for file in descriptors():
        blocks += Page(file).write()
    text = "\n".join(blocks) + "\n"
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(text)
        return 0
    there = TARGET.read_text() if TARGET.exists() else ""
    sys.stdout.writelines(
        difflib.unified_diff(
            there.splitlines(keepends=True), text.splitlines(keepends=True), str(TARGET), "proto"
        )
    )
    return 0 if there == text else 1


if __name__ == "__main__":
    sys.exit(main())
