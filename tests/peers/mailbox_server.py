"""A Caliptra mailbox behind UDP, written from the contract page alone: docs/src/host-library.md, "What is on the wire".

It shares no code with the host library or the emulated device. Usage: mailbox_server.py [PORT]; it prints the port it got.
"""
import hashlib
import socket
import struct
import sys

contexts, log = {}, [b"first frame\0", b"second frame\0"]


def checksum(command, octets):
    return -(sum(struct.pack("<I", command)) + sum(octets)) & 0xFFFFFFFF


def sized(octets):
    return struct.pack("<I", len(octets)) + octets


def hashing(name, payload):
    if name == "MCSI":
        kind, size = struct.unpack_from("<II", payload)
        state, data = hashlib.new({1: "sha384", 2: "sha512"}[kind]), payload[8 : 8 + size]
    else:
        size = struct.unpack_from("<I", payload, 200)[0]
        state, data = contexts[payload[:200]].copy(), payload[204 : 204 + size]
    assert len(data) == size
    state.update(data)
    if name == "MCSF":
        return sized(state.digest())
    context = struct.pack("<I", len(contexts)).ljust(200, b"\xC5")
    contexts[context] = state
    return context


def answer(name, payload):
    if name == "MFWV":
        return sized([b"9.8.7", b"1.2.3 abcdef"][struct.unpack("<I", payload)[0]])
    if name == "MCAP":
        return struct.pack(">QIIIIIII", 1, 2, 3, 4, 0x40, 0xF, 0, 0)
    if name == "MDID":
        return struct.pack("<HHHH", 0x1234, 0x5678, 0x9ABC, 0xDEF0)
    if name == "MGLG":
        part = log.pop(0) if log else b""
        return sized(struct.pack("<I", bool(log)) + part)
    if name == "MCLG":
        log.clear()
        return b""
    if name in ("MCSI", "MCSU", "MCSF"):
        return hashing(name, payload)
    raise KeyError(name)


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
print(server.getsockname()[1], flush=True)
while True:
    datagram, host = server.recvfrom(65536)
    try:
        command, found = struct.unpack_from("<II", datagram)
        assert found == checksum(command, datagram[8:]), "checksum"
        body = struct.pack("<I", 0) + answer(struct.pack(">I", command).decode(), datagram[8:])
        server.sendto(struct.pack("<I", checksum(0, body)) + body, host)
    except Exception:
        server.sendto(b"\xFF", host)
